"""Two models' points as one set, and what speaks for a person."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.skeletons import BLAZEPOSE33, COCO17, HALPE26_HANDS
from liftline_detector.movenet._evidence import NONE, distance, support
from liftline_detector.movenet._points import points_of
from liftline_detector.movenet._scores import calibrated
from liftline_detector.movenet.thunder import Reading, square_around
from tests.unit.detector.fake_models import HEIGHT, WIDTH, Figure, landmarks
from tests.unit.detector.fake_movenet import coco

FIGURE = Figure(300, 180)
FEET = HALPE26_HANDS.indices("left_big_toe", "right_big_toe", "left_heel", "right_heel")


def reading(score: float = 0.8) -> Reading:
    return Reading(coco(FIGURE), np.full(17, score, np.float32), square_around(coco(FIGURE)))


def with_feet():
    """BlazePose's landmarks of the figure, with feet beside the ankles."""
    pose = landmarks(FIGURE)
    points = pose.points_px.copy()
    for side in ("left", "right"):
        ankle = points[BLAZEPOSE33.index[f"{side}_ankle"]]
        points[BLAZEPOSE33.index[f"{side}_heel"]] = ankle + np.array([0, 4])
        points[BLAZEPOSE33.index[f"{side}_foot_index"]] = ankle + np.array([6, 5])
    return replace(pose, points_px=points)


def test_feet_are_blazeposes_and_the_body_is_thunders():
    points, scores = points_of(reading(), with_feet(), width=WIDTH, height=HEIGHT)
    assert np.array_equal(points[:17], coco(FIGURE))
    assert scores[FEET].tolist() == pytest.approx([1, 1, 1, 1])
    ankle = coco(FIGURE)[COCO17.index["left_ankle"]]
    assert points[FEET[0]].tolist() == pytest.approx((ankle + np.array([6, 5])).tolist())


def test_feet_change_sides_where_blazepose_takes_left_for_right():
    straight, _ = points_of(reading(), with_feet(), width=WIDTH, height=HEIGHT)
    pose = with_feet()
    swapped = replace(pose, points_px=pose.points_px[BLAZEPOSE33.mirrored])
    points, _ = points_of(reading(), swapped, width=WIDTH, height=HEIGHT)
    assert np.array_equal(points[FEET], straight[FEET])


def test_feet_go_with_thunders_ankle_and_are_believed_less_the_further_that_is():
    pose = with_feet()
    points = pose.points_px.copy()
    points[BLAZEPOSE33.index["left_ankle"]] += (0, 0.1 * reading().square.size_px)
    points[BLAZEPOSE33.index["left_heel"]] += (0, 0.1 * reading().square.size_px)
    found, scores = points_of(reading(), replace(pose, points_px=points), width=WIDTH, height=HEIGHT)
    assert scores[FEET].tolist() == pytest.approx([0.2, 1, 0.2, 1], abs=1e-3)
    straight, _ = points_of(reading(), pose, width=WIDTH, height=HEIGHT)
    assert found[FEET[2:]] == pytest.approx(straight[FEET[2:]], abs=1e-3)


def test_without_blazepose_feet_and_hands_are_missing():
    points, scores = points_of(reading(), None, width=WIDTH, height=HEIGHT)
    assert np.isnan(points[17:]).all()
    assert not scores[17:].any()


def test_scores_are_on_one_scale_which_keeps_their_order():
    own = np.linspace(0, 1, 101)
    assert (np.diff(calibrated(own)) > 0).all()
    assert calibrated(np.array([0.0, 0.3, 1.0])).tolist() == pytest.approx([0, 0.5, 1])


def test_support_is_less_where_the_models_see_two_poses_and_thunder_is_not_certain():
    other = landmarks(replace(FIGURE, x=FIGURE.x + 50))
    for score, less in ((0.4, True), (0.8, False)):
        read = reading(score)
        alone, both = (support(read, pose, agreeing=0.06, certain=0.5) for pose in (None, other))
        assert alone == pytest.approx(score)
        assert (both < 0.7 * alone) == less


def test_support_is_a_third_without_head_and_legs():
    read = reading()
    scores = read.scores.copy()
    scores[: COCO17.index["left_shoulder"]] = scores[COCO17.index["left_knee"] :] = 0.1
    read = replace(read, scores=scores)
    assert support(read, None, agreeing=0.06, certain=0.5) == pytest.approx(read.strength / 3)


def test_evidence_is_a_mean_at_first_and_forgets_later():
    evidence = NONE
    for time_s, value in ((0.0, 0.2), (0.1, 0.4)):
        evidence = evidence.after(value, time_s, over_s=0.5)
    assert evidence.support == pytest.approx(0.3)
    for n in range(100):
        evidence = evidence.after(0.9, 0.2 + n / 10, over_s=0.5)
    assert evidence.support == pytest.approx(0.9, abs=1e-3)


def test_the_distance_of_two_bodies_is_the_same_with_sides_exchanged():
    points = coco(FIGURE)
    assert distance(points, points[COCO17.mirrored], size_px=100) == 0
    assert distance(points, points + 10, size_px=100) == pytest.approx(np.sqrt(200) / 100, rel=1e-6)
