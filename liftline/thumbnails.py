"""Very small pictures of frames, and how similar two of them are: what tells a camera cut from a camera movement.

Similarity is the correlation of the pictures' gradients, so that light and exposure don't matter, at the best of the
shifts a moving camera could explain. It is computed for all shifts at once by the correlation theorem, over the parts
both pictures have (masked correlation, Padfield, IEEE Trans. Image Processing 21, 2012).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.ragged import check_shapes

SIDE = 24
"""Cells along each side of a thumbnail, whatever the shape of the frame."""

_PIXELS_PER_CELL = 4
_FARTHEST = 8
"""Longest shift compared, in cells."""
_PADDED = SIDE + _FARTHEST
_NEAR = 2
_LEAST_OVERLAP = 0.25
LEAST_CONTRAST = 1.0
"""Below it nothing can be seen: black, white, fog."""
_FLAT = 1.5
"""Standard deviation, in grey levels, below which a whole row or column at the border is a black bar."""


def thumbnail(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(H,W,3) -> (SIDE,SIDE) mean of the green channel, the bulk of brightness, over a few pixels of each cell."""
    step = max(1, min(rgb.shape[:2]) // (SIDE * _PIXELS_PER_CELL))
    green = rgb[::step, ::step, 1].astype(np.float32)
    rows, columns = (np.linspace(0, length, SIDE + 1).astype(np.intp) for length in green.shape)
    rows, columns = np.minimum(rows, len(green) - 1), np.minimum(columns, green.shape[1] - 1)
    sums = np.add.reduceat(np.add.reduceat(green, rows[:-1], axis=0), columns[:-1], axis=1)
    counts = np.add.reduceat(np.add.reduceat(np.ones_like(green), rows[:-1], axis=0), columns[:-1], axis=1)
    return np.asarray(np.round(sums / counts), np.uint8)


@dataclass(frozen=True)
class Thumbnails:
    """frame_index (N,) int64, rising, of the frames that could be decoded; grey (N,SIDE,SIDE) uint8."""

    frame_index: NDArray[np.int64]
    grey: NDArray[np.uint8]

    def __post_init__(self) -> None:
        """Raise ValueError for shapes that don't fit together, and for frames out of order."""
        check_shapes(self, {"grey": (len(self.frame_index), SIDE, SIDE)})
        if np.any(np.diff(self.frame_index) <= 0):
            raise ValueError("frame_index of thumbnails must rise")

    def __len__(self) -> int:
        """Number of thumbnails."""
        return len(self.frame_index)

    @classmethod
    def empty(cls) -> Thumbnails:
        """No thumbnails: of detections that came without pictures."""
        return cls(np.zeros(0, np.int64), np.zeros((0, SIDE, SIDE), np.uint8))

    @classmethod
    def from_frames(cls, frames: Sequence[tuple[int, NDArray[np.uint8]]]) -> Thumbnails:
        """Stack `(frame index, thumbnail)` pairs given in frame order."""
        if not frames:
            return cls.empty()
        return cls(np.array([index for index, _ in frames], np.int64), np.stack([grey for _, grey in frames]))

    @classmethod
    def concatenate(cls, parts: Sequence[Thumbnails]) -> Thumbnails:
        """Join those of consecutive segments."""
        return cls(np.concatenate([p.frame_index for p in parts]), np.concatenate([p.grey for p in parts]))


@dataclass(frozen=True)
class FrameSimilarity:
    """How similar two pictures are, -1..1: `still`, as if the camera stood, and `moved`, at the best `shift`.

    `shift` is (rows, columns) in cells of the thumbnail. Below 0.45 the pictures are of different scenes.
    """

    still: float
    moved: float
    shift: tuple[int, int]


@dataclass(frozen=True)
class GradientSpectrum:
    """A thumbnail ready to be compared: the Fourier transform of its gradients.

    transformed (4,H,W): gradients downwards and to the right, their energy, and a mask of where they count; cells: how
    many of the mask's cells are set.
    """

    transformed: NDArray[np.complex128]
    cells: int

    @classmethod
    def of(cls, grey: NDArray[np.uint8]) -> GradientSpectrum:
        """Transform the gradients of a thumbnail (SIDE,SIDE), those at black bars left out."""
        down, right, counted = gradients(grey[np.newaxis])
        energy = np.square(down[0]) + np.square(right[0])
        transformed = np.fft.rfft2(np.stack([down[0], right[0], energy, counted[0]]), s=(_PADDED, _PADDED))
        return cls(transformed, int(counted.sum()))

    def similarity(self, other: GradientSpectrum) -> FrameSimilarity:
        """Compare with another frame of the same video."""
        down, right, energy, counted = np.conj(self.transformed)
        other_down, other_right, other_energy, other_counted = other.transformed
        products = [
            down * other_down + right * other_right, energy * other_counted, counted * other_energy,
            counted * other_counted,
        ]  # fmt: skip
        alike, energy, other_energy, shared = np.fft.irfft2(np.stack(products), s=(_PADDED, _PADDED))
        alike /= np.sqrt(np.maximum(energy, 1e-3) * np.maximum(other_energy, 1e-3))
        alike[shared < max(1, _LEAST_OVERLAP * min(self.cells, other.cells))] = -1.0
        centred = np.fft.fftshift(alike)
        moved = _around_centre(centred, _FARTHEST)
        row, column = np.unravel_index(moved.argmax(), moved.shape)
        shift = (int(row) - _FARTHEST, int(column) - _FARTHEST)
        return FrameSimilarity(float(_around_centre(centred, _NEAR).max()), float(moved.max()), shift)


def _around_centre(values: NDArray[np.float64], reach: int) -> NDArray[np.float64]:
    middle = slice(_PADDED // 2 - reach, _PADDED // 2 + reach + 1)
    return values[middle, middle]


def gradients(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """(N,SIDE,SIDE) -> downwards and rightwards (N,SIDE-1,SIDE-1), zero at black bars; and 1.0 where they count."""
    values = grey.astype(np.float64)
    inside = _inside(values.std(axis=2))[:, :, np.newaxis] & _inside(values.std(axis=1))[:, np.newaxis]
    counted = (inside[:, :-1, :-1] & inside[:, 1:, :-1] & inside[:, :-1, 1:]).astype(np.float64)
    down = np.diff(values, axis=1)[:, :, :-1] * counted
    right = np.diff(values, axis=2)[:, :-1] * counted
    return down, right, counted


def contrast(grey: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(N,SIDE,SIDE) -> (N,) root mean square of the gradient, in grey levels per cell."""
    down, right, counted = gradients(grey)
    energy = (np.square(down) + np.square(right)).sum(axis=(1, 2))
    return np.asarray(np.sqrt(energy / np.maximum(counted.sum(axis=(1, 2)), 1)), np.float64)


def _inside(spread: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(N,SIDE) spread of rows or columns -> which lie between bars; the cell beside a bar is partly bar itself."""
    seen = spread > _FLAT
    place = np.arange(SIDE)
    first = np.where(seen, place, SIDE).min(axis=1)
    last = np.where(seen, place, -1).max(axis=1)
    first, last = first + (first > 0), last - (last < SIDE - 1)
    return np.asarray((place >= first[:, np.newaxis]) & (place <= last[:, np.newaxis]), np.bool_)
