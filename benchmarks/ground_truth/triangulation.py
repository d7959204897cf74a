"""Points seen by several calibrated cameras, in 3D, with views that are wrong left out.

The direct linear transform on undistorted rays (Hartley and Zisserman, "Multiple View Geometry", 2004, section 12.2),
its rows weighted by depth so that what is minimised is the distance in the picture (Hartley and Sturm,
"Triangulation", CVIU 1997). It is done for every subset of views: a view that isn't in the largest subset whose
members agree, because its detector was wrong or took left for right, has no say in that point.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from benchmarks.ground_truth.reference import CalibratedCamera

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

MIN_VIEWS = 3
"""Two views agree by chance wherever an error lies along the epipolar line."""
_MIN_WEIGHT = 1e-3


@dataclass(frozen=True)
class Triangulated:
    """points_m (N,3) in the world, NaN where fewer than `MIN_VIEWS` views agree; used (V,N), which views had a say."""

    points_m: Floats
    used: Bools


def triangulate(
    cameras: Sequence[CalibratedCamera], points_px: Floats, weights: Floats, gates_px: Floats
) -> Triangulated:
    """Points that at least `MIN_VIEWS` views agree on.

    Args:
        cameras: V of them.
        points_px: (V,N,2), NaN where a view has none.
        weights: (V,N) how much each view's point counts.
        gates_px: (V,N) how far from its reprojection a point may be that agrees.
    """
    known = np.isfinite(points_px).all(axis=-1)
    seen = np.stack([rays(camera, own) for camera, own in zip(cameras, points_px, strict=True)])
    count = points_px.shape[1]
    best, used, cost = np.full((count, 3), np.nan), np.zeros(known.shape, np.bool_), np.full(count, np.inf)
    size = len(cameras)
    for chosen in _subsets(len(cameras)):
        if chosen.sum() < size:
            size = int(chosen.sum())
            cost[np.isfinite(best).all(axis=1)] = -np.inf
        points = intersect(cameras, seen, np.maximum(weights, _MIN_WEIGHT) * (known & chosen[:, None]))
        apart = reprojection_px(cameras, points, points_px) / gates_px
        agrees = (known & (apart <= 1))[chosen].all(axis=0)
        total = np.square(apart[chosen]).sum(axis=0)
        better = agrees & (total < cost)
        best[better], cost[better] = points[better], total[better]
        used[:, better] = chosen[:, None]
    return Triangulated(best, used)


def _subsets(count: int) -> Iterator[Bools]:
    """(V,) which views, the larger subsets first."""
    for size in range(count, MIN_VIEWS - 1, -1):
        for views in combinations(range(count), size):
            yield np.isin(np.arange(count), views)


def rays(camera: CalibratedCamera, points_px: Floats) -> Floats:
    """(N,2) pixels -> (N,2) x/z, y/z without lens distortion; 0 where a point is missing."""
    flat = np.nan_to_num(points_px).reshape(-1, 1, 2)
    straight = cv2.undistortPoints(flat, camera.matrix, camera.distortions)
    return np.asarray(straight, np.float64).reshape(points_px.shape)


def intersect(cameras: Sequence[CalibratedCamera], seen: Floats, weights: Floats) -> Floats:
    """(V,N,2) rays and their weights (V,N) -> (N,3) the world points that fit them best."""
    rotations = np.stack([camera.rotation for camera in cameras])[:, None]
    shifts = np.stack([camera.translation_m for camera in cameras])[:, None]
    rows = rotations[:, :, :2] - seen[..., None] * rotations[:, :, 2:]
    right = seen * shifts[..., 2:] - shifts[..., :2]
    points = _least_squares(rows, right, weights)
    depths = np.stack([camera.to_camera(points)[:, 2] for camera in cameras])
    return _least_squares(rows, right, weights / np.maximum(depths, 0.1) ** 2)


def _least_squares(rows: Floats, right: Floats, weights: Floats) -> Floats:
    normal = np.einsum("vn,vnki,vnkj->nij", weights, rows, rows) + 1e-9 * np.eye(3)
    target = np.einsum("vn,vnki,vnk->ni", weights, rows, right)
    return np.asarray(np.linalg.solve(normal, target[..., None])[..., 0], np.float64)


def reprojection_px(cameras: Sequence[CalibratedCamera], points_m: Floats, points_px: Floats) -> Floats:
    """(N,3) world points and (V,N,2) where they were seen -> (V,N) distances, NaN where they weren't."""
    projected = np.stack([camera.project(points_m) for camera in cameras])
    return np.asarray(np.linalg.norm(projected - points_px, axis=-1), np.float64)
