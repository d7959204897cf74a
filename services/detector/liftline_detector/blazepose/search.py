"""Which parts of a frame the person detector looks at, and when.

The detector finds nobody who is smaller than about a sixth of its view, so the frame is covered by overlapping tiles of
several sizes. All of them are looked at in a session's first frame; after that the full frame comes up at a fixed
interval, and one smaller view at a time between: a tile, then the neighbourhood of somebody who is there already, since
people stand by people. So the cost per second of video is bounded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import cycle

import numpy as np

from liftline_detector.blazepose.geometry import Region, View
from liftline_detector.blazepose.options import BlazePoseOptions

_OVERLAP = 1 / 3
_DIVISORS = (1, 2, 3)
"""Tiles are as large as the frame's shorter side, a half and a third of it."""
_NEIGHBOURHOOD = 2.5
"""Side of the view around somebody, in regions."""


def tiles(width: int, height: int, *, size_px: float) -> list[View]:
    """Square tiles that cover the frame, each sharing at least a third of its side with the next."""
    xs, ys = _starts(width, size_px), _starts(height, size_px)
    return [View(x, y, size_px) for y in ys for x in xs]


def _starts(length: int, size: float) -> list[float]:
    count = math.ceil(max(length - size, 0) / (size * (1 - _OVERLAP))) + 1
    return [float(x) for x in np.linspace(0, length - size, count)] if count > 1 else [(length - size) / 2]


class Search:
    """Which views the person detector looks at, and when: the schedule of one session."""

    def __init__(self, width: int, height: int, options: BlazePoseOptions) -> None:
        """Lay out the views of a frame of this size."""
        self._full = View.around(width / 2, height / 2, max(width, height))
        short = min(width, height)
        sizes = [short / d for d in _DIVISORS if short / d >= options.smallest_tile_px]
        levels = [tiles(width, height, size_px=s) for s in sizes]
        self._all = [self._full, *(view for level in levels for view in level)]
        self._coarse, self._fine = cycle(_interleaved(levels[:2])), cycle(_interleaved(levels))
        self._options = options
        self._full_due_s = self._small_due_s = -math.inf
        self._turn = 0

    def due(self, time_s: float, followed: Sequence[Region]) -> list[View]:
        """The views to look at in the frame at `time_s`; more of them while nobody is tracked."""
        options, first = self._options, self._full_due_s == -math.inf
        views = [self._full] if not followed or time_s >= self._full_due_s else []
        if views:
            self._full_due_s = time_s + options.full_view_every_s
        if time_s >= self._small_due_s:
            self._small_due_s = max(self._small_due_s + options.small_view_every_s, time_s)
            views.append(self._small(followed))
        return self._all if first else views

    def _small(self, followed: Sequence[Region]) -> View:
        if not followed:
            return next(self._fine, self._full)
        self._turn += 1
        if self._turn % 2:
            return next(self._coarse, self._full)
        return followed[self._turn // 2 % len(followed)].view(_NEIGHBOURHOOD)


def _interleaved(levels: list[list[View]]) -> list[View]:
    """One round over all tiles in which each size comes up evenly often."""
    keyed = [((i + 0.5) / len(level), n, view) for n, level in enumerate(levels) for i, view in enumerate(level)]
    return [view for _, _, view in sorted(keyed, key=lambda k: k[:2])]
