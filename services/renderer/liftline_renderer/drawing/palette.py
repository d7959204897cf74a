"""Colours of people: one hue per track id, lighter on the left side of the body, deeper on the right.

Colours are chosen in OKLCH (Ottosson, "A perceptual color space for image processing", 2020), so that every person is
equally bright and hues are equally far apart to the eye.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray

Colour = tuple[float, float, float]
"""RGB, 0..255 each."""

FIRST_HUE_DEG, GOLDEN_ANGLE_DEG = 250.0, 137.50776
LEFT_TURN_DEG = 26.0
"""The left side leans this far to the neighbouring hue, so that it is no mere tint."""
LEFT, RIGHT, MIDDLE = 0, 1, 2
"""Rows of `PersonColours.sides`."""


@dataclass(frozen=True)
class PersonColours:
    """A person's colours: `sides` (3,3) RGB 0..255 for LEFT, RIGHT and MIDDLE; `label` for the track id's plate."""

    sides: NDArray[np.float64]
    label: Colour


def hue_deg(track_id: int) -> float:
    """Hue of a track id; consecutive ids are a golden angle apart, so any few of them are easy to tell apart."""
    return (FIRST_HUE_DEG + GOLDEN_ANGLE_DEG * (track_id - 1)) % 360.0


@lru_cache(maxsize=4096)
def person_colours(track_id: int) -> PersonColours:
    """The colours of a track id: they depend on nothing else."""
    hue = hue_deg(track_id)
    left, right, middle = oklch(0.87, 0.13, hue - LEFT_TURN_DEG), oklch(0.60, 0.19, hue), oklch(0.74, 0.13, hue)
    return PersonColours(np.array([left, right, middle]), middle)


def oklch(lightness: float, chroma: float, hue: float) -> Colour:
    """OKLCH (lightness 0..1, chroma, hue in degrees) -> sRGB 0..255, less chroma where sRGB has no such colour."""
    low, high = 0.0, chroma
    if (rgb := _linear_rgb(lightness, chroma, hue)).min() < 0 or rgb.max() > 1:
        for _ in range(20):
            middle = (low + high) / 2
            rgb = _linear_rgb(lightness, middle, hue)
            low, high = (middle, high) if rgb.min() >= 0 and rgb.max() <= 1 else (low, middle)
        rgb = _linear_rgb(lightness, low, hue)
    linear = np.clip(rgb, 0, 1)
    r, g, b = 255 * np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    return float(r), float(g), float(b)


def _linear_rgb(lightness: float, chroma: float, hue: float) -> NDArray[np.float64]:
    a, b = chroma * cos(radians(hue)), chroma * sin(radians(hue))
    lms = np.array([
        lightness + 0.3963377774 * a + 0.2158037573 * b,
        lightness - 0.1055613458 * a - 0.0638541728 * b,
        lightness - 0.0894841775 * a - 1.2914855480 * b,
    ]) ** 3  # fmt: skip
    to_rgb = np.array([
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ])  # fmt: skip
    return np.asarray(to_rgb @ lms, np.float64)


def shade(colours: NDArray[np.float64], amount: NDArray[np.float64] | float) -> NDArray[np.float64]:
    """(...,3) colours darkened (amount < 1: multiplied) or lightened towards white (amount > 1); amount (...)."""
    level = np.asarray(amount, np.float64)[..., None]
    white = np.clip(level - 1, 0, 1)
    return np.asarray(colours * np.minimum(level, 1) * (1 - white) + 255 * white, np.float64)
