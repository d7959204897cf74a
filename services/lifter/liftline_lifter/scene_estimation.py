"""The room, from everyone in it: which way is up, where the floor is, where the middle of the action is.

Up: people who stand or walk are upright on average, so the mean direction from their feet through the hip to the
thorax, seen from the camera, is the vertical. Legs count double, since people lean with their torso, and frames count
by how straight someone is. A prior for a camera held level (up is -y) counts as a few frames. The floor lies under the
lower foot, at a low quantile over all frames, since someone may jump.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.poses import Poses
from liftline.scene import Scene, Vector
from liftline.skeletons import H36M17

_LEVEL_UP = np.array([0.0, -1.0, 0.0])
_PRIOR_ROWS = 3.0
_MAX_TILT_DEG = 50.0
_STRAIGHT_DEG = 10.0
_ROUNDS = 8
_STEADY_DEG = 10.0

_FLOOR_QUANTILE = 0.1
ANKLE_HEIGHT_M = 0.04
"""The skeleton's feet are ankles; drawn feet are points, so the floor is a little under them."""

_STANDING_HIP_M = 0.9
_EVERYONE = 0.99
_BODY_RADIUS_M = 0.8
_MIN_EXTENT_M, _DEFAULT_DISTANCE_M = 1.2, 4.0

_FEET = H36M17.indices("left_foot", "right_foot")
_HIP, _THORAX = H36M17.index["hip"], H36M17.index["thorax"]


@dataclass(frozen=True)
class _Bodies:
    """Unit vectors (R,3) of torsos and legs, and metres (R,17,3) in camera space."""

    torso: NDArray[np.float64]
    legs: NDArray[np.float64]
    joints_m: NDArray[np.float64]

    @classmethod
    def of(cls, poses: Poses) -> _Bodies:
        joints = poses.joints_m.astype(np.float64)
        hip = joints[:, _HIP]
        return cls(
            _unit(joints[:, _THORAX] - hip),
            _unit(hip - joints[:, _FEET].mean(axis=1)),
            joints + poses.root_cam_m[:, None].astype(np.float64),
        )


def estimate_scene(poses: Poses) -> Scene:
    """What every rendered frame shares. Without anybody: a level camera at hip height, four metres from the middle."""
    if not len(poses.frame_index):
        return _empty_room(poses.focal_px)
    bodies = _Bodies.of(poses)
    up = estimate_up(bodies.torso, bodies.legs)
    floor = float(np.quantile((bodies.joints_m[:, _FEET] @ up).min(axis=1), _FLOOR_QUANTILE)) - ANKLE_HEIGHT_M
    centre, extent = _middle(bodies.joints_m[:, _HIP], up, floor)
    return Scene(_vector(up), floor, _vector(centre), extent, poses.focal_px)


def estimate_up(torso: NDArray[np.float64], legs: NDArray[np.float64]) -> NDArray[np.float64]:
    """(3,) unit vector from (R,3) unit directions of torsos and legs, camera space.

    Frames where someone bends, sits or lies hardly count; the rest is averaged robustly (Cauchy weights).
    """
    body = _unit(torso + 2 * legs)
    level = body @ _LEVEL_UP > np.cos(np.radians(_MAX_TILT_DEG))
    straight = _fading(_angles_deg(torso, legs), _STRAIGHT_DEG) ** 2
    body, straight = body[level], straight[level]
    prior = _PRIOR_ROWS * _LEVEL_UP
    up = _unit(prior + (straight[:, None] * body).sum(axis=0))
    for _ in range(_ROUNDS):
        weight = straight * _fading(_angles_deg(body, up), _STEADY_DEG)
        up = _unit(prior + (weight[:, None] * body).sum(axis=0))
    return up


def _angles_deg(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.degrees(np.arccos(np.clip((one * other).sum(axis=-1), -1, 1))), np.float64)


def _fading(angle_deg: NDArray[np.float64], half_deg: float) -> NDArray[np.float64]:
    return 1 / (1 + np.square(angle_deg / half_deg))


def _middle(hips: NDArray[np.float64], up: NDArray[np.float64], floor_m: float) -> tuple[NDArray[np.float64], float]:
    """The middle of all positions, on the floor, and the radius around it that holds nearly all of them.

    The farthest hundredth doesn't count: it is where a depth went wrong.
    """
    on_floor = hips + (floor_m - hips @ up)[:, None] * up
    right, forward = _floor_axes(up)
    plane = np.stack([on_floor @ right, on_floor @ forward], axis=1)
    low, high = np.quantile(plane, [1 - _EVERYONE, _EVERYONE], axis=0)
    middle = (low + high) / 2
    radius = float(np.quantile(np.linalg.norm(plane - middle, axis=1), _EVERYONE))
    centre = middle[0] * right + middle[1] * forward + floor_m * up
    return centre, max(radius + _BODY_RADIUS_M, _MIN_EXTENT_M)


def _floor_axes(up: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Two unit vectors in the floor: the camera's right, and away from the camera."""
    right = _unit(np.array([1.0, 0.0, 0.0]) - up[0] * up)
    return right, np.cross(right, up) * -1.0


def _empty_room(focal_px: float) -> Scene:
    up, floor = _LEVEL_UP, -_STANDING_HIP_M
    centre = np.array([0.0, _STANDING_HIP_M, _DEFAULT_DISTANCE_M])
    return Scene(_vector(up), floor, _vector(centre), _MIN_EXTENT_M, focal_px)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float64)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
