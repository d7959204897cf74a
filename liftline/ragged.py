"""Ragged arrays: rows of all tracks one after the other, `row_offsets` telling where each begins; their checks."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray


def check_shapes(holder: object, wanted: Mapping[str, tuple[int, ...]]) -> None:
    """Raise ValueError where an array of `holder` has another shape than wanted."""
    for name, shape in wanted.items():
        found = getattr(holder, name).shape
        if found != shape:
            raise ValueError(f"{name} has shape {found}, expected {shape}")


def check_grouping(row_offsets: NDArray[np.int64], frame_index: NDArray[np.int64], frames: int) -> None:
    """Raise ValueError unless offsets rise from 0 to the number of rows and every row points into the video."""
    rows = len(frame_index)
    if row_offsets[0] != 0 or row_offsets[-1] != rows or np.any(np.diff(row_offsets) <= 0):
        raise ValueError("row_offsets must rise from 0 to the number of rows")
    if rows and (frame_index.min() < 0 or frame_index.max() >= frames):
        raise ValueError("frame_index points outside the video")


def rows_of(row_offsets: NDArray[np.int64], position: int) -> slice:
    """The rows of the track at this position."""
    return slice(int(row_offsets[position]), int(row_offsets[position + 1]))
