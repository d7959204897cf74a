"""Join tracklets to tracks over gaps and crossings, with the motion on both sides of each gap in view.

Every end of a tracklet may continue in every later start that is near in time, position, size and velocity; the
cheapest set of links is an assignment problem, solved separately for each group of tracklets that compete.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from liftline.detections import Detections
from liftline.ports import StopToken
from liftline_lifter.tracking.frame_association import travel_time_s
from liftline_lifter.tracking.settings import TrackSettings
from liftline_lifter.tracking.similarity import Shapes

_WINDOW_S = 0.4
"""A velocity is the slope of a line through so much of a tracklet."""
SHORTEST_MOTION_S = 0.1
"""Pieces shorter than this tell no velocity."""
_MAX_LOG_SIZE = 0.5
_NO_LINK_COST = 2.5
_EDGE_SHARE = 0.01
_LEAVING_SPEED = 0.2
"""In person sizes per second: who moves on faster than that at an edge of the picture walks out of it."""


@dataclass(frozen=True)
class _Ends:
    """One end of every tracklet.

    time_s (N,), place_px (N,2), velocity (N,2) pixels/s, size_px (N,), moving (N,) bool: whether the velocity is known,
    outwards (N,) bool: at a side of the picture and on the way out of it, going back in time for a start.
    """

    time_s: NDArray[np.float64]
    place_px: NDArray[np.float64]
    velocity: NDArray[np.float64]
    size_px: NDArray[np.float64]
    moving: NDArray[np.bool_]
    outwards: NDArray[np.bool_]


def link(
    tracklets: list[NDArray[np.intp]],
    detections: Detections,
    times_s: NDArray[np.float64],
    *,
    settings: TrackSettings,
    watched_s: NDArray[np.float64] | None = None,
    stop: StopToken,
    width_px: int | None = None,
) -> list[NDArray[np.intp]]:
    """Join tracklets, as `frame_association.associate` gives them, into tracks: rows in the order of frames.

    Nobody is absent while there are no frames: an absence is measured by `watched_s`, `times_s` where there is none.
    Whoever walks out of a picture `width_px` wide isn't who walks in there soon after: people rarely turn at once.
    """
    if len(tracklets) < 2:
        return tracklets
    starts, ends = _both_ends(tracklets, detections, times_s, width_px, stop)
    watched_s = times_s if watched_s is None else watched_s
    first, second = _candidates(
        watched_s[[rows[-1] for rows in tracklets]], watched_s[[rows[0] for rows in tracklets]], settings.max_gap_s
    )
    cost = _link_cost(ends, starts, first, second, settings)
    good = cost < _NO_LINK_COST
    successors = _cheapest(len(tracklets), first[good], second[good], cost[good])
    return _chains(tracklets, successors)


def _both_ends(
    tracklets: list[NDArray[np.intp]], detections: Detections, times_s: NDArray[np.float64], width_px: int | None,
    stop: StopToken,
) -> tuple[_Ends, _Ends]:  # fmt: skip
    starts, ends = [], []
    for rows in tracklets:
        stop.raise_if_stopped()
        shapes = Shapes.rows(detections, rows)
        starts.append(_end(times_s[rows], shapes, at_start=True))
        ends.append(_end(times_s[rows], shapes, at_start=False))
    first, last = (detections.boxes_px[[rows[at] for rows in tracklets]] for at in (0, -1))
    return _stack(starts, first, width_px, forwards=-1), _stack(ends, last, width_px, forwards=1)


def _end(times_s: NDArray[np.float64], shapes: Shapes, *, at_start: bool) -> tuple[float, NDArray[np.float64], float]:
    """Time; place and velocity as (2,2) rows, NaN velocity where the tracklet is too short; size."""
    time_s = float(times_s[0] if at_start else times_s[-1])
    near = np.flatnonzero(np.abs(times_s - time_s) <= _WINDOW_S)
    passed = times_s[near] - time_s
    places = shapes.take(near).middle_px
    size = float(np.median(shapes.size_px[near]))
    if np.ptp(passed) < SHORTEST_MOTION_S:
        place = places[0] if at_start else places[-1]
        return time_s, np.stack([place, np.full(2, np.nan)]), size
    line = np.linalg.lstsq(np.stack([np.ones_like(passed), passed], axis=1), places, rcond=None)[0]
    return time_s, np.asarray(line, np.float64), size


def _stack(
    ends: list[tuple[float, NDArray[np.float64], float]], boxes_px: NDArray[np.float32], width_px: int | None, *,
    forwards: int,
) -> _Ends:  # fmt: skip
    times, lines, sizes = (np.array(values) for values in zip(*ends, strict=True))
    moving = np.isfinite(lines[:, 1, 0])
    velocity = np.where(moving[:, None], lines[:, 1], 0.0)
    outwards = np.zeros(len(ends), np.bool_)
    if width_px is not None:
        speed, margin = forwards * velocity[:, 0] / sizes, _EDGE_SHARE * width_px
        outwards = (boxes_px[:, 0] <= margin) & (speed < -_LEAVING_SPEED)
        outwards |= (boxes_px[:, 2] >= width_px - margin) & (speed > _LEAVING_SPEED)
    return _Ends(times, lines[:, 0], velocity, sizes, moving, outwards)


def _candidates(
    ends_s: NDArray[np.float64], starts_s: NDArray[np.float64], max_gap_s: float
) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """All pairs of an end and a start that comes after it within the longest gap."""
    order = np.argsort(starts_s, kind="stable")
    sorted_s = starts_s[order]
    low = np.searchsorted(sorted_s, ends_s, side="right")
    high = np.searchsorted(sorted_s, ends_s + max_gap_s, side="right")
    first = np.repeat(np.arange(len(ends_s)), high - low)
    within = np.arange(len(first)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    return first, order[np.repeat(low, high - low) + within]


def _link_cost(
    ends: _Ends, starts: _Ends, first: NDArray[np.intp], second: NDArray[np.intp], settings: TrackSettings
) -> NDArray[np.float64]:
    """(C,) cost of each candidate link: misplacement, change of velocity, change of size, time; inf if impossible."""
    gap_s = np.minimum(starts.time_s[second] - ends.time_s[first], settings.max_gap_s)
    size = np.sqrt(ends.size_px[first] * starts.size_px[second])
    step = starts.place_px[second] - ends.place_px[first]
    travel = travel_time_s(gap_s)[:, None]
    misses = [
        np.linalg.norm(step - travel * end.velocity[index], axis=1) / size
        for end, index in ((ends, first), (starts, second))
    ]
    weights = [1e-3 + ends.moving[first], 1e-3 + starts.moving[second]]
    miss = np.average(np.stack(misses), axis=0, weights=np.stack(weights))
    turn = np.linalg.norm(ends.velocity[first] - starts.velocity[second], axis=1) / size
    turn = np.where(ends.moving[first] & starts.moving[second], turn, 0.0)
    log_size = np.abs(np.log(ends.size_px[first] / starts.size_px[second]))
    reach = settings.reach_bodies + settings.reach_bodies_per_s * gap_s
    cost = miss / reach + 0.4 * turn + log_size / _MAX_LOG_SIZE + 0.2 * gap_s
    left = ends.outwards[first] & starts.outwards[second]
    return np.where((miss <= reach) & (log_size <= _MAX_LOG_SIZE) & ~left, cost, np.inf)


def _cheapest(
    count: int, first: NDArray[np.intp], second: NDArray[np.intp], cost: NDArray[np.float64]
) -> NDArray[np.intp]:
    """(count,) the tracklet that each tracklet goes on in, -1 for none: most is saved against linking nothing."""
    successors = np.full(count, -1, np.intp)
    graph = coo_array((np.ones(len(first)), (first, second + count)), shape=(2 * count, 2 * count))
    groups = connected_components(graph, directed=False)[1]
    order = np.argsort(groups[first], kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(groups[first][order])) + 1):
        if not len(members):
            continue
        rows, row = np.unique(first[members], return_inverse=True)
        columns, column = np.unique(second[members], return_inverse=True)
        saved = np.zeros((len(rows), len(columns)))
        saved[row, column] = _NO_LINK_COST - cost[members]
        for i, j in zip(*linear_sum_assignment(saved, maximize=True), strict=True):
            if saved[i, j] > 0:
                successors[rows[i]] = columns[j]
    return successors


def _chains(tracklets: list[NDArray[np.intp]], successors: NDArray[np.intp]) -> list[NDArray[np.intp]]:
    heads = np.setdiff1d(np.arange(len(tracklets)), successors)
    chains = []
    for head in heads.tolist():
        parts, tracklet = [], head
        while tracklet >= 0:
            parts.append(tracklets[tracklet])
            tracklet = int(successors[tracklet])
        chains.append(np.concatenate(parts))
    return chains
