"""Metric scale: how tall a person is, and poses scaled so that someone is as tall as they are known to be.

One camera can't tell a person of 1.5 m at 4 m from one of 1.8 m at 4.8 m: pose and place are scaled together, and
what is seen stays the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from liftline.errors import UsageError
from liftline.poses import Poses
from liftline.skeletons import H36M17

_LEGS = tuple(
    H36M17.indices(f"{side}_{upper}", f"{side}_{lower}")
    for side in ("left", "right")
    for upper, lower in (("hip", "knee"), ("knee", "foot"))
)
_BACK = tuple(
    H36M17.indices(*ends) for ends in (("hip", "spine"), ("spine", "thorax"), ("thorax", "neck"), ("neck", "head"))
)
_LEG_OVER_STATURE = 0.491
"""Thigh and shank, 0.245 + 0.246: Drillis and Contini, "Body Segment Parameters" (1966)."""

_BACK_OVER_STATURE = 0.421
"""From the hip over spine, thorax and neck to the head joint, 0.138 + 0.150 + 0.066 + 0.067 on Human3.6M's skeleton.

What is missing to stature is the foot (0.039) and what is above the head joint and bent between them.
"""


def standing_height_m(joints_m: NDArray[np.floating]) -> float:
    """How tall the person of these (T,17,3) joints is when standing straight: from the bones, median over time."""
    left, right = (_chain_m(joints_m, _LEGS[first : first + 2]) for first in (0, 2))
    back = _chain_m(joints_m, _BACK)
    return float(np.median((left + right) / 2 + back)) / (_LEG_OVER_STATURE + _BACK_OVER_STATURE)


def with_heights(poses: Poses, everyone_m: float | None, of_tracks_m: Mapping[int, float]) -> Poses:
    """Poses scaled so that people have the given heights, metres. Raises UsageError for a track that isn't there."""
    strange = sorted(of_tracks_m.keys() - set(poses.track_ids.tolist()))
    if strange:
        raise UsageError(
            f"{poses.video}: a height is given for person {strange[0]}, but there is nobody of that number; there are "
            f"{', '.join(map(str, poses.track_ids.tolist())) or 'none'}."
        )
    factors = np.ones(len(poses))
    for person, track in enumerate(poses.track_ids.tolist()):
        wanted = of_tracks_m.get(track, everyone_m)
        if wanted is not None:
            factors[person] = wanted / standing_height_m(poses.joints_m[poses.rows(person)])
    return scaled(poses, factors)


def heights_known(poses: Poses, everyone_m: float | None, of_tracks_m: Mapping[int, float]) -> NDArray[np.bool_]:
    """(P,) of whom a height is given."""
    return np.isin(poses.track_ids, list(of_tracks_m)) | (everyone_m is not None)


def scaled(poses: Poses, factors: NDArray[np.floating]) -> Poses:
    """Every person (P,) larger and farther away, or smaller and nearer, by a factor: as seen before by the camera."""
    if np.all(factors == 1):
        return poses
    by_row = np.repeat(factors, np.diff(poses.row_offsets)).astype(np.float32)
    return replace(
        poses, joints_m=poses.joints_m * by_row[:, None, None], root_cam_m=poses.root_cam_m * by_row[:, None]
    )


def _chain_m(joints_m: NDArray[np.floating], bones: tuple[list[int], ...]) -> NDArray[np.float64]:
    """(T,) summed lengths of bones."""
    upper, lower = (list(ends) for ends in zip(*bones, strict=True))
    lengths = np.linalg.norm(joints_m[:, lower].astype(np.float64) - joints_m[:, upper], axis=2)
    return np.asarray(lengths.sum(axis=1), np.float64)
