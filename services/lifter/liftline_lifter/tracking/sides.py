"""Which frames have left and right swapped: a detector that mistakes a back for a front swaps all joints at once.

A body can't turn around between two frames, so a swap shows as a jump of every paired joint, and undoing it removes the
jump. Which frames to swap is a two-state shortest path (Viterbi, IEEE Trans. Inf. Theory 13, 1967): a change of state
costs what swapping would move between neighbouring frames, and being swapped costs a little per second, so that the
detector's word holds for most of the track and wherever swapping explains nothing, as in a profile.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17

SWAPPED_COST_PER_S = 0.05
"""In person sizes; a swap that lasts a second is believed to be one if undoing it saves this and the jumps."""
LONGEST_STEP_S = 0.25
"""Across a longer absence a person may have turned around."""
LARGEST_JUMP = 0.5
"""In person sizes; a single wild keypoint decides nothing."""

_LEFT = COCO17.indices(*(f"left_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")))
_RIGHT = COCO17.indices(*(f"right_{part}" for part in ("shoulder", "elbow", "wrist", "hip", "knee", "ankle")))


def swapped_frames(
    keypoints_px: NDArray[np.float32], sizes_px: NDArray[np.floating], times_s: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """(N,) whether left and right are exchanged in each observed frame of a track.

    Args:
        keypoints_px: (N,J,2) COCO keypoints, NaN where missing.
        sizes_px: (N,) size of the person in each frame.
        times_s: (N,) rising.
    """
    if len(times_s) < 2:
        return np.zeros(len(times_s), np.bool_)
    steps_s = np.diff(times_s)
    change = _cost_of_change(keypoints_px, sizes_px)
    change[steps_s > LONGEST_STEP_S] = 0.0
    standing = SWAPPED_COST_PER_S * np.minimum(np.append(steps_s, steps_s[-1]), LONGEST_STEP_S)
    keep, switch = change.T
    step = np.stack([np.stack([keep, switch], axis=1), np.stack([switch, keep], axis=1)], axis=1)
    states = shortest_path(step, np.stack([np.zeros_like(standing), standing], axis=1))
    return np.asarray(states == 1, np.bool_)


def _cost_of_change(keypoints_px: NDArray[np.float32], sizes_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N-1, 2): what it costs between neighbours to keep the state (0) and to change it (1), in person sizes."""
    left, right = keypoints_px[:, _LEFT], keypoints_px[:, _RIGHT]
    size = np.maximum(sizes_px[1:], 1e-6)[:, np.newaxis]

    def moved(to: NDArray[np.float32], since: NDArray[np.float32]) -> NDArray[np.float64]:
        distance = np.linalg.norm(to[1:] - since[:-1], axis=-1) / size
        return np.asarray(np.nan_to_num(np.minimum(distance, LARGEST_JUMP)).mean(axis=1), np.float64)

    kept = moved(left, left) + moved(right, right)
    changed = moved(left, right) + moved(right, left)
    return np.stack([kept, changed], axis=1) / 2


def shortest_path(step: NDArray[np.float64], standing: NDArray[np.float64]) -> NDArray[np.intp]:
    """(T,) states of least total cost: step (T-1,S,S) to go from each to each, standing (T,S) to be in each."""
    total = standing[0]
    came_from = np.zeros(standing.shape, np.intp)
    for now, costs in enumerate(step, start=1):
        reach = total[:, np.newaxis] + costs
        came_from[now] = reach.argmin(axis=0)
        total = reach.min(axis=0) + standing[now]
    states = np.full(len(standing), int(total.argmin()))
    for now in range(len(step), 0, -1):
        states[now - 1] = came_from[now, states[now]]
    return states
