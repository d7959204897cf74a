"""Fill what a detector missed: whole frames inside a track, and single keypoints inside frames.

COCO's keypoints are interpolated linearly in time between observations and held at the ends, as VideoPose3D's data
preparation does. What was filled in has score 0; frames that were filled in are not `observed`. Feet and hands, which
the lifter can do without, are left missing: NaN with score 0.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.skeletons import COCO17, Skeleton
from liftline_lifter.resampling import interpolate

LOW_SCORE = 0.1
"""A keypoint below it is a guess: replaced where good ones are near in time, kept where not."""
_TRUSTED_GAP_S = 0.5


@dataclass(frozen=True)
class FilledTrack:
    """A track without gaps over T consecutive frames; see `liftline.tracks.Tracks` for the fields."""

    frame_index: NDArray[np.int64]
    boxes_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    keypoints_px: NDArray[np.float32]
    keypoint_scores: NDArray[np.float32]
    observed: NDArray[np.bool_]

    @classmethod
    def empty(cls, skeleton: Skeleton) -> FilledTrack:
        """A track of no frames: the start of a concatenation."""
        none = People.empty(skeleton)
        return cls(
            np.zeros(0, np.int64), none.boxes_px, none.scores, none.keypoints_px, none.keypoint_scores,
            np.zeros(0, np.bool_),
        )  # fmt: skip


def fill(
    frames: NDArray[np.int64],
    times_s: NDArray[np.float64],
    *,
    boxes_px: NDArray[np.float32],
    scores: NDArray[np.float32],
    keypoints_px: NDArray[np.float32],
    keypoint_scores: NDArray[np.float32],
) -> FilledTrack:
    """Fill the gaps of a track: one row per frame, every keypoint of COCO's somewhere.

    Args:
        frames: (N,) frames it was observed in, rising.
        times_s: (F,) presentation time of every frame of the video.
        boxes_px: (N,4).
        scores: (N,).
        keypoints_px: (N,J,2), NaN where missing; the first 17 are COCO's.
        keypoint_scores: (N,J).

    Returns:
        One row per frame from the first to the last of `frames`.
    """
    every = np.arange(frames[0], frames[-1] + 1)
    seen_s, all_s = times_s[frames], times_s[every]
    filled, trusted = fill_keypoints(seen_s, all_s, keypoints_px, keypoint_scores)
    observed = np.zeros(len(every), np.bool_)
    observed[frames - frames[0]] = True
    shown = np.zeros((len(every), keypoints_px.shape[1]), np.float32)
    shown[observed] = np.where(trusted, keypoint_scores, 0)
    return FilledTrack(
        every,
        interpolate(boxes_px, seen_s, all_s).astype(np.float32),
        interpolate(scores, seen_s, all_s).astype(np.float32),
        filled.astype(np.float32),
        shown,
        observed,
    )


def fill_keypoints(
    seen_s: NDArray[np.float64],
    all_s: NDArray[np.float64],
    keypoints_px: NDArray[np.float32],
    scores: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Keypoints (N,J,2) seen at times (N,) -> at all times (T,J,2), and which of those seen were kept (N,J).

    One of COCO's that was never found takes the mean place of the others.
    """
    present = np.isfinite(keypoints_px).all(axis=-1)
    kept = present & ((scores >= LOW_SCORE) | ~near_good(seen_s, present & (scores >= LOW_SCORE)))
    out = np.full((len(all_s), keypoints_px.shape[1], 2), np.nan)
    out[np.searchsorted(all_s, seen_s)] = np.where(kept[..., np.newaxis], keypoints_px, np.nan)
    body = out[:, : len(COCO17)]
    for joint in range(len(COCO17)):
        at = kept[:, joint]
        if at.any():
            body[:, joint] = interpolate(keypoints_px[at, joint], seen_s[at], all_s)
    never = ~kept[:, : len(COCO17)].any(axis=0)
    if never.any():
        body[:, never] = np.nan_to_num(body[:, ~never]).mean(axis=1, keepdims=True) if not never.all() else 0.0
    return out, kept


def near_good(times_s: NDArray[np.float64], good: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(N,J) whether a good keypoint of the same joint is near in time both before and after."""
    at = np.where(good, times_s[:, None], -np.inf)
    before = np.maximum.accumulate(at, axis=0)
    after = -np.maximum.accumulate(np.where(good, -times_s[:, None], -np.inf)[::-1], axis=0)[::-1]
    return np.asarray(after - before <= _TRUSTED_GAP_S, np.bool_)
