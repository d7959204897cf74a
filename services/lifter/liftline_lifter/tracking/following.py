"""One pass over the frames: everyone found is given to whoever was expected there, or starts a new track.

Each frame is an assignment problem between tracks, moved on at constant velocity, and detections, solved by the
Hungarian method over a likeness of keypoints (OKS), boxes (IoU) and place. Someone unseen is expected for a while.
Where someone disappears behind another person, or appears out of them, the two may be confused from then on: the
track is cut there, and `linking` decides with the motion before and after in view.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from liftline.detections import Detections
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.similarity import Likeness, Shapes, distinct, likeness

_MOVEMENT = 2.0
"""OKS constants are for annotations of one image; between frames people move, so they are widened by this."""
_VELOCITY_TIME_S = 0.15
"""Time over which a velocity follows what was measured."""
_DAMPING_S = 0.5
"""Time over which someone unseen is expected to slow down."""
_ENTANGLED_BODIES = 0.8
"""People closer than this can be taken for one another."""
_MAX_SIZE_RATIO = 1.8


@dataclass
class _Expected:
    """Who may be in the next frame: one entry per live track."""

    shapes: Shapes
    velocity: NDArray[np.float64]
    last_s: NDArray[np.float64]
    pieces: list[list[int]]

    @classmethod
    def nobody(cls) -> _Expected:
        return cls(
            Shapes(np.zeros((0, 17, 2)), np.zeros((0, 17), np.bool_), np.zeros((0, 4))),
            np.zeros((0, 2)),
            np.zeros(0),
            [],
        )

    def __len__(self) -> int:
        return len(self.pieces)

    def keep(self, index: NDArray[np.intp]) -> None:
        self.shapes = self.shapes.take(index)
        self.velocity, self.last_s = self.velocity[index], self.last_s[index]
        self.pieces = [self.pieces[i] for i in index.tolist()]

    def add(self, shapes: Shapes, rows: NDArray[np.intp], time_s: float) -> list[list[int]]:
        """Start a track for each of these people; gives the new pieces."""
        new = [[row] for row in rows.tolist()]
        self.shapes = Shapes(
            np.concatenate([self.shapes.keypoints_px, shapes.keypoints_px]),
            np.concatenate([self.shapes.visible, shapes.visible]),
            np.concatenate([self.shapes.boxes_px, shapes.boxes_px]),
        )
        self.velocity = np.concatenate([self.velocity, np.zeros((len(new), 2))])
        self.last_s = np.concatenate([self.last_s, np.full(len(new), time_s)])
        self.pieces += new
        return new

    def at(self, time_s: float) -> Shapes:
        """Everyone where they should be by now."""
        return self.shapes.moved(self.velocity * travel_time_s(time_s - self.last_s)[:, None])


@dataclass
class _Pass:
    settings: TrackSettings
    expected: _Expected = field(default_factory=_Expected.nobody)
    finished: list[list[int]] = field(default_factory=list)

    def step(self, time_s: float, shapes: Shapes, rows: NDArray[np.intp]) -> None:
        """Take in one frame's people; `rows` are their rows in the detections."""
        self._forget(time_s)
        expected, places = self.expected, self.expected.at(time_s)
        unseen_s = time_s - expected.last_s
        alike = likeness(places, shapes, broaden=_MOVEMENT * (1 + unseen_s))
        pairs = assign(alike, unseen_s, size_ratio(places, shapes), self.settings)
        tracks, found = pairs[:, 0], pairs[:, 1]
        newly_lost = np.setdiff1d(np.flatnonzero(unseen_s <= unseen_s.min(initial=np.inf) + 1e-9), tracks)
        self._cut_entangled(places, lost=newly_lost, seen=tracks)
        self._update(tracks, shapes.take(found), rows[found], time_s)
        born = np.setdiff1d(np.arange(len(shapes)), found)
        self._cut_around_births(shapes, born=born, seen=found, tracks=tracks)
        expected.add(shapes.take(born), rows[born], time_s)

    def end(self) -> list[list[int]]:
        """All pieces of tracks, as rows of the detections."""
        return self.finished + self.expected.pieces

    def _forget(self, time_s: float) -> None:
        live = time_s - self.expected.last_s <= self.settings.coast_s
        if not live.all():
            self.finished += [self.expected.pieces[i] for i in np.flatnonzero(~live).tolist()]
            self.expected.keep(np.flatnonzero(live))

    def _update(self, tracks: NDArray[np.intp], shapes: Shapes, rows: NDArray[np.intp], time_s: float) -> None:
        expected = self.expected
        passed_s = time_s - expected.last_s[tracks]
        measured = _displacement(expected.shapes.take(tracks), shapes) / passed_s[:, None]
        follow = 1 - np.exp(-passed_s / _VELOCITY_TIME_S)[:, None]
        expected.velocity[tracks] += follow * (measured - expected.velocity[tracks])
        for old, new in (
            (expected.shapes.keypoints_px, shapes.keypoints_px),
            (expected.shapes.visible, shapes.visible),
            (expected.shapes.boxes_px, shapes.boxes_px),
        ):
            old[tracks] = new
        expected.last_s[tracks] = time_s
        for track, row in zip(tracks.tolist(), rows.tolist(), strict=True):
            expected.pieces[track].append(row)

    def _cut_entangled(self, places: Shapes, *, lost: NDArray[np.intp], seen: NDArray[np.intp]) -> None:
        if len(lost) and len(seen):
            near = _near(places.take(lost), places.take(seen))
            self._cut(seen[near.any(axis=0)])

    def _cut_around_births(
        self, shapes: Shapes, *, born: NDArray[np.intp], seen: NDArray[np.intp], tracks: NDArray[np.intp]
    ) -> None:
        if len(born) and len(seen):
            near = _near(shapes.take(born), shapes.take(seen))
            self._cut(tracks[near.any(axis=0)], keep_last=True)

    def _cut(self, tracks: NDArray[np.intp], *, keep_last: bool = False) -> None:
        """End these tracks' pieces here; they go on as new pieces, that take the frame just added with them."""
        for track in tracks.tolist():
            piece = self.expected.pieces[track]
            head = piece[:-1] if keep_last else piece
            if head:
                self.finished.append(head)
                self.expected.pieces[track] = piece[len(head) :]


def follow(detections: Detections, times_s: NDArray[np.float64], *, settings: TrackSettings) -> list[NDArray[np.intp]]:
    """Join detections into pieces of tracks.

    Args:
        detections: of the whole video.
        times_s: (R,) presentation time of each row's frame, seconds.
        settings: how.

    Returns:
        For each piece, its rows in `detections`, at most one per frame, in the order of frames.
    """
    state = _Pass(settings)
    _, starts = np.unique(detections.frame_index, return_index=True)
    for start, stop in zip(starts, [*starts[1:], len(detections)], strict=True):
        rows = np.arange(start, stop)
        shapes = Shapes.of(detections.keypoints_px[rows], detections.keypoint_scores[rows], detections.boxes_px[rows])
        kept = distinct(shapes, detections.scores[rows], duplicate_oks=settings.duplicate_oks)
        state.step(float(times_s[start]), shapes.take(kept), rows[kept])
    return [np.array(piece, np.intp) for piece in state.end() if piece]


def assign(
    alike: Likeness, unseen_s: NDArray[np.float64], ratio: NDArray[np.float64], settings: TrackSettings
) -> NDArray[np.intp]:
    """(M,2) pairs of track and detection that are one person: the best total likeness among the possible pairs."""
    reach = (settings.reach_bodies + settings.reach_bodies_per_s * unseen_s)[:, None]
    near = np.exp(-np.square(alike.offset_bodies / 0.3))
    oks = np.where(np.isnan(alike.oks), near, alike.oks)
    total = 0.5 * oks + 0.2 * alike.iou + 0.3 * near
    possible = (alike.offset_bodies <= reach) & ((ratio <= _MAX_SIZE_RATIO) | (oks > 0.3))
    gain = np.where(possible, 1.0 + total, 0.0)
    pairs = np.stack(linear_sum_assignment(gain, maximize=True), axis=1)
    return np.asarray(pairs[possible[pairs[:, 0], pairs[:, 1]]], np.intp)


def size_ratio(a: Shapes, b: Shapes) -> NDArray[np.float64]:
    """(A,B) how many times larger the larger of each two is."""
    log = np.abs(np.log(a.size_px)[:, None] - np.log(b.size_px)[None])
    return np.asarray(np.exp(log), np.float64)


def travel_time_s(passed_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Seconds of travel at the last velocity to expect after so much time unseen: people slow down or turn."""
    return _DAMPING_S * (1 - np.exp(-passed_s / _DAMPING_S))


def _displacement(before: Shapes, after: Shapes) -> NDArray[np.float64]:
    """(N,2) pixels each person moved: the mean over keypoints visible both times, else the boxes' middles."""
    common = before.visible & after.visible
    count = common.sum(axis=1)[:, None]
    moved = ((after.keypoints_px - before.keypoints_px) * common[..., None]).sum(axis=1) / np.maximum(count, 1)
    return np.where(count > 0, moved, after.centre_px - before.centre_px)


def _near(a: Shapes, b: Shapes) -> NDArray[np.bool_]:
    """(A,B) whether two people are close enough in the image to be confused."""
    return np.asarray(likeness(a, b).offset_bodies < _ENTANGLED_BODIES, np.bool_)
