"""A decoded frame, what is known of a video before any frame is decoded, and what its frame times tell."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Frame:
    """One upright frame with square pixels.

    index: position in the plan's frame index; time_s: seconds from the first frame; rgb (H,W,3) uint8.
    """

    index: int
    time_s: float
    rgb: NDArray[np.uint8]


@dataclass(frozen=True)
class VideoInfo:
    """A video as its container tells it. width_px and height_px are those of the upright frame with square pixels.

    Coded pixels become upright by a left-right flip if `mirrored`, then a clockwise turn by `rotation_deg` (0, 90, 180
    or 270). duration_s runs from the first frame's start to the last one's end. colour_range is "limited" or "full";
    colour_space the matrix the pixels are converted with.
    """

    name: str
    container: str
    codec: str
    pixel_format: str
    width_px: int
    height_px: int
    coded_width_px: int
    coded_height_px: int
    rotation_deg: int
    sample_aspect_ratio: Fraction
    time_base: Fraction
    average_rate: Fraction
    duration_s: float
    audio_codec: str | None
    colour_range: str
    colour_space: str
    mirrored: bool = False


_STANDARD_HZ = np.array(
    [24000 / 1001, 24, 25, 30000 / 1001, 30, 48, 50, 60000 / 1001, 60, 100, 120000 / 1001, 120, 200, 240000 / 1001, 240]
)
_EXACT_S, _COARSEST_CLOCK_S = 1e-6, 1e-3
"""Matroska, FLV and their kin count milliseconds."""
_DROPPED, _MANY = 1.5, 0.05
"""A step of so many usual ones leaves out a frame; where so large a share of steps does, the rate varies."""
_ERRORS, _LEAST_ERROR = 4.0, 1e-4


@dataclass(frozen=True)
class FrameRate:
    """Frames per second between pauses; whether it varies, so that no one number says when frames are shown."""

    hz: float
    varies: bool


def frame_rate(times_s: NDArray[np.float64]) -> FrameRate:
    """The rate of two or more frames at rising times.

    A clock that is coarser than the rate makes steps of 16 and 17 ms out of 60 frames a second, of which neither tells
    the rate: a line through the times does, and where a usual rate is as near as the line is sure, it is that.
    """
    steps = np.diff(times_s)
    usual = float(np.median(steps))
    single = steps < _DROPPED * usual
    varies = bool((~single).mean() > _MANY)
    spread = float(np.ptp(steps[single]))
    if spread <= _EXACT_S:
        return FrameRate(1 / usual, varies)
    step_s, error_s, worst_s = _line(times_s, single)
    if spread > 2 * _COARSEST_CLOCK_S + _EXACT_S or worst_s > _COARSEST_CLOCK_S + _EXACT_S:
        return FrameRate(1 / usual, varies=True)
    off = np.abs(_STANDARD_HZ * step_s - 1)
    nearest = int(off.argmin())
    is_standard = off[nearest] <= _ERRORS * error_s / step_s + _LEAST_ERROR
    return FrameRate(float(_STANDARD_HZ[nearest]) if is_standard else 1 / step_s, varies)


def _line(times_s: NDArray[np.float64], single: NDArray[np.bool_]) -> tuple[float, float, float]:
    """Step between frames by least squares over all runs without a pause, its error, and the largest residual, in s."""
    runs = np.concatenate([[0], np.cumsum(~single)])
    count = np.bincount(runs)
    number = np.arange(len(times_s)) - (np.bincount(runs, np.arange(len(times_s))) / count)[runs]
    time_s = times_s - (np.bincount(runs, times_s) / count)[runs]
    weight = float(np.square(number).sum())
    step_s = float((number * time_s).sum()) / weight
    residuals_s = time_s - step_s * number
    error_s = float(np.sqrt(np.square(residuals_s).mean() / weight))
    return step_s, error_s, float(np.abs(residuals_s).max())
