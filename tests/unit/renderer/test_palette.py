from __future__ import annotations

import numpy as np

from liftline_renderer.drawing.palette import LEFT, RIGHT, hue_deg, oklch, person_colours, shade


def _luma(rgb):
    return float(np.dot(rgb, [0.2126, 0.7152, 0.0722]))


def test_left_and_right_sides_are_easy_to_tell_apart_for_every_person():
    for track in range(60):
        sides = person_colours(track).sides
        assert _luma(sides[LEFT]) - _luma(sides[RIGHT]) > 45, track


def test_a_persons_colours_depend_on_the_track_id_alone():
    first = [person_colours(track).sides for track in (3, 1, 2)]
    again = [person_colours(track).sides for track in (1, 2, 3)]
    np.testing.assert_array_equal(first[0], again[2])
    np.testing.assert_array_equal(first[1], again[0])


def test_any_six_consecutive_people_have_distant_hues():
    for start in range(20):
        hues = np.sort([hue_deg(start + n) for n in range(6)])
        gaps = np.diff([*hues, hues[0] + 360])
        assert gaps.min() > 20


def test_grey_has_equal_channels_and_white_is_white():
    np.testing.assert_allclose(oklch(1.0, 0.0, 0.0), (255, 255, 255), atol=0.5)
    red, green, blue = oklch(0.5, 0.0, 123.0)
    assert abs(red - green) < 0.5
    assert abs(green - blue) < 0.5


def test_colours_outside_srgb_lose_chroma_instead_of_clipping():
    rgb = oklch(0.87, 0.4, 264.0)
    assert all(0 <= channel <= 255 for channel in rgb)
    assert rgb[2] > rgb[0]


def test_shading_darkens_below_one_and_whitens_above():
    colour = np.array([200.0, 100.0, 50.0])
    np.testing.assert_allclose(shade(colour, 0.5), colour / 2)
    np.testing.assert_allclose(shade(colour, 1.0), colour)
    assert np.all(shade(colour, 1.3) > colour)
