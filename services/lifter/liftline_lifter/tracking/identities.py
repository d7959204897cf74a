"""From the detections of a whole video to tracks: cuts, association, linking, selection, sides, gap filling."""

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
from liftline_lifter.tracking import gap_filling
from liftline_lifter.tracking._bounding import limit_people
from liftline_lifter.tracking._insertion import absorb, insert
from liftline_lifter.tracking._linking import SHORTEST_MOTION_S, link
from liftline_lifter.tracking._selection import by_prominence, select
from liftline_lifter.tracking._shots import find_cuts
from liftline_lifter.tracking.frame_association import Tracklet, associate
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.sides import swapped_frames

_USUAL_FRAME_S = 1 / 30
_PAUSE_FRAMES = 3.0
"""More than so many usual steps between two frames, and than somebody unseen is expected for, is a pause."""


@dataclass(frozen=True)
class Identities:
    """Who is who: for each person, most prominent first, their rows of the detections, at most one per frame.

    left_out: how many more there are whom the bound on people at a time left out.
    """

    people: list[NDArray[np.intp]]
    left_out: int


def find_identities(
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
        people, left_out = limit_people(people, detections, count=settings.max_people, stop=stop)
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
        """Rows of the shot's detections for each person worth keeping, the most prominent first."""
        tracklets = associate(self.detections, self._times_s, settings=self.settings, stop=self.stop, progress=progress)
        steps_s = np.diff(self.frame_times_s)
        frame_s = float(np.median(steps_s)) if len(steps_s) else _USUAL_FRAME_S
        tracks = self._join(tracklets)
        return select(tracks, self.detections, frame_s=frame_s, settings=self.settings, stop=self.stop)

    @cached_property
    def _watched_s(self) -> NDArray[np.float64]:
        """Per row: the time of its frame, of pauses in the recording no more than somebody unseen is expected for."""
        frame_times_s = self.frame_times_s
        steps_s = np.diff(frame_times_s, prepend=frame_times_s[:1])
        longest_s = max(self.settings.coast_s, _PAUSE_FRAMES * float(np.median(steps_s)))
        too_long_s = np.maximum(steps_s - longest_s, 0.0)
        watched_s: NDArray[np.float64] = frame_times_s - np.cumsum(too_long_s)
        return watched_s[self.detections.frame_index]

    @cached_property
    def _times_s(self) -> NDArray[np.float64]:
        return self.frame_times_s[self.detections.frame_index]

    def _join(self, tracklets: list[Tracklet]) -> list[NDArray[np.intp]]:
        """Link clear tracklets first: their motion tells who is who. Then give them the rest, or link it on its own."""
        rows = [np.array(tracklet.rows, np.intp) for tracklet in tracklets]
        clear = [tracklet.clear and _lasts(own, self._times_s) for tracklet, own in zip(tracklets, rows, strict=True)]
        sure = [own for own, is_clear in zip(rows, clear, strict=True) if is_clear]
        rest = [own for own, is_clear in zip(rows, clear, strict=True) if not is_clear]
        spare = np.concatenate([*rest, np.zeros(0, np.intp)])
        filled, spare = insert(self._link(sure), spare, self.detections, self._times_s, stop=self.stop)
        left = [np.intersect1d(own, spare) for own in rest]
        joined = self._link(filled + [own for own in left if len(own)])
        return absorb(joined, self.detections, self._times_s, stop=self.stop)

    def _link(self, tracklets: list[NDArray[np.intp]]) -> list[NDArray[np.intp]]:
        return link(
            tracklets, self.detections, self._times_s, watched_s=self._watched_s, settings=self.settings,
            stop=self.stop, width_px=self.width_px,
        )  # fmt: skip


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
    """Tracks of people as `find_identities` gives them, numbered from 1; left and right corrected, gaps filled.

    Raises Cancelled.
    """
    filled = [gap_filling.FilledTrack.empty(detections.skeleton)]
    for rows in people:
        stop.raise_if_stopped()
        filled.append(_filled(rows, detections, frame_times_s))
    return Tracks(
        video=video,
        width_px=width_px,
        height_px=height_px,
        detector=detections.detector,
        skeleton=detections.skeleton,
        frame_times_s=frame_times_s,
        track_ids=np.arange(1, len(people) + 1, dtype=np.int64),
        row_offsets=np.cumsum([len(track.frame_index) for track in filled], dtype=np.int64),
        **{name: np.concatenate([getattr(track, name) for track in filled]) for name in vars(filled[0])},
    )


def _filled(
    rows: NDArray[np.intp], detections: Detections, frame_times_s: NDArray[np.float64]
) -> gap_filling.FilledTrack:
    frames, boxes_px = detections.frame_index[rows], detections.boxes_px[rows]
    keypoints_px, scores = detections.keypoints_px[rows], detections.keypoint_scores[rows]
    sizes_px = np.sqrt(np.prod(boxes_px[:, 2:] - boxes_px[:, :2], axis=1))
    swapped, mirrored = swapped_frames(keypoints_px, sizes_px, frame_times_s[frames]), detections.skeleton.mirrored
    keypoints_px[swapped] = keypoints_px[swapped][:, mirrored]
    scores[swapped] = scores[swapped][:, mirrored]
    return gap_filling.fill(
        frames,
        frame_times_s,
        boxes_px=boxes_px,
        scores=detections.scores[rows],
        keypoints_px=keypoints_px,
        keypoint_scores=scores,
    )
