"""Keep a bounded number of people at a time, the most prominent first."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.ports import StopToken
from liftline_lifter.runs import runs

_WORTH_KEEPING = 0.5
"""Someone who finds room for less of their track than this is left out altogether, lest people flash up."""


def limit_people(
    people: list[NDArray[np.intp]], detections: Detections, *, count: int, stop: StopToken
) -> tuple[list[NDArray[np.intp]], int]:
    """At most `count` people in any frame; each is kept for the longest stretch with room for them.

    Args:
        people: rows of `detections` per person, the most prominent first.
        detections: of the whole video.
        count: people per frame, at least 1.
        stop: asked at every person.

    Returns:
        Those who are kept, in the same order, and the number of those who are left out.
    """
    present = np.zeros(detections.frame_stop, np.intp)
    kept = []
    for rows in people:
        stop.raise_if_stopped()
        frames = detections.frame_index[rows]
        free = runs(present[frames[0] : frames[-1] + 1] < count)
        start, end = max(free, key=lambda run: run[1] - run[0], default=(0, 0))
        inside = rows[(frames >= frames[0] + start) & (frames < frames[0] + end)]
        if len(inside) >= _WORTH_KEEPING * len(rows):
            own = detections.frame_index[inside]
            present[own[0] : own[-1] + 1] += 1
            kept.append(inside)
    return kept, len(people) - len(kept)
