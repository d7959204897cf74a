"""Anti-aliased shapes at sub-pixel positions: tapered strokes, rounded hulls and dots, safe at any coordinate."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]

SUBPIXEL_BITS = 4
FARTHEST_PX = 16_000.0
"""Coordinates are clipped here: far outside any frame, and safe in OpenCV's fixed point."""
ARC_POINTS = 12
"""Points per rounded end of a stroke."""


BLEED_PX = 0.8
"""OpenCV's anti-aliased fill reaches this far beyond an outline, so outlines of a given size are drawn smaller."""

_STEP = np.linspace(0, 1, ARC_POINTS)
_TURN = np.linspace(0, 2 * np.pi, 2 * ARC_POINTS, endpoint=False)
_CIRCLE = np.stack([np.cos(_TURN), np.sin(_TURN)], axis=-1)


def tapered(
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
    start_radii: NDArray[np.float64],
    end_radii: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Outlines of strokes with round ends, (...,2) px and (...) px -> (...,2*ARC_POINTS,2) convex polygons.

    The sides touch both circles. Where one circle holds the other, the outline is the larger one.
    """
    start_radii, end_radii = _drawn(start_radii), _drawn(end_radii)
    along = ends - starts
    length = np.hypot(along[..., 0], along[..., 1])
    direction = np.arctan2(along[..., 1], along[..., 0])[..., None]
    lean = np.arccos(np.clip((start_radii - end_radii) / np.maximum(length, 1e-9), -1, 1))[..., None]
    back = direction + lean + _STEP * (2 * np.pi - 2 * lean)
    front = direction + lean * (2 * _STEP - 1)
    angles = np.concatenate([back, front], axis=-1)
    radii = np.repeat(np.stack([start_radii, end_radii], axis=-1), ARC_POINTS, axis=-1)
    centres = np.repeat(np.stack([starts, ends], axis=-2), ARC_POINTS, axis=-2)
    centres[..., 0] += radii * np.cos(angles)
    centres[..., 1] += radii * np.sin(angles)
    return np.asarray(centres, np.float64)


def circles(centres: NDArray[np.float64], radii: NDArray[np.float64]) -> NDArray[np.float64]:
    """Outlines of circles, (...,2) px and (...) px -> (...,2*ARC_POINTS,2)."""
    return np.asarray(centres[..., None, :] + _drawn(radii)[..., None, None] * _CIRCLE, np.float64)


def _drawn(radii: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(np.maximum(radii - BLEED_PX, 0.05), np.float64)


def hull(points: NDArray[np.int32]) -> NDArray[np.int32]:
    """Convex outline (M,1,2) around points (...,2), both in fixed point."""
    return np.asarray(cv2.convexHull(points.reshape(-1, 2)), np.int32)


def fixed_point(points_px: NDArray[np.float64]) -> NDArray[np.int32]:
    """Pixels (a pixel's centre at .5) -> OpenCV's fixed point (a pixel's centre at 0), clipped."""
    scaled = (points_px - 0.5) * (1 << SUBPIXEL_BITS)
    limit = FARTHEST_PX * (1 << SUBPIXEL_BITS)
    return np.asarray(np.rint(np.minimum(np.maximum(scaled, -limit), limit)), np.int32)


def fill(image: Image, outline: NDArray[np.int32], colour: Sequence[float]) -> None:
    """Fill a convex polygon, (M,2) in fixed point."""
    cv2.fillConvexPoly(image, outline, colour, cv2.LINE_AA, SUBPIXEL_BITS)


def visible(outlines: NDArray[np.float64], image: Image) -> NDArray[np.bool_]:
    """Which outlines (...,M,2) px touch the picture at all."""
    height_px, width_px = image.shape[:2]
    low, high = outlines.min(axis=-2), outlines.max(axis=-2)
    inside = (high[..., 0] > 0) & (high[..., 1] > 0) & (low[..., 0] < width_px) & (low[..., 1] < height_px)
    return np.asarray(inside, np.bool_)


def box_around(points_px: NDArray[np.float64], margin_px: float, image: Image) -> tuple[slice, slice] | None:
    """Rows and columns of the part of an image that holds all points (...,2); None when there is none."""
    height, width = image.shape[:2]
    low = np.clip(np.floor(points_px.reshape(-1, 2).min(axis=0) - margin_px), 0, (width, height)).astype(int)
    high = np.clip(np.ceil(points_px.reshape(-1, 2).max(axis=0) + margin_px), 0, (width, height)).astype(int)
    if np.any(high <= low):
        return None
    return slice(low[1], high[1]), slice(low[0], high[0])
