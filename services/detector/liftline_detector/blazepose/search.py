"""Which parts of a frame the person detector looks at, and when.

The detector finds nobody who is smaller than about a sixth of its view, so the frame is covered by overlapping tiles of
several sizes. All of them are looked at in a session's first frame; after that the full frame comes up at a fixed
interval and the tiles one by one, so that the cost per second of video is bounded.
"""

from __future__ import annotations

import math

import numpy as np

from liftline_detector.blazepose.geometry import View
from liftline_detector.blazepose.options import BlazePoseOptions

_OVERLAP = 1 / 3
_DIVISORS = (1, 2, 3)
"""Tiles are as large as the frame's shorter side, a half and a third of it."""


def tiles(width: int, height: int, *, size_px: float) -> list[View]:
    """Square tiles that cover the frame, each sharing at least a third of its side with the next."""
    xs, ys = _starts(width, size_px), _starts(height, size_px)
    return [View(x, y, size_px) for y in ys for x in xs]


def _starts(length: int, size: float) -> list[float]:
    count = math.ceil(max(length - size, 0) / (size * (1 - _OVERLAP))) + 1
    return [float(x) for x in np.linspace(0, length - size, count)] if count > 1 else [(length - size) / 2]


class Search:
    """The schedule of one session."""

    def __init__(self, width: int, height: int, options: BlazePoseOptions) -> None:
        """Lay out the views of a frame of this size."""
        self._full = View.around(width / 2, height / 2, max(width, height))
        short = min(width, height)
        sizes = [short / d for d in _DIVISORS if short / d >= options.smallest_tile_px]
        self._tiles = _interleaved([tiles(width, height, size_px=s) for s in sizes])
        self._full_every_s, self._tile_every_s = options.full_view_every_s, options.tile_every_s
        self._full_due_s = self._tile_due_s = -math.inf
        self._next_tile = 0

    def due(self, time_s: float, *, nobody: bool) -> list[View]:
        """The views to look at in the frame at `time_s`; the full frame each time while there is `nobody`."""
        if self._full_due_s == -math.inf:
            self._full_due_s, self._tile_due_s = time_s + self._full_every_s, time_s + self._tile_every_s
            return [self._full, *self._tiles]
        views = []
        if nobody or time_s >= self._full_due_s:
            self._full_due_s = time_s + self._full_every_s
            views.append(self._full)
        if self._tiles and time_s >= self._tile_due_s:
            self._tile_due_s = max(self._tile_due_s + self._tile_every_s, time_s)
            views.append(self._tiles[self._next_tile])
            self._next_tile = (self._next_tile + 1) % len(self._tiles)
        return views


def _interleaved(levels: list[list[View]]) -> list[View]:
    """One round over all tiles in which each size comes up evenly often."""
    keyed = [((i + 0.5) / len(level), n, view) for n, level in enumerate(levels) for i, view in enumerate(level)]
    return [view for _, _, view in sorted(keyed, key=lambda k: k[:2])]
