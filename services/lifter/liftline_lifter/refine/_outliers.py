"""Keypoints that can't be right: those that jump away from their own way and back, and those nobody would vouch for.

A keypoint is compared with the middle between earlier and later places of its own, for several distances in time, of
which the median counts (a Hampel filter, Pearson et al., "Generalized Hampel filters", 2016, for what moves steadily).
Deviations are in sizes of the person. The less sure the detector was, the less is allowed. What is rejected is
interpolated from its neighbours in time and gets score 0, as what the detector missed.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline_lifter.resampling import interpolate
from liftline_lifter.tracking.gap_filling import near_good

REACH_S = 0.06
"""How far before and after a keypoint is compared with: longer errors look like motion."""
ALLOWED = 0.15
"""Deviation of a keypoint with score 1, in sizes of the person."""
LEAST_ALLOWED = 0.02
SPREADS = 5.0
"""Where a keypoint is always noisy or always fast, so many of its usual deviations are allowed."""
UNSURE = 0.5
"""Below this score BlazePose's wrists and elbows are wrong in a third to a half of all frames, else in a tenth
(`benchmarks.detection.keypoint_noise`); between sure ones within half a second they are replaced."""
_DISTANCES = 5


def reject_outliers(
    keypoints_px: NDArray[np.floating], scores: NDArray[np.floating], sizes_px: NDArray[np.floating],
    times_s: NDArray[np.float64],
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:  # fmt: skip
    """Replace outliers.

    Args:
        keypoints_px: (T,J,2), none missing.
        scores: (T,J) in 0..1.
        sizes_px: (T,) size of the person.
        times_s: (T,) rising.

    Returns:
        Keypoints and scores, new arrays.
    """
    keypoints_px, scores = keypoints_px.copy(), scores.copy()
    wrong = outliers(keypoints_px, scores, sizes_px, times_s) | (scores < UNSURE)
    wrong &= near_good(times_s, ~wrong)
    for joint in np.flatnonzero(wrong.any(axis=0)).tolist():
        bad = wrong[:, joint]
        keypoints_px[bad, joint] = interpolate(keypoints_px[~bad, joint], times_s[~bad], times_s[bad])
    scores[wrong] = 0
    return keypoints_px, scores


def outliers(
    keypoints_px: NDArray[np.floating], scores: NDArray[np.floating], sizes_px: NDArray[np.floating],
    times_s: NDArray[np.float64],
) -> NDArray[np.bool_]:  # fmt: skip
    """(T,J) which keypoints are outliers."""
    if len(times_s) < 3:
        return np.zeros(scores.shape, np.bool_)
    off = np.linalg.norm(_deviations(keypoints_px, times_s), axis=-1) / np.maximum(sizes_px, 1e-6)[:, None]
    usual = np.median(off, axis=0)
    return np.asarray(off > np.maximum(np.maximum(ALLOWED * scores, LEAST_ALLOWED), SPREADS * usual), np.bool_)


def _deviations(keypoints_px: NDArray[np.floating], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,J,2) keypoints minus the median of the places between (..., t-2 and t+2, t-1 and t+1), by time.

    Near the ends of a track one side is shorter; at the ends themselves nothing deviates.
    """
    last = len(times_s) - 1
    now = np.arange(len(times_s))
    reach = max(2, round(REACH_S / float(np.median(np.diff(times_s)))))
    middles = []
    for distance in np.unique(np.linspace(1, reach, min(reach, _DISTANCES)).round().astype(np.intp)).tolist():
        before, after = np.maximum(now - distance, 0), np.minimum(now + distance, last)
        share = ((times_s - times_s[before]) / (times_s[after] - times_s[before]))[:, None, None]
        middles.append((1 - share) * keypoints_px[before] + share * keypoints_px[after])
    return np.asarray(keypoints_px - np.median(middles, axis=0), np.float64)
