"""From the detections of a whole video to filled tracks: cut, follow, link, select, set sides right, fill."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.errors import LimitExceededError
from liftline.ports import Progress, StopToken
from liftline.tracks import Tracks
from liftline_lifter.tracking import gap_filling as gaps
from liftline_lifter.tracking._bounding import at_most
from liftline_lifter.tracking._insertion import insert
from liftline_lifter.tracking._linking import SHORTEST_MOTION_S, link
from liftline_lifter.tracking._selection import by_prominence, select
from liftline_lifter.tracking._shots import find_cuts
from liftline_lifter.tracking.frame_association import Piece, follow
from liftline_lifter.tracking.settings import TrackSettings
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
    detections: Detections, frame_times_s: NDArray[np.float64], *, settings: TrackSettings, stop: StopToken,
    progress: Progress, width_px: int | None = None,
) -> Identities:  # fmt: skip
    """Decide who is who.

    Args:
        detections: of the whole video.
        frame_times_s: (F,) presentation time of every frame, seconds.
        settings: how.
        stop: asked at least once per frame.
        progress: counts frames.
        width_px: of the picture, where it is known: at its sides people leave and others enter.

    Raises:
        LimitExceededError: more tracks than the settings allow.
        Cancelled: told to stop.
    """
    edges = [0, *find_cuts(detections.thumbnails, frame_times_s, stop=stop).tolist(), detections.frame_stop]
    people: list[NDArray[np.intp]] = []
    for start, end in pairwise(edges):
        shot = _Shot(detections.between(start, end), frame_times_s, settings, width_px, stop)
        found = shot.people(progress)
        first_row = int(np.searchsorted(detections.frame_index, start))
        people += [first_row + rows for rows in found]
    people, left_out = by_prominence(people, detections), 0
    if settings.max_people is not None:
        people, left_out = at_most(people, detections, count=settings.max_people, stop=stop)
    if len(people) > settings.max_tracks:
        raise LimitExceededError(
            f"The video has {len(people)} tracks of people, the limit is {settings.max_tracks}; cut it into shorter "
            "parts, keep fewer people at a time (--max-people) or raise LIFTLINE_MAX_TRACKS."
        )
    return Identities(people, left_out)


@dataclass(frozen=True)
class _Shot:
    """What is seen between two camera cuts."""

    detections: Detections
    frame_times_s: NDArray[np.float64]
    settings: TrackSettings
    width_px: int | None
    stop: StopToken

    def people(self, progress: Progress) -> list[NDArray[np.intp]]:
        """Rows per person."""
        pieces = follow(self.detections, self._times_s, settings=self.settings, stop=self.stop, progress=progress)
        steps_s = np.diff(self.frame_times_s)
        frame_s = float(np.median(steps_s)) if len(steps_s) else _USUAL_FRAME_S
        tracks = self._join(pieces)
        return select(tracks, self.detections, frame_s=frame_s, settings=self.settings, stop=self.stop)

    @cached_property
    def _times_s(self) -> NDArray[np.float64]:
        return self.frame_times_s[self.detections.frame_index]

    def _join(self, pieces: list[Piece]) -> list[NDArray[np.intp]]:
        """Link clear pieces first: their motion tells who is who. Then give them the rest, or link it on its own."""
        rows = [np.array(piece.rows, np.intp) for piece in pieces]
        clear = [piece.clear and _lasts(own, self._times_s) for piece, own in zip(pieces, rows, strict=True)]
        sure = [own for own, is_clear in zip(rows, clear, strict=True) if is_clear]
        rest = [own for own, is_clear in zip(rows, clear, strict=True) if not is_clear]
        spare = np.concatenate([*rest, np.zeros(0, np.intp)])
        filled, spare = insert(self._link(sure), spare, self.detections, self._times_s, stop=self.stop)
        left = [np.intersect1d(own, spare) for own in rest]
        return self._link(filled + [own for own in left if len(own)])

    def _link(self, pieces: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
        return link(
            pieces, self.detections, self._times_s, settings=self.settings, stop=self.stop, width_px=self.width_px
        )


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
    stop: StopToken,
) -> Tracks:
    """Set every person's sides right, fill their gaps and number them from 1, the most prominent."""
    filled = []
    for rows in people:
        stop.raise_if_stopped()
        filled.append(_filled(rows, detections, frame_times_s))
    nobody = gaps.nobody(detections.skeleton)
    return Tracks(
        video=video,
        width_px=width_px,
        height_px=height_px,
        detector=detections.detector,
        skeleton=detections.skeleton,
        frame_times_s=frame_times_s,
        track_ids=np.arange(1, len(people) + 1, dtype=np.int64),
        row_offsets=np.cumsum([0, *(len(track.frame_index) for track in filled)], dtype=np.int64),
        **{name: np.concatenate([getattr(track, name) for track in [*filled, nobody]]) for name in vars(nobody)},
    )


def _filled(rows: NDArray[np.intp], detections: Detections, frame_times_s: NDArray[np.float64]) -> gaps.Filled:
    frames, boxes_px = detections.frame_index[rows], detections.boxes_px[rows]
    keypoints_px, scores = detections.keypoints_px[rows], detections.keypoint_scores[rows]
    sizes_px = np.sqrt(np.prod(boxes_px[:, 2:] - boxes_px[:, :2], axis=1))
    swapped, mirrored = swapped_frames(keypoints_px, sizes_px, frame_times_s[frames]), detections.skeleton.mirrored
    keypoints_px[swapped] = keypoints_px[swapped][:, mirrored]
    scores[swapped] = scores[swapped][:, mirrored]
    return gaps.fill(
        frames,
        frame_times_s,
        boxes_px=boxes_px,
        scores=detections.scores[rows],
        keypoints_px=keypoints_px,
        keypoint_scores=scores,
    )
