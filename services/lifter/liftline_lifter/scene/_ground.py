"""Which way is up and where the floor is, from everyone who stands and walks on it.

Two observations are put together by least squares. Bodies balance (`vertical`), which gives the vertical to a few
degrees. And the lower foot of everyone, wherever they go, is on one floor. A person's size can't be seen in one
camera: where there are several, each may be a little larger and farther away, or smaller and nearer, so that all stand
on it. Someone who'd have to change much stands elsewhere (a stage, stairs) or is a small child, and tells nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares
from scipy.sparse import coo_array

from liftline.poses import Poses
from liftline.skeletons import COCO17, H36M17
from liftline_lifter.scene.vertical import unit, upright_direction

Floats = NDArray[np.float64]

ANKLE_HEIGHT_M = 0.07
"""The skeleton's feet are ankles, so high above the floor: 3.9 % of stature (Drillis and Contini, 1966)."""

# Chosen on simulated rooms of the training split (`benchmarks.ground_truth.simulated_rooms`). How good the vertical is,
# how much sizes differ, how far a foot is off the floor; logarithms of the most that a size may change.
_TILT_DEG, _SIZE, _OFF_FLOOR_M = 3.0, 0.06, 0.15
_MOST_GROWTH, _MOST_SHRINKING = 0.10, 0.25
_ON_FLOOR = 0.1
_FEET_EACH, _FEET_OF_ALL, _FEET_THAT_COUNT = 64, 10_000, 20.0

_FEET = np.array(H36M17.indices("left_foot", "right_foot"))
_ANKLES = np.array(COCO17.indices("left_ankle", "right_ankle"))


@dataclass(frozen=True)
class Ground:
    """The floor {p : p·up = floor_m} in camera space, metres.

    up (3,) unit vector; sizes (P,): by how much each person must be scaled, seen from the camera, to stand on the
    floor with the others; 1 where nothing tells.
    """

    up: Floats
    floor_m: float
    sizes: Floats


@dataclass(frozen=True)
class _Feet:
    """Lower feet (N,3) of all people, whose (N,) they are, and how much each counts (N,)."""

    points_m: Floats
    owner: NDArray[np.intp]
    weight: Floats

    def only(self, people: NDArray[np.bool_]) -> _Feet:
        keep = people[self.owner]
        return _Feet(self.points_m[keep], self.owner[keep], self.weight[keep])


def estimate_ground(poses: Poses, *, sizes_known: NDArray[np.bool_]) -> Ground:
    """The floor of everyone once scaled by `sizes`. `sizes_known` (P,), P > 0: whose size isn't to be doubted."""
    up = upright_direction(poses.joints_m.astype(np.float64) + poses.root_cam_m[:, None])
    feet = _lower_feet(poses, up)
    standing = np.ones(len(poses), np.bool_)
    while True:
        doubted = standing & ~sizes_known & (standing.sum() > 1)
        ground = _fit(feet.only(standing), up, doubted)
        change = np.log(ground.sizes)
        change = np.maximum(change / _MOST_GROWTH, -change / _MOST_SHRINKING)
        off = np.flatnonzero(change > 1)
        if not len(off):
            return ground
        # The worse half elsewhere, the others get another try: who is wrong about the floor pulls on the rest.
        standing[off[np.argsort(-change[off], kind="stable")][: (len(off) + 1) // 2]] = False


def floor_under(poses: Poses, up: Floats) -> float:
    """`floor_m` under people as they are: an ankle below the lower feet of most frames; someone may jump."""
    feet = poses.joints_m[:, _FEET].astype(np.float64) + poses.root_cam_m[:, None]
    return float(np.quantile((feet @ up).min(axis=1), _ON_FLOOR)) - ANKLE_HEIGHT_M


def _lower_feet(poses: Poses, up: Floats) -> _Feet:
    """Of every person some frames, evenly; what a detector hardly saw hardly counts."""
    each = max(1, min(_FEET_EACH, _FEET_OF_ALL // len(poses)))
    points, weights = [], []
    for person in range(len(poses)):
        at = poses.rows(person)
        rows = np.arange(at.start, at.stop)[:: max(1, -(-(at.stop - at.start) // each))]
        feet = (poses.joints_m[rows][:, _FEET] + poses.root_cam_m[rows, None]).astype(np.float64)
        lower = (feet @ up).argmin(axis=1)
        points.append(feet[np.arange(len(rows)), lower])
        scores = poses.keypoint_scores[rows, _ANKLES[lower]].astype(np.float64)
        weights.append(scores * min(1.0, _FEET_THAT_COUNT / len(rows)))
    owner = np.repeat(np.arange(len(poses)), [len(part) for part in points])
    return _Feet(np.concatenate(points), owner, np.concatenate(weights))


def _fit(feet: _Feet, vertical: Floats, doubted: NDArray[np.bool_]) -> Ground:
    """Least squares over two angles, the floor and everyone's size, robust in feet and in sizes (pseudo-Huber)."""
    across = unit(np.cross(vertical, [0.0, 0.0, 1.0]))
    axes = np.radians(_TILT_DEG) * np.stack([across, np.cross(vertical, across)])
    start = np.concatenate([[0.0, 0.0, np.median(feet.points_m @ vertical)], np.zeros(len(doubted))])
    spread = np.where(doubted, _SIZE, 0.0)

    def ground(values: Floats) -> Ground:
        return Ground(unit(vertical + values[:2] @ axes), float(values[2]), np.exp(spread * values[3:]))

    def residuals(values: Floats) -> Floats:
        now = ground(values)
        off = now.sizes[feet.owner] * (feet.points_m @ now.up) - now.floor_m
        return np.concatenate(
            [values[:2], _size_residual(values[3:]), np.sqrt(feet.weight) * _robust(off / _OFF_FLOOR_M)]
        )

    found = ground(least_squares(residuals, start, jac_sparsity=_sparsity(feet.owner, len(doubted))).x)
    return Ground(found.up, found.floor_m - ANKLE_HEIGHT_M, found.sizes)


def _size_residual(size: Floats) -> Floats:
    """Small people, children among them, aren't as rare as giants."""
    return np.where(size > 0, size, _robust(size))


def _robust(residual: Floats) -> Floats:
    """Whose square is the pseudo-Huber loss, twice: like a square near 0, linear far from it."""
    return residual * np.sqrt(2 / (1 + np.sqrt(1 + residual * residual)))


def _sparsity(owner: NDArray[np.intp], people: int) -> coo_array:
    """Which residuals of `_fit` depend on which of its unknowns."""
    feet = len(owner)
    own = np.arange(2 + people)
    rows = 2 + people + np.arange(feet)
    row = np.concatenate([own, np.repeat(rows, 4)])
    plane = np.broadcast_to([0, 1, 2], (feet, 3))
    column = np.concatenate([np.where(own < 2, own, own + 1), np.column_stack([plane, 3 + owner]).ravel()])
    return coo_array((np.ones(len(row), np.int8), (row, column)), shape=(2 + people + feet, 3 + people))
