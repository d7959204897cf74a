"""Regions and views: from the image to a crop and back."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liftline_detector.blazepose.geometry import REGION_SCALE, Region, View, crop_region, crop_view
from liftline_detector.blazepose.search import tiles

regions = st.builds(Region, st.floats(-500, 2500), st.floats(-500, 2500), st.floats(10, 3000), st.floats(-np.pi, np.pi))


def blob(x, y, *, width=400, height=300, radius=3):
    """A white disc on black, its centre at (x, y) in continuous pixel coordinates."""
    across, down = np.arange(width) + 0.5, np.arange(height) + 0.5
    disc = (across - x) ** 2 + (down[:, np.newaxis] - y) ** 2 < radius**2
    return np.repeat(disc[:, :, np.newaxis], 3, axis=2).astype(np.uint8) * 255


def centre(image):
    """Centre of mass of an image in continuous pixel coordinates."""
    weight = image[:, :, 0].astype(float)
    down, across = np.mgrid[: image.shape[0], : image.shape[1]] + 0.5
    return np.array([(across * weight).sum(), (down * weight).sum()]) / weight.sum()


@given(regions, st.floats(-1, 2), st.floats(-1, 2))
def test_a_point_comes_back_from_the_region(region, x, y):
    point = np.array([[x, y]])
    image = point @ region.to_image[:, :2].T + region.to_image[:, 2]
    np.testing.assert_allclose(region.to_region(image), point, atol=1e-6)


def test_an_upright_person_gives_an_upright_region():
    region = Region.from_alignment(np.array([50.0, 80.0]), np.array([50.0, 20.0]))
    assert region.angle_rad == pytest.approx(0)
    assert region.size_px == pytest.approx(2 * REGION_SCALE * 60)
    assert (region.x_px, region.y_px) == (50, 80)


@pytest.mark.parametrize(("head", "angle"), [((90, 50), 90), ((10, 50), -90), ((50, 90), 180)])
def test_the_region_turns_with_the_body(head, angle):
    region = Region.from_alignment(np.array([50.0, 50.0]), np.array(head, float))
    assert np.rad2deg(region.angle_rad) == pytest.approx(angle)


def test_the_head_is_at_the_top_of_the_region_however_the_body_lies():
    hips, head = np.array([50.0, 50.0]), np.array([80.0, 65.0])
    region = Region.from_alignment(hips, head)
    np.testing.assert_allclose(region.to_region(head[np.newaxis]), [[0.5, 0.5 - 0.5 / REGION_SCALE]], atol=1e-9)


@pytest.mark.parametrize("size", [90.0, 256.0, 700.0, 1300.0])
@pytest.mark.parametrize("angle", [0.0, 0.7, -2.5])
def test_the_crop_shows_a_point_where_the_region_says(size, angle):
    region = Region(190, 140, size, angle)
    crop = crop_region(blob(205, 150, radius=8), region, side_px=256)
    expected = region.to_region(np.array([[205.0, 150.0]]))[0] * 256
    np.testing.assert_allclose(centre(crop), expected, atol=0.6)


def test_a_region_off_the_image_is_black():
    image = np.full((100, 100, 3), 255, np.uint8)
    assert not crop_region(image, Region(900, 900, 100, 0.3), side_px=64).any()
    assert not crop_region(image, Region(-5000, 0, 900, 0.3), side_px=64).any()


@pytest.mark.parametrize("view", [View(0, 0, 300), View(-50, -30, 420), View(100, 50, 180), View(150, 90, 100)])
def test_a_point_in_the_view_comes_back_to_the_image(view):
    crop, scale, offset = crop_view(blob(200, 140), view, side_px=224)
    np.testing.assert_allclose(centre(crop) / 224 * scale + offset, [200, 140], atol=0.7)


def test_a_view_keeps_the_aspect_of_a_wide_frame():
    crop, _, _ = crop_view(np.full((90, 160, 3), 255, np.uint8), View(0, -35, 160), side_px=224)
    lit = np.flatnonzero(crop[:, 100, 0])
    assert (lit[0], lit[-1]) == (49, 174)


@pytest.mark.parametrize(
    ("width", "height", "size"), [(1280, 720, 720), (1280, 720, 360), (1088, 1920, 362.7), (50, 50, 50)]
)
def test_tiles_cover_the_frame_and_overlap(width, height, size):
    found = tiles(width, height, size_px=size)
    covered = np.zeros((height, width), int)
    for view in found:
        left, top = int(np.ceil(view.left_px)), int(np.ceil(view.top_px))
        covered[max(top, 0) : int(top + size), max(left, 0) : int(left + size)] += 1
    assert covered[2:-2, 2:-2].min() >= 1
    starts = sorted({view.left_px for view in found})
    assert all(b - a <= size * 2 / 3 + 1e-6 for a, b in itertools.pairwise(starts))


def test_regions_of_one_person_are_alike_and_those_of_neighbours_are_not():
    region = Region(100, 100, 100, 0)
    assert region.is_like(Region(110, 105, 120, 0.3))
    assert not region.is_like(Region(140, 100, 100, 0))
    assert not region.is_like(Region(100, 100, 200, 0))


def test_small_changes_of_a_region_are_held_back_and_large_ones_pass():
    before = Region(100, 100, 200, 0.0)
    small, large = Region(101, 100, 202, 0.01), Region(150, 100, 400, 1.0)
    eased = small.eased(before)
    assert 100 < eased.x_px < 100.5
    assert 200 < eased.size_px < 201
    assert 0 < eased.angle_rad < 0.005
    passed = large.eased(before)
    assert (passed.x_px, passed.size_px, passed.angle_rad) == pytest.approx((150, 400, 1.0))


def test_a_region_is_eased_the_short_way_round():
    eased = Region(0, 0, 100, -np.pi + 0.01).eased(Region(0, 0, 100, np.pi - 0.01))
    assert abs(eased.angle_rad) > np.pi - 0.02
