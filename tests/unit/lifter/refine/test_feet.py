"""Standing feet are found and stay; legs keep their bones; what doesn't stand isn't pulled anywhere."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from liftline_lifter.refine._contacts import find_contacts
from liftline_lifter.refine.bone_lengths import bone_lengths
from liftline_lifter.refine.feet import corrected_roots, lock_track, two_bone_ik
from liftline_lifter.runs import runs
from tests.unit.lifter.refine.walking_figure import FEET, LEFT_LEG, walk

UP = np.array([0.0, -1.0, 0.0])


def sliding(joints: NDArray[np.float64], roots: NDArray[np.float64], standing: NDArray[np.bool_]) -> float:
    """Metres per frame that standing feet move."""
    feet = joints[:, FEET] + roots[:, None]
    return float(np.linalg.norm(np.diff(feet, axis=0), axis=-1)[standing[1:] & standing[:-1]].mean())


def wobbly(roots: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Depth that wobbles, as one camera sees it."""
    return roots + np.array([0, 0, 0.05]) * np.sin(2 * np.pi * 0.7 * times_s)[:, None]


@pytest.mark.parametrize("rate_hz", [25.0, 60.0])
def test_the_feet_of_someone_who_walks_are_found_standing_when_they_do(rate_hz: float) -> None:
    joints, roots, standing, times_s = walk(int(6 * rate_hz), rate_hz=rate_hz)
    found = find_contacts(joints[:, FEET] + roots[:, None], UP, times_s)
    assert (found[standing]).mean() > 0.95
    assert (found & ~standing).sum() / found.sum() < 0.25


def test_a_raised_foot_that_is_held_still_is_no_contact() -> None:
    joints, roots, _, times_s = walk(200)
    still = np.repeat(joints[:1], 200, axis=0)
    still[:, FEET[0], 1] -= 0.4
    found = find_contacts(still[:, FEET] + roots[:1, None], UP, times_s)
    assert found.tolist() == [[False, True]] * 200


def test_standing_feet_keep_their_place_when_depth_wobbles() -> None:
    joints, roots, standing, times_s = walk(300)
    seen = wobbly(roots, times_s)
    new_joints, new_roots = lock_track(joints, seen, UP, times_s)
    assert sliding(new_joints, new_roots, standing) < 0.25 * sliding(joints, seen, standing)
    assert np.abs(new_roots - roots)[:, 2].std() < np.abs(seen - roots)[:, 2].std()


def test_bones_keep_their_lengths() -> None:
    joints, roots, _, times_s = walk(300)
    new_joints, _ = lock_track(joints, wobbly(roots, times_s), UP, times_s)
    assert np.abs(new_joints - joints).max() > 1e-3
    np.testing.assert_allclose(bone_lengths(new_joints), bone_lengths(joints), atol=1e-9)


def test_nothing_pops() -> None:
    joints, roots, _, times_s = walk(300)
    seen = wobbly(roots, times_s)
    placed = np.stack([one + two[:, None] for one, two in ((joints, seen), lock_track(joints, seen, UP, times_s))])
    fastest = np.linalg.norm(np.diff(placed, axis=1), axis=-1).max(axis=(1, 2))
    assert fastest[1] < 1.25 * fastest[0]


def test_someone_in_the_air_stays_as_they_are() -> None:
    joints, roots, _, times_s = walk(100)
    flying = roots + np.array([0.0, -3.0, 0.0]) * times_s[:, None]
    new_joints, new_roots = lock_track(joints, flying, UP, times_s)
    np.testing.assert_array_equal(new_joints, joints)
    np.testing.assert_array_equal(new_roots, flying)


def test_roots_without_contacts_near_are_hardly_moved() -> None:
    joints, roots, standing, times_s = walk(600)
    standing[200:] = False
    moved = corrected_roots(joints[:, FEET], wobbly(roots, times_s), standing, times_s) - wobbly(roots, times_s)
    assert np.abs(moved[500:]).max() < 0.01


def test_a_leg_reaches_for_where_its_foot_should_be_and_no_farther_than_it_can() -> None:
    leg = walk(50)[0][:, LEFT_LEG]
    step = np.zeros((50, 3))
    step[:25] = [0.02, -0.01, 0.03]
    step[25:40] = [0.0, 5.0, 0.0]
    out = two_bone_ik(leg, step)
    np.testing.assert_allclose(out[:25, 2], leg[:25, 2] + step[:25], atol=1e-9)
    np.testing.assert_array_equal(out[40:], leg[40:])
    np.testing.assert_allclose(np.linalg.norm(np.diff(out, axis=1), axis=-1), 0.45, atol=1e-6)
    # The knee stays in front.
    assert (out[:25, 1, 0] - out[:25, [0, 2], 0].mean(axis=1) > 0).all()


def test_a_straight_leg_turns_and_stays_straight() -> None:
    leg = np.array([[[0.0, 0, 0], [0, 0.45, 0], [0, 0.9, 0]]])
    out = two_bone_ik(leg, np.array([[0.05, -0.05, 0.0]]))
    np.testing.assert_allclose(np.linalg.norm(np.diff(out, axis=1), axis=-1), 0.45, atol=1e-9)
    assert out[0, 2, 0] > 0.04


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_the_shortest_tracks_come_back_with_numbers(frames: int) -> None:
    joints, roots, _, times_s = walk(frames)
    new_joints, new_roots = lock_track(joints, roots, UP, times_s)
    assert np.isfinite(new_joints).all()
    assert np.isfinite(new_roots).all()


def test_runs_are_half_open() -> None:
    assert runs(np.array([True, True, False, True])) == [(0, 2), (3, 4)]
    assert runs(np.array([False])) == []
