"""Small, smooth lettering: glyphs are drawn large once, scaled down, and laid over the picture as coverage."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline_renderer.strokes import Image, fill, fixed_point, tapered

SUPERSAMPLING = 8
_BASE_HEIGHT_PX = 21.0
"""Height of a digit of OpenCV's plain Hershey font at scale 1."""


@lru_cache(maxsize=512)
def coverage(text: str, height_px: int) -> NDArray[np.uint8]:
    """(H,W) coverage 0..255 of a line of digits and plain signs whose digits are `height_px` high."""
    glyphs = [_glyph(character, height_px) for character in text]
    return np.concatenate(glyphs, axis=1) if glyphs else np.zeros((height_px, 0), np.uint8)


@lru_cache(maxsize=512)
def _glyph(character: str, height_px: int) -> NDArray[np.uint8]:
    """One character in a cell as wide as a digit (less for points and colons), so that running digits stand still."""
    size = SUPERSAMPLING * height_px
    scale, thickness = size / _BASE_HEIGHT_PX, max(1, round(size * 0.14))
    cell = round(height_px * (0.42 if character in ".:" else 0.86)) * SUPERSAMPLING
    (width, _), _ = cv2.getTextSize(character, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)
    margin = 2 * SUPERSAMPLING
    canvas = np.zeros((size + 2 * margin, cell), np.uint8)
    origin = ((cell - width) // 2, margin + size)
    cv2.putText(canvas, character, origin, cv2.FONT_HERSHEY_SIMPLEX, scale, 255, thickness, cv2.LINE_AA)
    small = (cell // SUPERSAMPLING, height_px + 2 * margin // SUPERSAMPLING)
    return np.asarray(cv2.resize(canvas, small, interpolation=cv2.INTER_AREA), np.uint8)


def write(image: Image, text: str, *, left: int, top: int, height_px: int, colour: Sequence[float]) -> None:
    """Write text with its cells' top left corner at a pixel; what falls outside the image is cut off."""
    mask = coverage(text, height_px)
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + mask.shape[0], image.shape[0]), min(left + mask.shape[1], image.shape[1])
    if y1 <= y0 or x1 <= x0:
        return
    part = image[y0:y1, x0:x1]
    weight = mask[y0 - top : y1 - top, x0 - left : x1 - left, None].astype(np.float32) / 255
    part[:] = part + (np.asarray(colour, np.float32) - part) * weight + 0.5


def plate(image: Image, text: str, *, centre_px: tuple[float, float], height_px: int, colour: Sequence[float]) -> None:
    """Write dark text on a round plate of the colour, moved inside the image where it would stick out."""
    mask = coverage(text, height_px)
    half_height = mask.shape[0] / 2 + 1
    half_width = max(mask.shape[1] / 2 + height_px * 0.25, half_height)
    height, width = image.shape[:2]
    x = min(max(centre_px[0], half_width + 1), width - half_width - 1)
    y = min(max(centre_px[1], half_height + 1), height - half_height - 1)
    straight = half_width - half_height
    ends, radius = np.array([[x - straight, y], [x + straight, y]]), np.array(half_height)
    fill(image, fixed_point(tapered(ends[0], ends[1], radius + 1.0, radius + 1.0)), (16, 18, 22))
    fill(image, fixed_point(tapered(ends[0], ends[1], radius, radius)), colour)
    left, top = round(x - mask.shape[1] / 2), round(y - mask.shape[0] / 2)
    write(image, text, left=left, top=top, height_px=height_px, colour=(16, 18, 22))
