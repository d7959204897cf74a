"""Left and right of the arms alone, or of the legs alone, swapped for a while: found by how they move.

What `tracking.sides` does for whole bodies by position isn't enough for one limb pair: legs pass each other at every
step, where exchanging them moves nothing. Their velocities differ there. So a state is the pair of the last two frames,
and a step costs what the keypoints deviate from where they were heading, in sizes of the person.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17, HALPE26_HANDS, LIMB_ENDS, Skeleton
from liftline_lifter.tracking.sides import LARGEST_JUMP, LONGEST_STEP_S, shortest_path

SWAPPED_COST_PER_S, CHANGE_COST, APART = 0.5, 0.05, 0.08
"""In sizes of the person. What lasts long is left, and so is what begins or ends where both limbs meet, as in clapping
or behind a body: nothing tells which is which afterwards, and a wrong exchange does more harm than a missed one."""


def repair_sides(
    keypoints_px: NDArray[np.floating], scores: NDArray[np.floating], sizes_px: NDArray[np.floating],
    times_s: NDArray[np.float64],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:  # fmt: skip
    """Undo swaps of forearms and of shins; shoulders and hips are rarely exchanged without the whole body.

    Feet and hands, where a detector gives them, go with their limb: it reads them at the ankle and the wrist.

    Args:
        keypoints_px: (T,17,2) COCO keypoints, none of them missing, or (T,32,2) those of `HALPE26_HANDS`.
        scores: (T,J).
        sizes_px: (T,) size of the person.
        times_s: (T,) rising.

    Returns:
        Keypoints and scores, new arrays.
    """
    keypoints_px, scores = keypoints_px.copy(), scores.copy()
    for limb, ends in LIMB_ENDS.items():
        left, right = _both_sides(COCO17, limb)
        swapped = swapped_limb(keypoints_px[:, left], keypoints_px[:, right], sizes_px, times_s)
        whole = (*limb, *ends) if keypoints_px.shape[1] > len(COCO17) else limb
        left, right = _both_sides(HALPE26_HANDS, whole)
        rows = np.flatnonzero(swapped)[:, None]
        for values in (keypoints_px, scores):
            values[rows, left], values[rows, right] = values[rows, right], values[rows, left]
    return keypoints_px, scores


def _both_sides(skeleton: Skeleton, parts: tuple[str, ...]) -> tuple[list[int], list[int]]:
    left, right = (skeleton.indices(*(f"{side}_{part}" for part in parts)) for side in ("left", "right"))
    return left, right


def swapped_limb(
    left_px: NDArray[np.floating], right_px: NDArray[np.floating], sizes_px: NDArray[np.floating],
    times_s: NDArray[np.float64],
) -> NDArray[np.bool_]:  # fmt: skip
    """(T,) whether the joints (T,J,2) of a limb pair are exchanged in each frame."""
    if len(times_s) < 3:
        return np.zeros(len(times_s), np.bool_)
    steps_s = np.diff(times_s)
    costs = _costs(np.stack([left_px, right_px], axis=1), sizes_px, steps_s)
    if (costs[:, 0, 0, None, None] <= costs + CHANGE_COST).all():
        return np.zeros(len(times_s), np.bool_)
    standing = SWAPPED_COST_PER_S * np.minimum(steps_s, LONGEST_STEP_S)
    # Where both are in one place, nothing tells whether they were exchanged.
    apart = np.linalg.norm(left_px - right_px, axis=-1).mean(axis=1) / np.maximum(sizes_px, 1e-6)
    change = np.where(np.minimum(apart[1:-1], apart[2:]) < APART, np.inf, CHANGE_COST)
    # State 2 * before + now, of the frames 1, 2, ...; False of either: as detected.
    step = np.full((len(costs), 4, 4), np.inf)
    for before, now, after in product((0, 1), repeat=3):
        step[:, 2 * before + now, 2 * now + after] = costs[:, before ^ now, now ^ after] + (
            change if now != after else 0
        )
    cost = np.outer(standing, [0.0, 1.0, 1.0, 2.0]) / 2
    # An exchange has a beginning and an end: at a track's ends, one jump alone would decide which side of it is right.
    cost[0, 2:] = np.inf
    cost[-1, 1::2] = np.inf
    states = shortest_path(step, cost)
    return np.asarray(np.concatenate([states[:1] // 2, states % 2]) == 1, np.bool_)


def _costs(
    limbs_px: NDArray[np.floating], sizes_px: NDArray[np.floating], steps_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,2,J,2) -> (T-2,2,2) deviation from steady motion, if the sides change [at the second, at the third] frame."""
    first, second, third = limbs_px[:-2], limbs_px[1:-1], limbs_px[2:]
    along = (steps_s[1:] / steps_s[:-1])[:, None, None, None]
    size = np.maximum(sizes_px[2:], 1e-6)[:, None, None]
    out = np.zeros((len(first), 2, 2))
    for turned in (0, 1):
        start = first[:, ::-1] if turned else first
        heading = second + along * (second - start)
        for returned in (0, 1):
            end = third[:, ::-1] if returned else third
            off = np.linalg.norm(end - heading, axis=-1) / size
            out[:, turned, returned] = np.minimum(off, LARGEST_JUMP).mean(axis=(1, 2))
    out[(steps_s[1:] > LONGEST_STEP_S) | (steps_s[:-1] > LONGEST_STEP_S)] = 0.0
    return out
