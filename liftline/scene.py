"""What the whole video says about the room: up, the floor, where people are, how the 3D view turns."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import TypeAdapter

from liftline.camera import FocalSource
from liftline.errors import InvalidArtifactError
from liftline.files.artifacts import consistent
from liftline.files.atomic import write_json

SCHEMA_VERSION = 1
_STEEP = 1e-3
"""Within so many radians (0.06 degrees) of straight down or up, noise decides where the viewing direction points."""
Vector = tuple[float, float, float]


@dataclass(frozen=True)
class Scene:
    """What every rendered frame of a video shares, in camera space (x right, y down, z forward), metres.

    up: unit vector. floor_m: the floor is {p : p·up = floor_m}. centre_m: the middle of everyone's positions, on the
    floor. extent_m: radius around it that holds everyone. focal_px: focal length of the video's camera.
    turntable_period_s: one swing of the 3D view's camera. focal_source: where the focal length is from; None in files
    that don't tell.
    """

    up: Vector
    floor_m: float
    centre_m: Vector
    extent_m: float
    focal_px: float
    turntable_period_s: float = 24.0
    focal_source: FocalSource | None = None

    def __post_init__(self) -> None:
        """Raise ValueError unless `up` is a unit vector."""
        if abs(sum(c * c for c in self.up) - 1) > 1e-6:
            raise ValueError(f"up must be a unit vector, not {self.up}")


_SCENE = TypeAdapter(Scene)


def world_axes(scene: Scene) -> NDArray[np.float64]:
    """(3,3) rotation from camera space to the world: x to the camera's right, y away from it, z up.

    Of a camera that looks straight down, y is the picture's upper edge, straight up its lower one: what they are of one
    that is tilted there from the horizontal.
    """
    up = np.array(scene.up)
    away = np.array([0.0, 0.0, 1.0]) - up[2] * up
    if np.linalg.norm(away) < _STEEP:
        away = np.cross(up, [1.0, 0.0, 0.0])
    away /= np.linalg.norm(away)
    return np.stack([np.cross(away, up), away, up])


def to_world(points_m: NDArray[np.floating], scene: Scene) -> NDArray[np.float64]:
    """(...,3) camera space -> (...,3) the world of `world_axes`, whose origin is on the floor under the camera."""
    return np.asarray(points_m @ world_axes(scene).T - [0.0, 0.0, scene.floor_m], np.float64)


def save(path: Path, scene: Scene) -> None:
    """Write a scene as JSON."""
    write_json(path, {"schema_version": SCHEMA_VERSION, **_SCENE.dump_python(scene, mode="json")})


def load(path: Path) -> Scene:
    """Read a scene. Raises InvalidArtifactError: no such file, no JSON, another schema version, wrong values."""
    try:
        data: Any = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise InvalidArtifactError(f"{path}: not a readable scene file ({error}); run the lift step again.") from error
    if not isinstance(data, dict) or data.pop("schema_version", None) != SCHEMA_VERSION:
        raise InvalidArtifactError(f"{path}: not a scene of schema version {SCHEMA_VERSION}; run the lift step again.")
    with consistent(str(path)):
        return _SCENE.validate_python(data)
