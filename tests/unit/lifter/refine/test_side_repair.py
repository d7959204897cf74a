"""Arms or legs exchanged for a while are exchanged back; what moves fast, crosses or is noisy stays."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.skeletons import COCO17, HALPE26_HANDS
from liftline_lifter.refine._side_repair import repair_sides
from tests.unit.lifter.synthetic_people import walker

HEIGHT_PX = 300.0
LEGS = COCO17.indices("left_knee", "left_ankle", "right_knee", "right_ankle")
ARMS = COCO17.indices("left_elbow", "left_wrist", "right_elbow", "right_wrist")


def exchanged(keypoints: NDArray[np.float64], joints: list[int], frames: slice) -> NDArray[np.float64]:
    out = keypoints.copy()
    left, right = joints[:2], joints[2:]
    out[frames, left], out[frames, right] = keypoints[frames, right], keypoints[frames, left]
    return out


def repaired(keypoints: NDArray[np.float64], *, fps: float = 30.0) -> NDArray[np.floating]:
    frames = len(keypoints)
    scores = np.full((frames, 17), 0.9, np.float32)
    return repair_sides(keypoints, scores, np.full(frames, HEIGHT_PX), np.arange(frames) / fps)[0]


@pytest.mark.parametrize("joints", [LEGS, ARMS])
@pytest.mark.parametrize("lasting", [1, 3, 5])
def test_a_limb_pair_that_was_exchanged_is_exchanged_back(joints: list[int], lasting: int) -> None:
    walk = walker(90, x_px=300, speed_px_s=100)
    # In the middle of a step, when the limbs are apart.
    apart = int(np.abs(walk[20:60, joints[1], 0] - walk[20:60, joints[3], 0]).argmax()) + 20
    swapped = exchanged(walk, joints, slice(apart, apart + lasting))
    assert np.abs(swapped - walk).max() > 20
    np.testing.assert_allclose(repaired(swapped), walk)


@pytest.mark.parametrize("fps", [24.0, 60.0])
@pytest.mark.parametrize("noise_px", [0.0, 2.5])
def test_legs_that_pass_each_other_at_every_step_are_left_alone(fps: float, noise_px: float) -> None:
    walk = walker(120, x_px=300, speed_px_s=100, fps=fps)
    walk += np.random.default_rng(0).normal(0, noise_px, walk.shape)
    moved = np.linalg.norm(repaired(walk, fps=fps) - walk, axis=-1)
    # Where they are as near to each other as noise moves them, it doesn't matter which is which.
    assert np.quantile(moved, 0.999) < 10


def test_a_sprinters_legs_that_cross_between_two_frames_keep_their_sides() -> None:
    frames = np.arange(60)
    run = walker(60, x_px=300, speed_px_s=0)
    swing = 75 * np.sin(2 * np.pi * 2.5 * frames / 25)[:, None]
    run[:, LEGS[:2], 0] += swing
    run[:, LEGS[2:], 0] -= swing
    np.testing.assert_array_equal(repaired(run, fps=25.0), run)


@pytest.mark.parametrize("frames", [slice(0, 6), slice(54, 60)])
def test_one_jump_near_the_end_of_a_track_decides_nothing(frames: slice) -> None:
    walk = exchanged(walker(60, x_px=300, speed_px_s=100), ARMS, frames)
    np.testing.assert_array_equal(repaired(walk), walk)


def test_scores_go_with_their_keypoints() -> None:
    walk = walker(60, x_px=300, speed_px_s=100)
    apart = int(np.abs(walk[10:50, LEGS[1], 0] - walk[10:50, LEGS[3], 0]).argmax()) + 10
    scores = np.full((60, 17), 0.9)
    scores[:, LEGS[1]] = 0.6
    swapped_scores = scores.copy()
    swapped_scores[apart, LEGS[1]], swapped_scores[apart, LEGS[3]] = 0.9, 0.6
    _, out = repair_sides(
        exchanged(walk, LEGS, slice(apart, apart + 1)), swapped_scores, np.full(60, HEIGHT_PX), np.arange(60) / 30
    )
    np.testing.assert_array_equal(out, scores)


def test_feet_go_with_the_legs_and_hands_stay() -> None:
    walk = walker(60, x_px=300, speed_px_s=100)
    apart = int(np.abs(walk[10:50, LEGS[1], 0] - walk[10:50, LEGS[3], 0]).argmax()) + 10
    whole = np.full((60, len(HALPE26_HANDS), 2), np.nan)
    whole[:, :17] = exchanged(walk, LEGS, slice(apart, apart + 1))
    left, right = HALPE26_HANDS.index["left_heel"], HALPE26_HANDS.index["right_heel"]
    whole[:, left], whole[:, HALPE26_HANDS.index["left_thumb"]] = 1.0, 3.0
    times_s = np.arange(60) / 30
    out, _ = repair_sides(whole, np.full(whole.shape[:2], 0.9), np.full(60, HEIGHT_PX), times_s)
    np.testing.assert_array_equal(out[:, :17], walk)
    moved = np.arange(60) == apart
    np.testing.assert_array_equal(out[:, left, 0], np.where(moved, np.nan, 1.0))
    np.testing.assert_array_equal(out[:, right, 0], np.where(moved, 1.0, np.nan))
    np.testing.assert_array_equal(out[:, HALPE26_HANDS.index["left_thumb"], 0], 3.0)


@pytest.mark.parametrize("frames", [1, 2, 3])
def test_the_shortest_tracks_come_back_whole(frames: int) -> None:
    walk = walker(frames, x_px=300, speed_px_s=100)
    np.testing.assert_array_equal(repaired(walk), walk)
