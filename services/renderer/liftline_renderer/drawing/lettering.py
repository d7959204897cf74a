"""Small, smooth lettering: glyphs are drawn large once, scaled down, and laid over the picture as coverage."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline_renderer.drawing.palette import Colour
from liftline_renderer.drawing.strokes import Image, fill, fixed_point, tapered

SUPERSAMPLING = 8
INK: Colour = (16.0, 18.0, 22.0)
"""Text on plates, and the thin rim around them."""
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


def write(image: Image, text: str, *, left: int, top: int, height_px: int, colour: Colour) -> None:
    """Write text with its cells' top left corner at a pixel; what falls outside the image is cut off."""
    mask = coverage(text, height_px)
    _lay(image, np.asarray(colour, np.float32), np.asarray(mask[..., None] / 255, np.float32), left=left, top=top)


def plate(image: Image, text: str, *, centre_px: tuple[float, float], height_px: int, colour: Colour) -> None:
    """Write dark text on a round plate of the colour, moved inside the image where it would stick out."""
    picture, weight = _plate(text, height_px, colour)
    height, width = weight.shape[:2]
    left = min(max(round(centre_px[0] - width / 2), 0), max(image.shape[1] - width, 0))
    top = min(max(round(centre_px[1] - height / 2), 0), max(image.shape[0] - height, 0))
    _lay(image, picture, weight, left=left, top=top)


@lru_cache(maxsize=1024)
def _plate(text: str, height_px: int, colour: Colour) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """A plate's picture (H,W,3) and how opaque it is (H,W,1), 0..1."""
    mask = coverage(text, height_px)
    half_height = mask.shape[0] / 2 + 1
    half_width = max(mask.shape[1] / 2 + height_px * 0.25, half_height)
    width, height = 2 * ceil(half_width + 2), 2 * ceil(half_height + 2)
    straight = half_width - half_height
    ends = np.array([[width / 2 - straight, height / 2], [width / 2 + straight, height / 2]])
    weight, picture = np.zeros((height, width), np.uint8), np.full((height, width, 3), INK, np.uint8)
    for canvas, radius, value in ((weight, half_height + 1, (255.0,)), (picture, half_height, colour)):
        fill(canvas, fixed_point(tapered(ends[0], ends[1], np.array(radius), np.array(radius))), value)
    left, top = round((width - mask.shape[1]) / 2), round((height - mask.shape[0]) / 2)
    write(picture, text, left=left, top=top, height_px=height_px, colour=INK)
    return picture.astype(np.float32), np.asarray(weight[..., None] / 255, np.float32)


def _lay(image: Image, picture: NDArray[np.float32], weight: NDArray[np.float32], *, left: int, top: int) -> None:
    """Lay a picture, or one colour, over an image with weights (H,W,1); what falls outside is cut off."""
    y0, x0 = max(top, 0), max(left, 0)
    y1, x1 = min(top + weight.shape[0], image.shape[0]), min(left + weight.shape[1], image.shape[1])
    if y1 <= y0 or x1 <= x0:
        return
    inside = slice(y0 - top, y1 - top), slice(x0 - left, x1 - left)
    part = image[y0:y1, x0:x1]
    shown = picture[inside] if picture.ndim == 3 else picture
    part[:] = part + (shown - part) * weight[inside] + 0.5
