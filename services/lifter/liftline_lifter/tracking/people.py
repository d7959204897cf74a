"""From the detections of a whole video to filled tracks: cut, follow, link, select, set sides right, fill."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.errors import LimitExceededError
from liftline.skeletons import COCO17
from liftline.tracks import Tracks
from liftline_lifter import gaps
from liftline_lifter.tracking.bounding import at_most
from liftline_lifter.tracking.following import Piece, follow
from liftline_lifter.tracking.insertion import insert
from liftline_lifter.tracking.linking import SHORTEST_MOTION_S, link
from liftline_lifter.tracking.selection import by_prominence, select
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.shots import find_cuts
from liftline_lifter.tracking.sides import swapped_frames

_USUAL_FRAME_S = 1 / 30


@dataclass(frozen=True)
class Identities:
    """Who is who: for each person, most prominent first, their rows of the detections, at most one per frame.

    left_out: how many more there are whom the bound on people at a time left out.
    """

    people: list[NDArray[np.intp]]
    left_out: int


def find_people(
    detections: Detections, frame_times_s: NDArray[np.float64], *, settings: TrackSettings, width_px: int | None = None
) -> Identities:
    """Decide who is who.

    Args:
        detections: of the whole video.
        frame_times_s: (F,) presentation time of every frame, seconds.
        settings: how.
        width_px: of the picture, where it is known: at its sides people leave and others enter.

    Raises:
        LimitExceededError: more tracks than the settings allow.
    """
    edges = [0, *find_cuts(detections.thumbnails, frame_times_s).tolist(), detections.frame_stop]
    people: list[NDArray[np.intp]] = []
    for start, stop in pairwise(edges):
        found = _people_of_shot(detections.between(start, stop), frame_times_s, settings, width_px)
        first_row = int(np.searchsorted(detections.frame_index, start))
        people += [first_row + rows for rows in found]
    people, left_out = by_prominence(people, detections), 0
    if settings.max_people is not None:
        people, left_out = at_most(people, detections, count=settings.max_people)
    if len(people) > settings.max_tracks:
        raise LimitExceededError(
            f"The video has {len(people)} tracks of people, the limit is {settings.max_tracks}; cut it into shorter "
            "parts, keep fewer people at a time (--max-people) or raise LIFTLINE_MAX_TRACKS."
        )
    return Identities(people, left_out)


def _people_of_shot(
    shot: Detections, frame_times_s: NDArray[np.float64], settings: TrackSettings, width_px: int | None
) -> list[NDArray[np.intp]]:
    """Rows per person seen between two camera cuts."""
    times_s = frame_times_s[shot.frame_index]
    tracks = _join(follow(shot, times_s, settings=settings), shot, times_s, settings, width_px)
    frame_s = float(np.median(np.diff(frame_times_s))) if len(frame_times_s) > 1 else _USUAL_FRAME_S
    return select(tracks, shot, frame_s=frame_s, settings=settings)


def _join(
    pieces: list[Piece], detections: Detections, times_s: NDArray[np.float64], settings: TrackSettings,
    width_px: int | None,
) -> list[NDArray[np.intp]]:  # fmt: skip
    """Link clear pieces first, since their motion tells who is who; then give them the rest, or link it on its own."""
    rows = [np.array(piece.rows, np.intp) for piece in pieces]
    clear = [piece.clear and _lasts(own, times_s) for piece, own in zip(pieces, rows, strict=True)]
    sure = [own for own, is_clear in zip(rows, clear, strict=True) if is_clear]
    rest = [own for own, is_clear in zip(rows, clear, strict=True) if not is_clear]
    linked = link(sure, detections, times_s, settings=settings, width_px=width_px)
    spare = np.concatenate([*rest, np.zeros(0, np.intp)])
    filled, spare = insert(linked, spare, detections, times_s)
    left = [np.intersect1d(own, spare) for own in rest]
    again = filled + [own for own in left if len(own)]
    return link(again, detections, times_s, settings=settings, width_px=width_px)


def _lasts(rows: NDArray[np.intp], times_s: NDArray[np.float64]) -> bool:
    return bool(times_s[rows[-1]] - times_s[rows[0]] >= SHORTEST_MOTION_S)


def to_tracks(
    people: list[NDArray[np.intp]],
    detections: Detections,
    frame_times_s: NDArray[np.float64],
    *,
    video: str,
    width_px: int,
    height_px: int,
) -> Tracks:
    """Set every person's sides right, fill their gaps and number them from 1, the most prominent."""
    filled = [_filled(rows, detections, frame_times_s) for rows in people]
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


def _filled(rows: NDArray[np.intp], detections: Detections, frame_times_s: NDArray[np.float64]) -> gaps.Filled:
    frames, boxes_px = detections.frame_index[rows], detections.boxes_px[rows]
    keypoints_px, scores = detections.keypoints_px[rows], detections.keypoint_scores[rows]
    sizes_px = np.sqrt(np.prod(boxes_px[:, 2:] - boxes_px[:, :2], axis=1))
    swapped = swapped_frames(keypoints_px, sizes_px, frame_times_s[frames])
    keypoints_px[swapped] = keypoints_px[swapped][:, COCO17.mirrored]
    scores[swapped] = scores[swapped][:, COCO17.mirrored]
    return gaps.fill(
        frames,
        frame_times_s,
        boxes_px=boxes_px,
        scores=detections.scores[rows],
        keypoints_px=keypoints_px,
        keypoint_scores=scores,
    )
