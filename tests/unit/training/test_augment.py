"""Bodies and motions that were never captured stay bodies."""

from __future__ import annotations

import numpy as np
import pytest

from training.augmentation.augment import (
    bend_hinges,
    body_map,
    mix_limbs,
    rotation_matrices,
    straighten_hinges,
    turns,
)
from training.augmentation.hands import LENGTH_M, attach
from training.augmentation.keypoints import IN_JOINTS, keypoint_weights
from training.motion.bones import LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, BoneMotion, ancestors
from training.motion.data import JOINTS

AT = {name: i for i, name in enumerate(JOINTS)}
ALL = len(JOINTS)


def bends(bones: np.ndarray, upper: str, lower: str) -> np.ndarray:
    """Degrees between two bones of (..., 3, J)."""
    one, other = bones[..., AT[upper]], bones[..., AT[lower]]
    cosine = (one * other).sum(-1) / (np.linalg.norm(one, axis=-1) * np.linalg.norm(other, axis=-1))
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


def test_hinges_bend_within_their_limits_and_keep_their_lengths(body: BoneMotion, rng: np.random.Generator) -> None:
    bones = body.bones[:150][None].repeat(40, axis=0)
    before = bones.copy()
    bend_hinges(bones, rng)
    np.testing.assert_allclose(np.linalg.norm(bones, axis=2), np.linalg.norm(before, axis=2), atol=2e-3)
    assert bends(bones, "left_elbow", "left_wrist").max() < 150
    changed = np.abs(bones - before).max(axis=(1, 2, 3)) > 0.01
    assert 0.2 < changed.mean() < 0.6


def test_bent_hinges_move_nothing_but_shins_and_forearms(body: BoneMotion, rng: np.random.Generator) -> None:
    bones = body.bones[:150][None].repeat(20, axis=0)
    before = bones.copy()
    bend_hinges(bones, rng)
    moved = {JOINTS[i] for i in np.flatnonzero(np.abs(bones - before).max(axis=(0, 1, 2)) > 1e-4)}
    assert moved == {"left_wrist", "right_wrist", "left_foot", "right_foot"}


def test_straightened_limbs_get_straight_and_none_gets_a_new_bend(body: BoneMotion, rng: np.random.Generator) -> None:
    bones = body.bones[:150][None].repeat(300, axis=0)
    before = bends(bones, "left_elbow", "left_wrist")
    straighten_hinges(bones, rng)
    after = bends(bones, "left_elbow", "left_wrist")
    assert (after - before).max() < 2.5
    slightly = (before > 8) & (before < 20)
    assert 0.03 < (after[slightly] < 4).mean() < 0.4


def test_a_foot_keeps_its_ankle_when_the_knee_is_bent(rng: np.random.Generator) -> None:
    bones = np.zeros((40, 1, 3, ALL), np.float32)
    for name, bone in (("knee", (0, -0.1, -0.4)), ("foot", (0, 0.1, -0.4)), ("big_toe", (0.03, -0.15, -0.07))):
        bones[..., AT[f"left_{name}"]] = bone
    for name in ("right_knee", "right_foot", "left_elbow", "left_wrist", "right_elbow", "right_wrist"):
        bones[..., AT[name]] = (0, 0, -0.3)
    ankle = bends(bones, "left_foot", "left_big_toe")
    knee = bends(bones, "left_knee", "left_foot")
    bend_hinges(bones, rng)
    assert np.abs(bends(bones, "left_knee", "left_foot") - knee).max() > 5
    np.testing.assert_allclose(bends(bones, "left_foot", "left_big_toe"), ankle, atol=0.1)


def test_hands_hang_on_forearms_and_go_where_they_go(body: BoneMotion, rng: np.random.Generator) -> None:
    bones = body.bones[:150][None].repeat(3, axis=0)
    lengths = body.mean_lengths_m[[0, 0, 0]].copy()
    attach(bones, lengths, None)
    assert bends(bones, "left_wrist", "left_index").max() < 25
    assert bends(bones, "right_thumb", "right_pinky").min() > 40
    np.testing.assert_allclose(np.linalg.norm(bones[..., AT["left_index"]], axis=2), 1.044 * LENGTH_M, rtol=1e-3)
    left = bones[..., AT["left_thumb"]]
    assert np.abs(left).max() > 0.01
    assert np.abs(np.diff(left, axis=1)).max() < 0.02
    hanging = np.zeros((1, 1, 3, ALL), np.float32)
    hanging[..., 2, [AT["left_wrist"], AT["right_wrist"]]] = -0.25
    attach(hanging, np.ones((1, ALL), np.float32), None)
    assert (hanging[0, 0, 1, [AT["left_thumb"], AT["right_thumb"]]] < -0.02).all(), "thumbs point forward"
    attach(bones, lengths, rng)
    assert bends(bones, "left_wrist", "left_index").max() > 25


def test_mixed_limbs_come_from_other_windows_and_keep_their_shape(body: BoneMotion, rng: np.random.Generator) -> None:
    rows = np.arange(600).reshape(20, 30)
    clips = rows[:, 0] // 150
    bones, lengths = body.bones[rows], body.mean_lengths_m[clips]
    before = bones.copy()
    for _ in range(3):
        mix_limbs(bones, lengths, rows, clips, body, rng)
    for limb in (LEFT_ARM, RIGHT_ARM, LEFT_LEG, RIGHT_LEG):
        moved = np.abs(bones[..., limb] - before[..., limb]).max(axis=(1, 2, 3)) > 0.05
        assert 0 < moved.mean() < 1, f"{limb}"
    np.testing.assert_allclose(np.linalg.norm(bones, axis=2).mean(axis=1), lengths, atol=2e-3)


def test_the_map_without_augmentation_gives_the_joints(body: BoneMotion) -> None:
    bones = body.bones[:10][None]
    matrix = body_map(
        np.ones((1, ALL), np.float32), np.tile(np.eye(3, dtype=np.float32), (1, ALL, 1, 1)), keypoint_weights(1, None)
    )
    points = (bones.reshape(1, 10, -1) @ matrix).reshape(10, 3, 29)
    expected = (body.bones[:10] @ ancestors())[..., IN_JOINTS]
    np.testing.assert_allclose(points, expected, atol=1e-6)


def test_the_map_scales_and_turns_a_bone_with_all_that_hangs_on_it(body: BoneMotion) -> None:
    factors, rotations = np.ones((1, ALL), np.float32), np.tile(np.eye(3, dtype=np.float32), (1, ALL, 1, 1))
    upper, lower = AT["left_elbow"], AT["left_wrist"]
    factors[:, upper] = 2
    quarter = rotation_matrices(np.array([[0, 0, np.pi / 2]]))
    rotations[:, lower] = quarter
    matrix = body_map(factors, rotations, np.eye(ALL, dtype=np.float32)[None])
    bones = body.bones[:1]
    points = (bones.reshape(1, 1, -1) @ matrix).reshape(3, ALL)
    plain = bones[0] @ ancestors()
    np.testing.assert_allclose(points[:, upper] - plain[:, upper], bones[0, :, upper], atol=1e-6)
    np.testing.assert_allclose(points[:, lower] - points[:, upper], quarter[0] @ bones[0, :, lower], atol=1e-6)


def test_who_sits_has_raised_thighs(rng: np.random.Generator) -> None:
    sitting = np.arange(200) % 2 == 0
    down = np.array([0, 0, -1], np.float32)
    thighs = turns(sitting, rng)[:, AT["left_knee"]] @ down
    assert (thighs[sitting][:, 1] < -0.5).all()
    assert thighs[~sitting][:, 2].mean() < -0.9


def test_turned_bones_are_rotated_not_bent(rng: np.random.Generator) -> None:
    rotations = turns(np.zeros(50, np.bool_), rng)
    np.testing.assert_allclose(
        rotations @ np.swapaxes(rotations, -1, -2), np.broadcast_to(np.eye(3), (50, ALL, 3, 3)), atol=1e-5
    )


def test_detectors_put_keypoints_near_the_joints(rng: np.random.Generator) -> None:
    weights = keypoint_weights(500, rng)
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert np.abs(weights - keypoint_weights(500, None)).std() > 0.005


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_rotation_vectors_turn_around_their_axis(axis: int) -> None:
    vector = np.zeros((1, 3))
    vector[0, axis] = np.pi / 2
    turned = rotation_matrices(vector)[0] @ np.roll([0, 1, 0], axis)
    expected = np.zeros(3)
    expected[(axis + 2) % 3] = 1
    np.testing.assert_allclose(turned, np.roll([0, 0, 1], axis), atol=1e-6)
    np.testing.assert_allclose(turned, expected, atol=1e-6)
