"""Frame-by-frame association: every detection of a frame continues a live track or starts a new one.

Each frame is an assignment problem between tracks, predicted at constant velocity, and detections, solved by the
Hungarian method over a similarity of keypoints (OKS), boxes (IoU) and position. A track without a detection stays live
for a while. Where two people come so close that another assignment would be nearly as good, or one occludes the other,
tracks are cut: what comes out are tracklets, and `_linking` decides with the motion before and after in view.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from liftline.detections import Detections
from liftline.ports import Progress, StopToken
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.similarity import Shapes, distinct, similarity

_MOVEMENT = 2.0
"""OKS constants are for annotations of one image; between frames people move, so they are widened by this."""
_VELOCITY_TIME_S = 0.15
"""Time over which a velocity follows what was measured."""
_DAMPING_S = 0.5
"""Time over which someone unseen is expected to slow down."""
_MAX_SIZE_RATIO = 1.8
_MARGIN = 0.3
"""An assignment is clear if it beats every other by so much similarity per person."""


@dataclass
class Tracklet:
    """Part of a track whose identity is certain: rows of the detections, one per frame at most.

    clear: nobody else was so close that the association was ambiguous.
    """

    rows: list[int]
    clear: bool = True


@dataclass
class _Expected:
    """The live tracks and their motion: (N,) entries."""

    shapes: Shapes
    velocity: NDArray[np.float64]
    last_s: NDArray[np.float64]
    tracklets: list[Tracklet]

    @classmethod
    def nobody(cls) -> _Expected:
        return cls(Shapes.nobody(), np.zeros((0, 2)), np.zeros(0), [])

    def __len__(self) -> int:
        return len(self.tracklets)

    def keep(self, index: NDArray[np.intp]) -> None:
        self.shapes = self.shapes.take(index)
        self.velocity, self.last_s = self.velocity[index], self.last_s[index]
        self.tracklets = [self.tracklets[i] for i in index.tolist()]

    def add(self, shapes: Shapes, tracklets: list[Tracklet], time_s: float) -> None:
        """Start tracks for these people."""
        self.shapes = self.shapes.joined(shapes)
        self.velocity = np.concatenate([self.velocity, np.zeros((len(tracklets), 2))])
        self.last_s = np.concatenate([self.last_s, np.full(len(tracklets), time_s)])
        self.tracklets += tracklets

    def at(self, time_s: float) -> Shapes:
        """Everyone where they should be by now."""
        return self.shapes.moved(self.velocity * travel_time_s(time_s - self.last_s)[:, None])


@dataclass
class _Association:
    settings: TrackSettings
    expected: _Expected = field(default_factory=_Expected.nobody)
    finished: list[Tracklet] = field(default_factory=list)

    def step(self, time_s: float, shapes: Shapes, rows: NDArray[np.intp]) -> None:
        """Take in one frame's people; `rows` are their rows in the detections."""
        self._forget(time_s)
        expected = self.expected
        total, possible = scores(expected.at(time_s), shapes, time_s - expected.last_s, self.settings)
        tracks, found = assign(total, possible)
        unclear_tracks, unclear_people = unclear(total, tracks, found)
        self._update(tracks, shapes.take(found), rows[found], time_s, unclear_tracks[tracks])
        born = np.delete(np.arange(len(shapes)), found)
        if not len(born):
            return
        new = [Tracklet([int(rows[person])], clear=not unclear_people[person]) for person in born.tolist()]
        expected.add(shapes.take(born), new, time_s)

    def end(self) -> list[Tracklet]:
        """All tracklets, finished and live ones."""
        return self.finished + self.expected.tracklets

    def _forget(self, time_s: float) -> None:
        live = time_s - self.expected.last_s <= self.settings.coast_s
        if not live.all():
            self.finished += [self.expected.tracklets[i] for i in np.flatnonzero(~live).tolist()]
            self.expected.keep(np.flatnonzero(live))

    def _update(
        self,
        tracks: NDArray[np.intp],
        shapes: Shapes,
        rows: NDArray[np.intp],
        time_s: float,
        is_unclear: NDArray[np.bool_],
    ) -> None:
        expected = self.expected
        passed_s = (time_s - expected.last_s[tracks])[:, None]
        measured = _displacement(expected.shapes.take(tracks), shapes) / passed_s
        follow_share = 1 - np.exp(-passed_s / _VELOCITY_TIME_S)
        expected.velocity[tracks] += follow_share * (measured - expected.velocity[tracks])
        expected.shapes.put(tracks, shapes)
        expected.last_s[tracks] = time_s
        for track, row, mixed in zip(tracks.tolist(), rows.tolist(), is_unclear.tolist(), strict=True):
            tracklet = expected.tracklets[track]
            if tracklet.clear == mixed:
                self.finished.append(tracklet)
                expected.tracklets[track] = Tracklet([row], clear=not mixed)
            else:
                tracklet.rows.append(row)


def associate(
    detections: Detections, times_s: NDArray[np.float64], *, settings: TrackSettings, stop: StopToken,
    progress: Progress,
) -> list[Tracklet]:  # fmt: skip
    """Join detections into tracklets.

    Args:
        detections: of a shot.
        times_s: (R,) presentation time of each row's frame, seconds.
        settings: thresholds and times.
        stop: asked at every frame.
        progress: counts the shot's frames.
    """
    state, seen = _Association(settings), detections.frame_start
    frames, starts = np.unique(detections.frame_index, return_index=True)
    for frame, (first, end) in zip(frames.tolist(), pairwise([*starts.tolist(), len(detections)]), strict=True):
        stop.raise_if_stopped()
        shapes = Shapes.rows(detections, slice(first, end))
        kept = distinct(shapes, detections.scores[first:end], duplicate_oks=settings.duplicate_oks)
        state.step(float(times_s[first]), shapes.take(kept), first + kept)
        progress.advance(frame + 1 - seen)
        seen = frame + 1
    progress.advance(detections.frame_stop - seen)
    return state.end()


def scores(
    places: Shapes, found: Shapes, unseen_s: NDArray[np.float64], settings: TrackSettings
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """(A,B) how well each person found fits each track, 0..1; and whether they can be the same at all."""
    alike = similarity(places, found, broaden=_MOVEMENT * (1 + unseen_s))
    near = np.exp(-np.square(alike.offset_bodies / 0.3))
    oks = np.where(np.isnan(alike.oks), near, alike.oks)
    ratio = np.exp(np.abs(np.log(places.size_px)[:, None] - np.log(found.size_px)[None]))
    reach = (settings.reach_bodies + settings.reach_bodies_per_s * unseen_s)[:, None]
    possible = (alike.offset_bodies <= reach) & ((ratio <= _MAX_SIZE_RATIO) | (oks > 0.3))
    return 0.5 * oks + 0.2 * alike.iou + 0.3 * near, possible


def assign(total: NDArray[np.float64], possible: NDArray[np.bool_]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions of tracks and of the people they go on in: most pairs, and of these the best in total."""
    tracks, found = linear_sum_assignment(np.where(possible, 1.0 + total, 0.0), maximize=True)
    good = possible[tracks, found]
    return np.asarray(tracks[good], np.intp), np.asarray(found[good], np.intp)


def unclear(
    total: NDArray[np.float64], tracks: NDArray[np.intp], found: NDArray[np.intp]
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Which tracks (A,) and people (B,) take part in a pairing that another one comes close to.

    The other may swap two pairs, or give someone to a track that got nobody, or take someone whom no track got.
    """
    unclear_tracks, unclear_people = (np.zeros(count, np.bool_) for count in total.shape)
    own = total[tracks, found]
    crossed = total[np.ix_(tracks, found)]
    swap = own[:, None] + own[None] - crossed - crossed.T < 2 * _MARGIN
    np.fill_diagonal(swap, val=False)
    lost, born = (
        np.delete(np.arange(count), chosen) for count, chosen in zip(total.shape, (tracks, found), strict=True)
    )
    wanted = own[None] - total[np.ix_(lost, found)] < _MARGIN
    wanting = own[:, None] - total[np.ix_(tracks, born)] < _MARGIN
    unclear_tracks[tracks] = swap.any(axis=1) | wanted.any(axis=0) | wanting.any(axis=1)
    unclear_people[found] = unclear_tracks[tracks]
    unclear_people[born] = wanting.any(axis=0)
    return unclear_tracks, unclear_people


def travel_time_s(passed_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of travel at the last velocity to expect after so much time unseen: people slow down or turn."""
    return _DAMPING_S * (1 - np.exp(-passed_s / _DAMPING_S))


def _displacement(before: Shapes, after: Shapes) -> NDArray[np.float64]:
    """(N,2) pixels each person moved: the mean over keypoints visible both times, else the boxes' middles."""
    common = before.visible & after.visible
    count = common.sum(axis=1)[:, None]
    moved = ((after.keypoints_px - before.keypoints_px) * common[..., None]).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, moved, after.centre_px - before.centre_px)
