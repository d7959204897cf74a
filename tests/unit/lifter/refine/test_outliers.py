"""Keypoints that jump away and back, and those nobody is sure of, are replaced; motion stays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.skeletons import COCO17
from liftline_lifter.refine._outliers import UNSURE, reject_outliers
from tests.unit.lifter.synthetic_people import walker

HEIGHT_PX = 300.0
WRIST = COCO17.index["left_wrist"]


def rejected(
    keypoints: NDArray[np.float64],
    scores: NDArray[np.float64] | None = None,
    times_s: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    frames = len(keypoints)
    return reject_outliers(
        keypoints,
        np.full((frames, 17), 0.9) if scores is None else scores,
        np.full(frames, HEIGHT_PX),
        np.arange(frames) / 30 if times_s is None else times_s,
    )


def test_a_keypoint_that_jumps_away_for_a_frame_is_replaced_and_marked() -> None:
    walk = walker(60, x_px=300, speed_px_s=100)
    wrong = walk.copy()
    wrong[30, WRIST] += [80, -60]
    keypoints, scores = rejected(wrong)
    assert np.abs(keypoints[30, WRIST] - walk[30, WRIST]).max() < 5
    assert scores[30, WRIST] == 0
    others = np.arange(60) != 30
    np.testing.assert_array_equal(keypoints[others], walk[others])


def test_the_less_sure_the_detector_the_less_may_a_keypoint_jump() -> None:
    walk = walker(60, x_px=300, speed_px_s=100)
    wrong, scores = walk.copy(), np.full((60, 17), 1.0)
    wrong[[20, 40], WRIST] += [30, 0]
    scores[40, WRIST] = UNSURE
    _, kept = rejected(wrong, scores)
    assert kept[20, WRIST] > 0
    assert kept[40, WRIST] == 0


def test_a_punch_is_no_outlier() -> None:
    walk = walker(60, x_px=300, speed_px_s=0, fps=50)
    # There and back, 60 cm, in a fifth of a second.
    walk[25:36, WRIST, 0] += 106 * np.sin(np.pi * np.arange(11) / 10) ** 2
    keypoints, _ = rejected(walk, times_s=np.arange(60) / 50)
    np.testing.assert_array_equal(keypoints, walk)


def test_unsure_keypoints_are_replaced_only_where_sure_ones_are_near() -> None:
    walk = walker(120, x_px=300, speed_px_s=100)
    wrong, scores = walk.copy(), np.full((120, 17), 0.9)
    wrong[20:24, WRIST] += 50
    scores[20:24, WRIST] = 0.3
    scores[60:100, WRIST] = 0.3
    keypoints, kept = rejected(wrong, scores)
    assert np.abs(keypoints[20:24, WRIST] - walk[20:24, WRIST]).max() < 10
    np.testing.assert_array_equal(keypoints[60:100], walk[60:100])
    np.testing.assert_array_equal(kept[60:100, WRIST], 0.3)


def test_a_detector_that_is_sure_of_nothing_is_believed() -> None:
    walk = walker(60, x_px=300, speed_px_s=100)
    np.testing.assert_array_equal(rejected(walk, np.full((60, 17), 0.2))[0], walk)


def test_uneven_times_are_no_jumps() -> None:
    times = np.cumsum(np.random.default_rng(1).choice([1, 4], 80)) / 60
    steady = np.full((80, 17, 2), 100.0) + np.array([400.0, 0]) * times[:, None, None]
    np.testing.assert_allclose(rejected(steady, times_s=times)[0], steady)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_tracks_come_back_with_numbers(frames: int) -> None:
    keypoints, scores = rejected(walker(frames, x_px=300, speed_px_s=100), np.full((frames, 17), 0.2))
    assert np.isfinite(keypoints).all()
    assert keypoints.shape == (frames, 17, 2)
    assert scores.shape == (frames, 17)
