"""The camera as Pose2Sim's calibration has it, `<stem>_calibration.toml`: to write one, and to read one's focal length.

`rotation` (Rodrigues' vector) and `translation` take the world (z up, origin on the floor under the camera, metres) to
camera space (x right, y down, z forward). Format: Pose2Sim, `calibration.py` (`toml_write`).
"""

from __future__ import annotations

import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.errors import UsageError
from liftline.files.atomic import write_bytes
from liftline.kinematics.turns import quaternions, rotation_vector
from liftline.poses import Poses
from liftline.scene import Scene, world_axes


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>_calibration.toml`."""
    path, axes = base.with_name(f"{base.stem}_calibration.toml"), world_axes(scene).T
    focal, centre = float(scene.focal_px), (poses.width_px / 2, poses.height_px / 2)
    values = {
        "name": base.stem,
        "size": [float(poses.width_px), float(poses.height_px)],
        "matrix": [[focal, 0.0, centre[0]], [0.0, focal, centre[1]], [0.0, 0.0, 1.0]],
        "distortions": [0.0] * 4,
        "rotation": rotation_vector(quaternions(axes)).tolist(),
        "translation": (axes @ [0.0, 0.0, scene.floor_m]).tolist(),
        "fisheye": False,
    }
    lines = ["[cam_01]", *(f"{name} = {json.dumps(value)}" for name, value in values.items())]
    write_bytes(path, "\n".join([*lines, "", "[metadata]", "adjusted = false", "error = 0.0", ""]).encode())
    return [path]


@dataclass(frozen=True)
class CalibratedCamera:
    """A camera of a calibration file: (3,3) intrinsics in pixels of pictures of that size."""

    name: str
    width_px: int
    height_px: int
    matrix: NDArray[np.float64]

    def focal_px(self, width_px: int) -> float:
        """The focal length in pictures of another width, of the same camera and zoom."""
        return float(np.sqrt(self.matrix[0, 0] * self.matrix[1, 1])) * width_px / self.width_px


def read_cameras(path: Path) -> list[CalibratedCamera]:
    """The cameras of a calibration file of Pose2Sim's kind. Raises UsageError: no such file, or not one."""
    try:
        content = tomllib.loads(path.read_text("utf-8"))
        cameras = [
            _camera(key, value) for key, value in content.items() if isinstance(value, dict) and "matrix" in value
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{path}: not a calibration in Pose2Sim's TOML ({error}); give one with size and matrix."
        ) from error
    if not cameras:
        raise UsageError(f"{path}: holds no camera; each has a table with size and matrix.")
    return cameras


def _camera(key: str, value: dict[str, Any]) -> CalibratedCamera:
    matrix, (width, height) = np.array(value["matrix"], np.float64), value["size"]
    if matrix.shape != (3, 3) or not np.isfinite(matrix).all() or min(matrix[0, 0], matrix[1, 1], width, height) <= 0:
        raise ValueError(f"{key} has no intrinsics of 3 x 3 numbers and a size in pixels")
    return CalibratedCamera(str(value.get("name", key)), int(width), int(height), matrix)
