"""A decoded frame, and what is known of a video before any frame is decoded."""

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
