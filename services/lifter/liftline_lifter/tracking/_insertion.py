"""Give detections from crowded moments to the tracks that pass through them.

`_linking` joins clear tracklets over moments when people overlapped. What was detected in these moments is now given,
frame by frame, to the nearest track that is expected there: its position is interpolated over the gap.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from liftline.detections import Detections
from liftline.ports import StopToken
from liftline_lifter.resampling import interpolate
from liftline_lifter.tracking.similarity import Shapes

_REACH_BODIES = 0.4
_BRIEF_S, _BRIEF_REACH_BODIES = 0.5, 0.5
"""Of a whole tracklet that fits into a gap; a single detection's reach is shorter."""


_Expectation = tuple[int, NDArray[np.float64], float]
"""A track, where it should be (2,), and its size, in pixels."""


def insert(
    tracks: list[NDArray[np.intp]],
    spare: NDArray[np.intp],
    detections: Detections,
    times_s: NDArray[np.float64],
    *,
    stop: StopToken,
) -> tuple[list[NDArray[np.intp]], NDArray[np.intp]]:
    """Fill gaps inside tracks with spare rows of the detections.

    Args:
        tracks: rows per track, in the order of frames.
        spare: rows that belong to no track yet.
        detections: of the whole video.
        times_s: (R,) time of each row's frame, seconds.
        stop: asked at every frame.

    Returns:
        The tracks with what was given to them, and the rows that are still spare.
    """
    wanted = _expected_places(tracks, detections, times_s, stop)
    given: list[list[int]] = [[] for _ in tracks]
    frames = detections.frame_index[spare]
    for frame in np.unique(frames).tolist():
        stop.raise_if_stopped()
        if frame not in wanted:
            continue
        people = spare[frames == frame]
        for track, person in _nearest(wanted[frame], Shapes.rows(detections, people).middle_px):
            given[track].append(int(people[person]))
    filled = [
        np.sort(np.concatenate([rows, np.array(more, np.intp)])) for rows, more in zip(tracks, given, strict=True)
    ]
    taken = np.array([row for more in given for row in more], np.intp)
    return filled, np.setdiff1d(spare, taken)


def absorb(
    tracks: list[NDArray[np.intp]], detections: Detections, times_s: NDArray[np.float64], *, stop: StopToken
) -> list[NDArray[np.intp]]:
    """Give brief tracks to the longer ones in whose gaps they lie: somebody seen for a moment, where just then somebody
    else isn't seen, is that one, in a somersault that no similarity follows.

    Args, and what comes back, as for `insert`; a brief track goes as a whole or stays.
    """
    brief = [float(np.ptp(times_s[rows])) <= _BRIEF_S for rows in tracks]
    if not any(brief) or all(brief):
        return tracks
    long = [rows for rows, is_brief in zip(tracks, brief, strict=True) if not is_brief]
    wanted, kept = _expected_places(long, detections, times_s, stop), []
    for rows in (rows for rows, is_brief in zip(tracks, brief, strict=True) if is_brief):
        track = _whose_gap(rows, wanted, detections)
        if track is None or np.intersect1d(detections.frame_index[rows], detections.frame_index[long[track]]).size:
            kept.append(rows)
        else:
            long[track] = np.sort(np.concatenate([long[track], rows]))
    return long + kept


def _whose_gap(rows: NDArray[np.intp], wanted: dict[int, list[_Expectation]], detections: Detections) -> int | None:
    """The track that is expected nearest to these rows, in each of their frames and within reach on the whole."""
    places = Shapes.rows(detections, rows).middle_px
    apart: dict[int, list[float]] = {}
    for frame, place in zip(detections.frame_index[rows].tolist(), places, strict=True):
        for track, expected, size in wanted.get(frame, ()):
            apart.setdefault(track, []).append(float(np.linalg.norm(place - expected)) / size)
    middle = {track: float(np.median(all_)) for track, all_ in apart.items() if len(all_) == len(rows)}
    nearest = min(middle, key=middle.__getitem__, default=None)
    return nearest if nearest is not None and middle[nearest] <= _BRIEF_REACH_BODIES else None


def _expected_places(
    tracks: list[NDArray[np.intp]], detections: Detections, times_s: NDArray[np.float64], stop: StopToken
) -> dict[int, list[_Expectation]]:
    """For every frame that some tracks pass through unseen: where they should be."""
    wanted: dict[int, list[_Expectation]] = {}
    for track, rows in enumerate(tracks):
        stop.raise_if_stopped()
        frames = detections.frame_index[rows]
        if frames[-1] - frames[0] + 1 == len(rows):
            continue
        missing = np.setdiff1d(np.arange(frames[0], frames[-1] + 1), frames)
        missing_s = np.interp(missing, frames, times_s[rows])
        shapes = Shapes.rows(detections, rows)
        places = interpolate(shapes.middle_px, times_s[rows], missing_s)
        sizes = interpolate(shapes.size_px, times_s[rows], missing_s)
        for frame, place, size in zip(missing.tolist(), places, sizes.tolist(), strict=True):
            wanted.setdefault(frame, []).append((track, place, size))
    return wanted


def _nearest(expected: list[_Expectation], places: NDArray[np.float64]) -> Iterable[tuple[int, int]]:
    """Pairs of a track and a position in `places` (N,2) that are within reach, nearest in total."""
    apart = np.stack([np.linalg.norm(places - place, axis=1) / size for _, place, size in expected])
    closeness = np.maximum(_REACH_BODIES - apart, 0)
    for row, person in zip(*linear_sum_assignment(closeness, maximize=True), strict=True):
        if closeness[row, person] > 0:
            yield expected[row][0], int(person)
