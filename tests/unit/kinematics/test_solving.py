"""Rotations solved from joints put the joints back where they were, with bones that keep their length."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.kinematics.rig import ENDS, INDEX, JOINTS, POSE_JOINTS, Motion
from liftline.kinematics.solving import solve
from liftline.kinematics.turns import Floats, angles_between, matrices
from tests.unit.kinematics.bodies import AT, LEG, limb, person, standing, turned
from tests.unit.kinematics.walking import walking


def errors_m(motion: Motion, joints_m: Floats) -> Floats:
    placed, ends, _ = motion.placed()
    off = [placed[:, INDEX[ours]] - joints_m[:, AT[theirs]] for ours, theirs in POSE_JOINTS.items()]
    off.append(ends[:, ENDS.index("head")] - joints_m[:, AT["head"]])
    return np.linalg.norm(np.stack(off, axis=1), axis=-1)


@pytest.mark.parametrize("joints", [17, 29])
def test_joints_come_back_within_a_millimetre(joints: int) -> None:
    poses = walking(joints=joints)
    assert errors_m(solve(person(poses)), poses).max() < 1e-3


@pytest.mark.parametrize("joints", [17, 29])
def test_without_rotations_the_body_is_a_t_pose_that_looks_along_z_with_its_left_at_x(joints: int) -> None:
    motion = solve(person(walking(joints=joints)))
    at = motion.rig.joints_m
    for side, x in (("left", 1), ("right", -1)):
        for start, end, along in (
            ("shoulder", "upper_arm", (x, 0, 0)), ("upper_arm", "lower_arm", (x, 0, 0)),
            ("lower_arm", "hand", (x, 0, 0)),
            ("upper_leg", "lower_leg", (0, -1, 0)), ("lower_leg", "foot", (0, -1, 0)),
        ):  # fmt: skip
            bone = at[INDEX[f"{side}_{end}"]] - at[INDEX[f"{side}_{start}"]]
            np.testing.assert_allclose(bone / np.linalg.norm(bone), along, atol=1e-9)
        toes = at[INDEX[f"{side}_toes"]] - at[INDEX[f"{side}_foot"]]
        assert toes[0] == 0
        assert toes[2] > 0.05
        assert at[INDEX[f"{side}_toes"], 1] == pytest.approx(0, abs=1e-9)
    rest = replace(motion, rotations=np.tile([1.0, 0, 0, 0], (len(motion), len(JOINTS), 1)))
    np.testing.assert_allclose(rest.placed()[0][0] - rest.root_m[0], at - at[0], atol=1e-12)


def test_a_bent_knee_is_a_turn_of_the_shin_about_x() -> None:
    pose = standing()
    turned(pose, "left_knee", limb("left", LEG)[1:], "z", -60)
    motion = solve(person(np.tile(pose, (5, 1, 1))))
    shin = matrices(motion.rotations[2, INDEX["left_lower_leg"]])
    np.testing.assert_allclose(shin @ [1, 0, 0], [1, 0, 0], atol=1e-6)
    assert np.degrees(np.arctan2(shin[2, 1], shin[1, 1])) == pytest.approx(60, abs=1e-6)


def test_feet_turn_as_their_points_do_and_rest_without_them() -> None:
    pose = standing()
    turned(pose, "left_foot", ("left_heel", "left_big_toe", "left_small_toe"), "z", 30)
    foot = [solve(person(np.tile(pose[:joints], (3, 1, 1)))).rotations[1, INDEX["left_foot"]] for joints in (29, 17)]
    still = np.array([1.0, 0, 0, 0])
    assert angles_between(foot[0], still) == pytest.approx(30, abs=0.1)
    assert angles_between(foot[1], still) == 0


def test_noise_does_not_spin_straight_limbs() -> None:
    rng = np.random.default_rng(0)
    poses = np.tile(standing(17), (200, 1, 1)) + rng.normal(0, 0.003, (200, 17, 3))
    motion = solve(person(poses))
    steps = angles_between(motion.rotations[1:], motion.rotations[:-1])
    limbs = [INDEX[f"{side}_{bone}"] for side in ("left", "right") for bone in ("upper_leg", "upper_arm")]
    assert steps[:, limbs].max() < 8


def test_rotations_change_no_faster_than_the_body_walks() -> None:
    motion = solve(person(walking(120)))
    assert angles_between(motion.rotations[1:], motion.rotations[:-1]).max() < 12
    assert ((motion.rotations[1:] * motion.rotations[:-1]).sum(axis=-1) > 0).all()


def test_limbs_that_were_never_seen_stay_in_the_t_pose() -> None:
    unseen = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("knee", "foot"))
    motion = solve(person(walking(joints=17), unseen=unseen))
    legs = [INDEX[f"{side}_{bone}"] for side in ("left", "right") for bone in ("upper_leg", "lower_leg", "foot")]
    assert not motion.seen[legs].any()
    assert motion.seen[INDEX["left_lower_arm"]]
    np.testing.assert_array_equal(motion.rotations[:, legs], np.broadcast_to([1.0, 0, 0, 0], (60, 6, 4)))


def test_another_rate_keeps_the_way_and_fills_gaps() -> None:
    poses = walking(60)
    whole = solve(person(poses))
    kept = np.r_[:20, 23:60]
    with_gap = replace(person(poses), frame_index=kept, times_s=kept / 30, joints_m=poses[kept])
    filled = solve(with_gap).resampled(30.0)
    assert len(filled) == 60
    np.testing.assert_allclose(filled.root_m, whole.root_m, atol=5e-3)
    assert angles_between(filled.rotations, whole.rotations).max() < 8
    assert len(whole.resampled(60.0)) == 119


def test_nobody_has_no_motion() -> None:
    with pytest.raises(ValueError, match="without frames"):
        solve(person(np.zeros((0, 17, 3))))
