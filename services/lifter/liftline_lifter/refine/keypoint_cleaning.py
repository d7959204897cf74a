"""2D keypoints cleaned before they are lifted: swaps of limbs undone, then outliers replaced."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from liftline.skeletons import COCO17
from liftline.tracks import Tracks
from liftline_lifter.refine._outliers import reject_outliers
from liftline_lifter.refine._side_repair import repair_sides


def clean_keypoints(tracks: Tracks, *, sides: bool, outliers: bool) -> Tracks:
    """Tracks with cleaned keypoints and scores, each track independently; boxes and `observed` stay.

    Outliers are looked for among COCO-17 only; feet and hands keep to the side of their limb.
    """
    if not (sides or outliers):
        return tracks
    keypoints_px, scores = tracks.keypoints_px.copy(), tracks.keypoint_scores.copy()
    sizes_px = (tracks.boxes_px[:, 2:] - tracks.boxes_px[:, :2]).max(axis=1).astype(np.float64)
    for position in range(len(tracks)):
        at = tracks.rows(position)
        times_s = tracks.frame_times_s[tracks.frame_index[at]]
        if sides:
            keypoints_px[at], scores[at] = repair_sides(keypoints_px[at], scores[at], sizes_px[at], times_s)
        if outliers:
            body = at, slice(len(COCO17))
            keypoints_px[body], scores[body] = reject_outliers(keypoints_px[body], scores[body], sizes_px[at], times_s)
    return replace(tracks, keypoints_px=keypoints_px, keypoint_scores=scores)
