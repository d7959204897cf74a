"""Reading the landmark model's output: refinement, the way back to the image, painting over."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.skeletons import BLAZEPOSE33
from liftline_detector.blazepose.geometry import Region
from liftline_detector.blazepose.landmarks import (
    INPUT_PX,
    LANDMARKS,
    POINTS,
    averaged,
    confirmed,
    paint_over,
    read,
    refine,
)
from tests.unit.detector.fake_models import Figure, landmarks

DARK = np.full((64, 64, POINTS), -20.0, np.float32)


def middle():
    return np.full((POINTS, 2), 0.5, np.float32)


def test_points_without_a_peak_stay():
    np.testing.assert_array_equal(refine(middle(), DARK), middle())


def test_a_point_moves_to_the_peak_beside_it():
    heat = DARK.copy()
    heat[33, 34, 5] = 20.0
    moved = refine(middle(), heat)
    np.testing.assert_allclose(moved[5], [34 / 64, 33 / 64], atol=1e-6)
    np.testing.assert_array_equal(np.delete(moved, 5, axis=0), np.delete(middle(), 5, axis=0))


def test_a_peak_out_of_reach_is_ignored():
    heat = DARK.copy()
    heat[40, 32, 0] = 20.0
    np.testing.assert_array_equal(refine(middle(), heat), middle())


@pytest.mark.parametrize("corner", [0.0, 0.999])
def test_windows_stop_at_the_edge_of_the_map(corner):
    heat = DARK.copy()
    heat[[0, 63], [0, 63], :] = 20.0
    moved = refine(np.full((POINTS, 2), corner, np.float32), heat)
    np.testing.assert_allclose(moved, np.floor(corner * 64) / 64, atol=1e-6)


def test_points_outside_the_region_stay():
    points = np.full((POINTS, 2), 1.2, np.float32)
    np.testing.assert_array_equal(refine(points, DARK + 40), points)


def test_landmarks_come_back_to_the_image_with_their_scores():
    raw = np.zeros((POINTS, 5), np.float32)
    raw[:, :2] = INPUT_PX / 2
    raw[0, :2] = 0
    raw[:, 3], raw[:, 4] = 10, -10
    raw[34, 1] = INPUT_PX / 4
    pose = read(raw.ravel(), 0.7, DARK, Region(100, 80, 40, 0))
    np.testing.assert_allclose(pose.points_px[:2], [[80, 60], [100, 80]], rtol=1e-5)
    assert pose.points_px.shape == (LANDMARKS, 2)
    assert pose.visibility.min() > 0.99 > 0.01 > pose.presence.max()
    assert pose.flag == 0.7
    assert pose.next_region == Region(100, 80, pytest.approx(25, rel=1e-4), pytest.approx(0))


def test_what_was_seen_in_a_mirror_comes_back_on_its_own_side():
    left, right = BLAZEPOSE33.index["left_wrist"], BLAZEPOSE33.index["right_wrist"]
    raw = np.zeros((POINTS, 5), np.float32)
    raw[:, :2] = INPUT_PX / 2
    raw[34, 1] = INPUT_PX / 4
    raw[left, :4] = INPUT_PX / 4, INPUT_PX / 8, 0, 10
    pose = read(raw.ravel(), 0.7, DARK, Region(100, 80, 40, 0), mirrored=True)
    np.testing.assert_allclose(pose.points_px[right], [110, 65], rtol=1e-5)
    np.testing.assert_allclose(pose.points_px[left], [100, 80], rtol=1e-5)
    assert pose.visibility[right] > 0.99
    assert pose.visibility[left] == 0.5
    assert pose.next_region == Region(100, 80, pytest.approx(25, rel=1e-4), pytest.approx(0))


def test_trust_falls_with_the_distance_that_another_look_puts_a_landmark_at():
    pose = landmarks(Figure(300, 180))
    points = pose.points_px.copy()
    points[15] += (0.01 * pose.next_region.size_px, 0)
    points[16] += (0, 0.1 * pose.next_region.size_px)
    seen = confirmed(pose, replace(pose, points_px=points), within=0.025)
    np.testing.assert_allclose(seen.visibility[[0, 15, 16]], [1, 1, 0.25], rtol=1e-4)
    np.testing.assert_array_equal(seen.points_px, pose.points_px)


def test_landmarks_that_two_looks_agree_on_are_their_mean_and_others_stay_and_are_doubted():
    pose = landmarks(Figure(300, 180))
    points, side = pose.points_px.copy(), pose.next_region.size_px
    points[15] += (0.01 * side, 0)
    points[16] += (0, 0.1 * side)
    seen = averaged(pose, replace(pose, points_px=points), within=0.025)
    np.testing.assert_allclose(seen.points_px[15], pose.points_px[15] + (0.005 * side, 0), rtol=1e-5)
    np.testing.assert_array_equal(seen.points_px[[0, 16]], pose.points_px[[0, 16]])
    np.testing.assert_allclose(seen.visibility[[0, 15, 16]], [1, 1, 0.25], rtol=1e-4)


def test_painting_over_covers_the_body_and_nothing_far_from_it():
    crop = np.full((INPUT_PX, INPUT_PX, 3), 255, np.uint8)
    figure = Figure(100, 100)
    paint_over(crop, landmarks(figure), Region(150, 100, 300, 0))
    assert (crop[128, 85] == 128).all()
    assert (crop[:, 200:] == 255).all()


def test_painting_over_somebody_outside_the_region_changes_nothing():
    crop = np.full((INPUT_PX, INPUT_PX, 3), 255, np.uint8)
    paint_over(crop, landmarks(Figure(100_000, 100)), Region(150, 100, 300, 0))
    assert (crop == 255).all()
