"""Making pixels upright: what a display matrix asks for, and doing it to an RGB picture.

Display matrix: libavutil/display.h; nine 32-bit integers a b u c d v x y w, a pixel (p, q) goes to
(a p + c q + x, b p + d q + y) with q and the result's y counted downwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

UPRIGHT = (0, False)


def parse_display_matrix(data: bytes) -> tuple[int, bool]:
    """Clockwise turn in degrees (0, 90, 180, 270; the nearest) and whether a left-right flip comes before it."""
    if len(data) < 36:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(data, "<i4", 5).astype(np.float64)
    determinant = a * d - b * c
    if determinant == 0:
        return UPRIGHT
    mirrored = bool(determinant < 0)
    cosine, sine = (d - a, -(b + c)) if mirrored else (a + d, b - c)
    return round(float(np.degrees(np.arctan2(sine, cosine))) / 90) % 4 * 90, mirrored


def put_upright(rgb: NDArray[np.uint8], out: NDArray[np.uint8], *, rotation_deg: int, mirrored: bool) -> None:
    """Write a picture (H,W,3) into `out`, (H,W,3) or (W,H,3) uint8: flipped if `mirrored`, then turned clockwise."""
    if (rotation_deg, mirrored) == UPRIGHT:
        np.copyto(out, rgb)
        return
    turned = np.rot90(rgb[:, ::-1] if mirrored else rgb, -rotation_deg // 90)
    for channel in range(turned.shape[2]):  # a copy per channel is several times faster than one of strided triples
        out[..., channel] = turned[..., channel]
