"""The room, from everyone in it: which way is up, where the floor is, where the middle of the action is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.camera import FocalSource
from liftline.poses import Poses
from liftline.scene import Scene, Vector
from liftline.skeletons import H36M17
from liftline_lifter.balance import LEVEL_UP, unit
from liftline_lifter.ground import Ground, estimate_ground

_STANDING_HIP_M = 0.9
_EVERYONE = 0.99
_BODY_RADIUS_M = 0.8
_MIN_EXTENT_M, _DEFAULT_DISTANCE_M = 1.2, 4.0

_HIP = H36M17.index["hip"]


def estimate_scene(poses: Poses, ground: Ground | None = None, *, focal_source: FocalSource | None = None) -> Scene:
    """What every rendered frame shares, on a floor that is estimated where it isn't given.

    Without anybody: a level camera at hip height, four metres from the middle.
    """
    if not len(poses.frame_index):
        return _empty_room(poses.focal_px, focal_source)
    ground = ground or estimate_ground(poses, sizes_known=np.ones(len(poses), np.bool_))
    hips = (poses.joints_m[:, _HIP] + poses.root_cam_m).astype(np.float64)
    centre, extent = _middle(hips, ground.up, ground.floor_m)
    return Scene(
        _vector(ground.up), ground.floor_m, _vector(centre), extent, poses.focal_px, focal_source=focal_source
    )  # fmt: skip


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
    right = unit(np.array([1.0, 0.0, 0.0]) - up[0] * up)
    return right, np.cross(right, up) * -1.0


def _empty_room(focal_px: float, focal_source: FocalSource | None) -> Scene:
    up, floor = LEVEL_UP, -_STANDING_HIP_M
    centre = np.array([0.0, _STANDING_HIP_M, _DEFAULT_DISTANCE_M])
    return Scene(_vector(up), floor, _vector(centre), _MIN_EXTENT_M, focal_px, focal_source=focal_source)


def _vector(values: NDArray[np.float64]) -> Vector:
    x, y, z = (float(value) for value in values)
    return x, y, z
