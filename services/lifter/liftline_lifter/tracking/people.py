"""From the detections of a whole video to filled tracks: follow, link, select, fill."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.errors import LimitExceededError
from liftline.tracks import Tracks
from liftline_lifter import gaps
from liftline_lifter.tracking.following import follow
from liftline_lifter.tracking.linking import link
from liftline_lifter.tracking.selection import select
from liftline_lifter.tracking.settings import TrackSettings

_USUAL_FRAME_S = 1 / 30


def find_people(
    detections: Detections, frame_times_s: NDArray[np.float64], *, settings: TrackSettings
) -> list[NDArray[np.intp]]:
    """Who is who: for each person, most prominent first, their rows of `detections`, at most one per frame.

    Args:
        detections: of the whole video.
        frame_times_s: (F,) presentation time of every frame, seconds.
        settings: how.

    Raises:
        LimitExceededError: more people than the settings allow.
    """
    times_s = frame_times_s[detections.frame_index]
    pieces = follow(detections, times_s, settings=settings)
    tracks = link(pieces, detections, times_s, settings=settings)
    frame_s = float(np.median(np.diff(frame_times_s))) if len(frame_times_s) > 1 else _USUAL_FRAME_S
    people = select(tracks, detections, frame_s=frame_s, settings=settings)
    if len(people) > settings.max_people:
        raise LimitExceededError(
            f"The video shows {len(people)} people, the limit is {settings.max_people}; "
            "cut the video into shorter parts or raise the limit."
        )
    return people


def to_tracks(
    people: list[NDArray[np.intp]],
    detections: Detections,
    frame_times_s: NDArray[np.float64],
    *,
    video: str,
    width_px: int,
    height_px: int,
) -> Tracks:
    """Fill every person's gaps and number them from 1, the most prominent."""
    filled = [
        gaps.fill(
            detections.frame_index[rows],
            frame_times_s,
            boxes_px=detections.boxes_px[rows],
            scores=detections.scores[rows],
            keypoints_px=detections.keypoints_px[rows],
            keypoint_scores=detections.keypoint_scores[rows],
        )
        for rows in people
    ]
    nobody = gaps.nobody()
    return Tracks(
        video=video,
        width_px=width_px,
        height_px=height_px,
        detector=detections.detector,
        frame_times_s=frame_times_s,
        track_ids=np.arange(1, len(people) + 1, dtype=np.int64),
        row_offsets=np.cumsum([0, *(len(track.frame_index) for track in filled)], dtype=np.int64),
        **{name: np.concatenate([getattr(track, name) for track in [*filled, nobody]]) for name in vars(nobody)},
    )
