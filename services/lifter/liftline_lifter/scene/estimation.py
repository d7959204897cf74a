"""The scene, from everyone in it: the vertical, the floor, the middle and extent of everyone's positions."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.camera import FocalSource
from liftline.poses import Poses
from liftline.scene import Scene, Vector
from liftline.skeletons import H36M17
from liftline_lifter.scene._ground import estimate_ground, floor_under
from liftline_lifter.scene.person_height import scaled
from liftline_lifter.scene.vertical import LEVEL_UP, unit

_STANDING_HIP_M = 0.9
_EVERYONE = 0.99
_BODY_RADIUS_M = 0.8
_MIN_EXTENT_M, _DEFAULT_DISTANCE_M = 1.2, 4.0

_HIP = H36M17.index["hip"]


def fit_scene(
    poses: Poses, *, common_floor: bool, sizes_known: NDArray[np.bool_], focal_source: FocalSource
) -> tuple[Poses, Scene]:
    """The scene, and the poses: with `common_floor`, scaled person by person so that all stand on one floor.

    `sizes_known` (P,): whose size is known and stays.
    """
    if not common_floor or not len(poses):
        return poses, estimate_scene(poses, focal_source=focal_source)
    ground = estimate_ground(poses, sizes_known=sizes_known)
    poses = scaled(poses, ground.sizes)
    return poses, _describe(poses, ground.up, ground.floor_m, focal_source)


def estimate_scene(poses: Poses, *, focal_source: FocalSource | None = None) -> Scene:
    """The scene of poses as they are. Without anybody: a level camera at hip height, four metres from the middle."""
    if not len(poses):
        return _empty_room(poses.focal_px, focal_source)
    up = estimate_ground(poses, sizes_known=np.zeros(len(poses), np.bool_)).up
    return _describe(poses, up, floor_under(poses, up), focal_source)


def _describe(poses: Poses, up: NDArray[np.float64], floor_m: float, focal_source: FocalSource | None) -> Scene:
    hips = (poses.joints_m[:, _HIP] + poses.root_cam_m).astype(np.float64)
    centre, extent = _middle(hips, up, floor_m)
    return Scene(_vector(up), floor_m, _vector(centre), extent, poses.focal_px, focal_source=focal_source)


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
