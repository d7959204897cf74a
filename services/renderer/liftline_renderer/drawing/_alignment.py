"""Aligns the projected 3D pose to the person it was lifted from.

A lifted pose has the right shape, but its root (one rigid fit under an assumed focal length) leaves it a little off,
too large or too small in the picture. What is drawn stays the projection of the 3D result; only where it lies is
corrected, by one similarity per person and frame (shift, scale, small turn) fitted to the detected keypoints. So an
error in the pose stays visible, and an error in the root doesn't make the overlay slide off.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17, H36M17, LIMB_JOINTS

JOINTS = H36M17.indices(*LIMB_JOINTS)
KEYPOINTS = COCO17.indices(*(name.replace("foot", "ankle") for name in LIMB_JOINTS))

MIN_SCORE = 0.2
MIN_SCALE, MAX_SCALE, MAX_TURN_RAD = 0.6, 1.6, 0.25
ROUNDS = 3
"""Rounds of reweighting against single keypoints that are far off (Huber weights)."""


def align_to_keypoints(
    joints_px: NDArray[np.float64], keypoints_px: NDArray[np.float64], scores: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Projected joints (P,17,2) moved onto COCO-17 keypoints (P,17,2) with scores (P,17), all in px.

    Returns the joints (P,17,2) and each person's scale (P,). Whoever has fewer than three usable keypoints stays.
    """
    source, target = _complex(joints_px[:, JOINTS]), _complex(keypoints_px[:, KEYPOINTS])
    score = scores[:, KEYPOINTS]
    usable = np.isfinite(source) & np.isfinite(target) & (score >= MIN_SCORE)
    source, target = np.where(usable, source, 0), np.where(usable, target, 0)
    weights = np.where(usable, score, 0.0)
    count = usable.sum(axis=1, keepdims=True)
    for _ in range(ROUNDS):
        mean_source, mean_target, turn = _fit(source, target, weights)
        error = np.abs((source - mean_source) * turn + mean_target - target)
        ranked = np.sort(np.where(usable, error, np.inf), axis=1)
        median = np.take_along_axis(ranked, np.maximum(count - 1, 0) // 2, axis=1)
        weights = np.where(usable, score, 0.0) * np.minimum(1, np.maximum(2 * median, 1.0) / np.maximum(error, 1e-9))
    enough = count[:, 0] >= 3
    moved = (_complex(joints_px) - mean_source) * turn + mean_target
    aligned = np.where(enough[:, None, None], np.stack([moved.real, moved.imag], axis=-1), joints_px)
    return aligned, np.where(enough, np.abs(turn[:, 0]), 1.0)


def _fit(
    source: NDArray[np.complex128], target: NDArray[np.complex128], weights: NDArray[np.float64]
) -> tuple[NDArray[np.complex128], NDArray[np.complex128], NDArray[np.complex128]]:
    """Weighted least squares of target = (source - mean_source) * turn + mean_target, each (P,1); turn is bounded."""
    total = np.maximum(weights.sum(axis=1, keepdims=True), 1e-9)
    mean_source = (weights * source).sum(axis=1, keepdims=True) / total
    mean_target = (weights * target).sum(axis=1, keepdims=True) / total
    centred, wanted = source - mean_source, target - mean_target
    turn = (weights * np.conj(centred) * wanted).sum(axis=1, keepdims=True)
    turn /= np.maximum((weights * np.abs(centred) ** 2).sum(axis=1, keepdims=True), 1e-9)
    size = np.clip(np.abs(turn), MIN_SCALE, MAX_SCALE)
    return mean_source, mean_target, size * np.exp(1j * np.clip(np.angle(turn), -MAX_TURN_RAD, MAX_TURN_RAD))


def _complex(points: NDArray[np.float64]) -> NDArray[np.complex128]:
    return np.asarray(points[..., 0] + 1j * points[..., 1], np.complex128)
