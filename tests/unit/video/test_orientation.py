"""Display matrices and turning pictures."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.video.orientation import parse_display_matrix, put_upright

ONE = 1 << 16


def matrix(a, b, c, d):
    return np.array([a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, 0, 0, 1 << 30], "<i4").tobytes()


@pytest.mark.parametrize(
    ("coefficients", "expected"),
    [
        ((1, 0, 0, 1), (0, False)),
        ((0, 1, -1, 0), (90, False)),  # a phone held upright
        ((-1, 0, 0, -1), (180, False)),
        ((0, -1, 1, 0), (270, False)),
        ((-1, 0, 0, 1), (0, True)),
        ((1, 0, 0, -1), (180, True)),
        ((0, 0, 0, 0), (0, False)),
    ],
)
def test_a_display_matrix_is_a_flip_then_a_clockwise_turn(coefficients, expected):
    assert parse_display_matrix(matrix(*coefficients)) == expected


def test_a_slightly_tilted_matrix_counts_as_the_nearest_quarter_turn():
    tilted = np.array([0.1 * ONE, 0.99 * ONE, 0, -0.99 * ONE, 0.1 * ONE, 0, 0, 0, 1 << 30], "<i4").tobytes()
    assert parse_display_matrix(tilted) == (90, False)


def test_a_short_matrix_is_ignored():
    assert parse_display_matrix(b"\0" * 8) == (0, False)


@pytest.mark.parametrize("mirrored", [False, True])
@pytest.mark.parametrize("rotation_deg", [0, 90, 180, 270])
def test_every_pixel_goes_where_the_matrix_says(rotation_deg, mirrored):
    rgb = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    turned = np.zeros((5, 7, 3) if rotation_deg in (0, 180) else (7, 5, 3), np.uint8)
    put_upright(rgb, turned, rotation_deg=rotation_deg, mirrored=mirrored)
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation_deg]
    flip = -1 if mirrored else 1
    q, p = np.mgrid[:5, :7]
    x, y = flip * cosine * p - sine * q, flip * sine * p + cosine * q
    expected = np.empty((y.max() - y.min() + 1, x.max() - x.min() + 1, 3), np.uint8)
    expected[y - y.min(), x - x.min()] = rgb
    assert np.array_equal(turned, expected)
