"""The square that somebody is read in, and what the model's output means in the picture."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from liftline.skeletons import COCO17
from liftline_detector.blazepose.geometry import Region
from liftline_detector.movenet.multipose import candidate
from liftline_detector.movenet.thunder import (
    INPUT_PX,
    Reading,
    covered_share,
    decode,
    paint_over,
    square_around,
    upright_square,
)
from tests.unit.detector.fake_models import Figure
from tests.unit.detector.fake_movenet import coco

STANDING = coco(Figure(300, 180))


def turned(points, angle):
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    return (points - (300, 180)) @ turn.T + (300, 180)


@pytest.mark.parametrize("angle", [-2.5, -0.4, 0.0, 0.5, 3.0])
def test_the_square_turns_with_the_body_and_is_a_quarter_larger_than_the_keypoints(angle):
    square = square_around(turned(STANDING, angle))
    assert square.angle_rad == pytest.approx(angle, abs=1e-6)
    assert square.size_px == pytest.approx(1.25 * np.ptp(STANDING, axis=0).max(), rel=1e-6)
    inside = square.to_region(turned(STANDING, angle))
    assert inside.min() == pytest.approx(0.1, abs=1e-6)


def test_a_body_that_is_folded_up_tells_no_direction():
    folded = STANDING.copy()
    folded[COCO17.indices("left_ankle", "right_ankle")] = folded[COCO17.indices("left_shoulder", "right_shoulder")]
    folded[COCO17.indices("left_ankle", "right_ankle")] += (8, 5)
    assert square_around(folded).angle_rad == 0


def test_a_roomy_square_holds_the_torsos_it_is_asked_for():
    hips, shoulders = (STANDING[COCO17.indices(f"left_{p}", f"right_{p}")].mean(axis=0) for p in ("hip", "shoulder"))
    torso = np.linalg.norm(STANDING[COCO17.index["left_shoulder"]] - hips)
    assert torso > abs(shoulders - hips)[1] > 0
    assert upright_square(STANDING, torsos=5).size_px == pytest.approx(10 * torso, rel=1e-6)
    assert upright_square(STANDING, torsos=0.1) == upright_square(STANDING)


def test_a_reading_is_in_pixels_of_the_image_and_points_outside_it_count_little():
    rows = np.tile(np.array([0.5, 0.5, 0.8], np.float32), (17, 1))
    rows[0, :2] = 0.0, 1.0
    reading = decode(rows, Region(90, 50, 40, 0.0), width=100, height=100)
    assert reading.keypoints_px[1].tolist() == [90, 50]
    assert reading.keypoints_px[0].tolist() == [110, 30]
    assert reading.scores[:2].tolist() == pytest.approx([0.08, 0.8])


def test_strength_is_the_mean_of_the_nine_best():
    scores = np.array([0.9] * 9 + [0.1] * 8, np.float32)
    assert Reading(STANDING, scores, square_around(STANDING)).strength == pytest.approx(0.9)


def test_jitter_is_held_back_and_motion_is_not():
    before = Reading(STANDING, np.ones(17, np.float32), square_around(STANDING))
    size = before.square.size_px
    for moved, share in ((0.001 * size, 0.575), (0.02 * size, 1.0)):
        now = replace(before, keypoints_px=STANDING + np.float32(moved / math.sqrt(2)))
        gone = np.linalg.norm(now.eased(before).keypoints_px - STANDING, axis=1)
        assert gone == pytest.approx(share * moved, rel=1e-3)


def test_the_hull_of_another_is_painted_grey():
    crop, square = np.zeros((INPUT_PX, INPUT_PX, 3), np.uint8), Region(128, 128, 256, 0.0)
    paint_over(crop, np.array([[50, 50], [150, 50], [150, 150], [50, 150], [100, 100]]), square)
    assert crop[100, 100].tolist() == [128, 128, 128]
    assert crop[200, 200].tolist() == [0, 0, 0]


def test_the_share_of_a_box_that_another_covers():
    shares = covered_share(np.array([0, 0, 10, 10]), np.array([[5, 0, 20, 10], [20, 20, 30, 30]]))
    assert shares.tolist() == [0.5, 0]


def test_a_candidate_of_the_second_finder_is_in_pixels_of_the_image():
    row = np.zeros(56, np.float32)
    row[:2], row[-1] = (0.25, 0.5), 0.7
    found = candidate(row, np.array([200.0, 100.0]), np.array([10.0, 20.0]))
    assert found.score == pytest.approx(0.7)
    assert found.keypoints_px[0].tolist() == [110, 45]
