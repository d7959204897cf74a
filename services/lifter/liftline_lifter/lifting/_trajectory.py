"""Where a person is: the root in camera space, from how a root-relative pose projects onto the 2D keypoints.

With p the joint relative to the root, t the root and r = (u, v) the ray through its keypoint, `p + t` lies on the ray:
t_x - u t_z = u p_z - p_x, and the same for y. That is linear in t; every frame is a small weighted least-squares
problem, reweighted a few times (Geman-McClure) so that wrong keypoints don't pull. Depth comes from apparent size
and is noisy, so 1/depth is smoothed over time, without lag, before x and y are solved again with depth fixed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from liftline.camera import Camera
from liftline.skeletons import COCO17, H36M17, LIMB_JOINTS
from liftline_lifter.resampling import interpolate

DEPTH_TIME_S = 0.25
"""Standard deviation of the Gaussian that 1/depth is smoothed with, seconds."""

NEAREST_M, FARTHEST_M = 0.3, 200.0

_LIMBS = (*LIMB_JOINTS[::2], *LIMB_JOINTS[1::2])  # the left ones first
_H36M = H36M17.indices(*_LIMBS)
_COCO = COCO17.indices(*(name.replace("foot", "ankle") for name in _LIMBS))
_ROUNDS = 4
_OUTLIER_M = 0.08
_FLOOR_WEIGHT = 0.02


def fit_roots(
    joints_m: NDArray[np.floating],
    keypoints_px: NDArray[np.floating],
    scores: NDArray[np.floating],
    times_s: NDArray[np.float64],
    *,
    camera: Camera,
) -> NDArray[np.float32]:
    """The root of every frame of one track, by weighted least squares; see this module's text.

    Args:
        joints_m: (T,17,3) root-relative Human3.6M joints, camera space.
        keypoints_px: (T,17,2) COCO keypoints.
        scores: (T,17) their scores; 0 where interpolated.
        times_s: (T,) rising.
        camera: with the focal length to assume.

    Returns:
        (T,3) metres, x right, y down, z forward.
    """
    points = np.asarray(joints_m[:, _H36M], np.float64)
    rays = camera.rays(keypoints_px[:, _COCO])
    confidence = np.maximum(scores[:, _COCO].astype(np.float64), _FLOOR_WEIGHT)
    weights = confidence
    for _ in range(_ROUNDS):
        roots = solve_roots(points, rays, weights)
        weights = confidence * _trust(points, rays, roots)
    depth = 1 / smooth_even(1 / _possible_depth(roots[:, 2]), times_s)
    return _at_depth(points, rays, weights, depth).astype(np.float32)


def solve_roots(
    points: NDArray[np.float64], rays: NDArray[np.float64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,K,3) points relative to the root, (T,K,2) their rays, (T,K) weights -> (T,3) least-squares roots."""
    target = rays * points[..., 2:] - points[..., :2]
    total = weights.sum(axis=1)
    ray_sum = (weights[..., None] * rays).sum(axis=1)
    normal = np.zeros((len(points), 3, 3))
    normal[:, 0, 0] = normal[:, 1, 1] = total
    normal[:, :2, 2] = normal[:, 2, :2] = -ray_sum
    normal[:, 2, 2] = (weights * np.square(rays).sum(axis=2)).sum(axis=1) + 1e-9 * total
    right = np.empty((len(points), 3))
    right[:, :2] = (weights[..., None] * target).sum(axis=1)
    right[:, 2] = -(weights[..., None] * rays * target).sum(axis=(1, 2))
    return np.asarray(np.linalg.solve(normal, right[..., None])[..., 0], np.float64)


def smooth_even(values: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,) values -> (T,) without single-frame outliers and with a zero-lag Gaussian over time; uneven times count."""
    if len(values) < 3:
        return values
    cleaned = median_filter(values, size=5, mode="nearest")
    step = float(np.median(np.diff(times_s)))
    reach = int(np.ceil(3 * DEPTH_TIME_S / step))
    even = times_s[0] + step * np.arange(int(np.ceil((times_s[-1] - times_s[0]) / step)) + 1)
    kernel = np.exp(-0.5 * np.square(step * np.arange(-reach, reach + 1) / DEPTH_TIME_S))
    padded = np.pad(interpolate(cleaned, times_s, even), reach, mode="reflect", reflect_type="odd")
    smooth = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    low, high = float(cleaned.min()), float(cleaned.max())
    return np.clip(interpolate(smooth, even, times_s), low, high)


def _trust(points: NDArray[np.float64], rays: NDArray[np.float64], roots: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,K) 1 for keypoints where the pose says they are, towards 0 for those far off, at the person's depth."""
    placed = points + roots[:, None]
    missed = np.square(placed[..., :2] - rays * placed[..., 2:]).sum(axis=2)
    return np.asarray(1 / np.square(1 + missed / _OUTLIER_M**2), np.float64)


def _possible_depth(depth_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depths behind the camera or beyond sight are taken from the frames before and after."""
    good = (depth_m >= NEAREST_M) & (depth_m <= FARTHEST_M)
    if not good.any():
        return np.full_like(depth_m, np.clip(np.median(depth_m), NEAREST_M, FARTHEST_M))
    index = np.arange(len(depth_m), dtype=np.float64)
    return np.interp(index, index[good], depth_m[good])


def _at_depth(
    points: NDArray[np.float64], rays: NDArray[np.float64], weights: NDArray[np.float64], depth: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,3) roots with depth given: x and y are the weighted means of what each keypoint asks for."""
    asked = rays * (points[..., 2:] + depth[:, None, None]) - points[..., :2]
    place = (weights[..., None] * asked).sum(axis=1) / weights.sum(axis=1)[:, None]
    return np.concatenate([place, depth[:, None]], axis=1)
