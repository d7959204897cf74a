"""Swaps of left and right that a body can't make are undone; turns and profiles are left alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.skeletons import COCO17
from liftline_lifter.tracking.sides import swapped_frames

RATE_HZ = 30.0


def walker(frames: int = 90, *, turn_at: int | None = None) -> NDArray[np.float32]:
    """(frames,17,2) someone 200 px high whose left side is 40 px right of the right one, turning over a second."""
    rng = np.random.default_rng(0)
    facing = np.ones(frames)
    if turn_at is not None:
        facing = np.cos(np.clip((np.arange(frames) - turn_at) / RATE_HZ, 0, 1) * np.pi)
    points = np.zeros((frames, 17, 2))
    points[:, :, 1] = np.linspace(0, 200, 17)
    points[:, list(COCO17.left), 0] = 20 * facing[:, None]
    points[:, list(COCO17.right), 0] = -20 * facing[:, None]
    points += 100 + 3 * np.arange(frames)[:, None, None] * [1, 0] + rng.normal(0, 1, points.shape)
    return points.astype(np.float32)


def with_swap(points: NDArray[np.float32], frames: slice) -> NDArray[np.float32]:
    out = points.copy()
    out[frames] = out[frames][:, COCO17.mirrored]
    return out


def swapped(points: NDArray[np.float32], times_s: NDArray[np.float64] | None = None) -> NDArray[np.bool_]:
    at = np.arange(len(points)) / RATE_HZ if times_s is None else times_s
    return swapped_frames(points, np.full(len(points), 100.0), at)


@pytest.mark.parametrize("wrong", [slice(40, 41), slice(30, 60), slice(0, 20), slice(70, 90)])
def test_a_swap_of_some_frames_is_found_exactly(wrong: slice) -> None:
    expected = np.zeros(90, bool)
    expected[wrong] = True
    np.testing.assert_array_equal(swapped(with_swap(walker(), wrong)), expected)


def test_the_detectors_word_holds_for_most_of_the_track() -> None:
    assert swapped(with_swap(walker(), slice(0, 60))).tolist() == [False] * 60 + [True] * 30


@pytest.mark.parametrize("frames", [1, 2, 90])
def test_nothing_is_swapped_where_nothing_jumps(frames: int) -> None:
    assert not swapped(walker(frames)).any()


def test_someone_who_turns_around_stays_as_detected() -> None:
    assert not swapped(walker(turn_at=30)).any()


def test_across_a_long_absence_a_person_may_have_turned() -> None:
    times_s = np.arange(90) / RATE_HZ + np.where(np.arange(90) >= 50, 1.0, 0.0)
    assert not swapped(with_swap(walker(), slice(50, 90)), times_s).any()


def test_missing_keypoints_are_no_evidence() -> None:
    points = with_swap(walker(), slice(40, 50))
    points[:, COCO17.indices("left_wrist", "right_wrist")] = np.nan
    points[45] = np.nan
    found = swapped(points)
    assert found[40:45].all()
    assert not found[:40].any()
    assert not found[50:].any()
