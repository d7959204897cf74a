from __future__ import annotations

import numpy as np
import pytest

from liftline_renderer.drawing.lettering import coverage, plate, write
from liftline_renderer.drawing.strokes import BLEED_PX, box_around, circles, fill, fixed_point, hull, tapered, visible


def _stroke(start, end, radius=6.0, size=64):
    image = np.zeros((size, size, 3), np.uint8)
    radii = np.array(radius)
    fill(image, fixed_point(tapered(np.array(start, float), np.array(end, float), radii, radii)), (255, 255, 255))
    return image[..., 0]


def test_edges_are_anti_aliased_and_no_wider_than_two_pixels():
    profile = _stroke((8, 8), (56, 40))[:, 32]
    partial = np.flatnonzero((profile > 0) & (profile < 255))
    assert len(partial) >= 2
    assert len(partial) <= 6
    assert profile.max() == 255


def test_shapes_move_by_fractions_of_a_pixel():
    centres = []
    for offset in (0.0, 0.25, 0.5, 0.75):
        weights = _stroke((32 + offset, 10), (32 + offset, 54))[32].astype(float)
        centres.append(float(weights @ (np.arange(64) + 0.5) / weights.sum()))
    np.testing.assert_allclose(centres, [32.0, 32.25, 32.5, 32.75], atol=0.12)


def test_a_stroke_is_as_thick_as_asked():
    assert _stroke((8, 32), (56, 32), radius=6)[:, 32].astype(float).sum() / 255 == pytest.approx(12, abs=0.3)


def test_a_stroke_to_itself_is_a_ball():
    area = _stroke((32, 32), (32, 32), radius=10).astype(float).sum() / 255
    assert area == pytest.approx(np.pi * 10**2, rel=0.06)


def test_the_larger_circle_wins_where_it_holds_the_other():
    outline = tapered(np.array([10.0, 10]), np.array([11.0, 10]), np.array(8.0), np.array(2.0))
    assert np.hypot(*(outline - [10, 10]).T).max() == pytest.approx(8.0 - BLEED_PX)


@pytest.mark.parametrize("far", [1e5, 1e12, -1e12])
def test_coordinates_far_outside_are_clipped_and_draw_without_error(far):
    image = _stroke((32, 32), (far, 32))
    assert image[32, 10 if far < 0 else 60] == 255


def test_outlines_outside_the_picture_are_known_to_be_invisible():
    outlines = circles(np.array([[-50.0, 10], [10.0, 10], [200.0, 10], [-3.0, 10]]), np.full(4, 5.0))
    assert visible(outlines, np.zeros((64, 64, 3), np.uint8)).tolist() == [False, True, False, True]


def test_a_hull_goes_around_all_circles():
    image = np.zeros((64, 64, 3), np.uint8)
    rims = circles(np.array([[10.0, 10], [50.0, 10], [30.0, 50]]), np.array([4.0, 4.0, 4.0]))
    fill(image, hull(fixed_point(rims)), (255, 255, 255))
    assert image[25, 30, 0] == 255
    assert image[50, 8, 0] == 0


def test_a_box_around_points_outside_the_picture_is_none():
    image = np.zeros((40, 60, 3), np.uint8)
    assert box_around(np.array([[-100.0, -100.0]]), 5, image) is None
    assert box_around(np.array([[10.0, 20.0], [70.0, 90.0]]), 2, image) == (slice(18, 40), slice(8, 60))


def test_lettering_is_smooth_and_digits_are_equally_wide():
    assert coverage("0:01.23", 14).shape == coverage("8:59.99", 14).shape
    levels = np.unique(coverage("8", 14))
    assert len(levels) > 10


def test_lettering_is_cut_off_at_the_pictures_edges_and_plates_move_inside():
    image = np.zeros((20, 30, 3), np.uint8)
    write(image, "0:00.00", left=-10, top=-5, height_px=12, colour=(255, 255, 255))
    write(image, "8", left=500, top=2, height_px=12, colour=(255, 255, 255))
    plate(image, "12", centre_px=(-400.0, 900.0), height_px=8, colour=(200, 100, 50))
    assert image[10:, :15].any()
