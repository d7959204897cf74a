"""Bodies and motions that were never captured stay bodies."""

from __future__ import annotations

import numpy as np
import pytest

from training.augmentation.augment import (
    bend_hinges,
    body_map,
    keypoint_weights,
    mix_limbs,
    rotation_matrices,
    turns,
)
from training.motion.bones import LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, BoneMotion, ancestors
from training.motion.data import COCO_IN_JOINTS, JOINTS

AT = {name: i for i, name in enumerate(JOINTS)}


def test_hinges_bend_within_their_limits_and_keep_their_lengths(body: BoneMotion, rng: np.random.Generator) -> None:
    bones = body.bones[:150][None].repeat(40, axis=0)
    before = bones.copy()
    bend_hinges(bones, rng)
    np.testing.assert_allclose(np.linalg.norm(bones, axis=2), np.linalg.norm(before, axis=2), atol=2e-3)
    upper, lower = bones[..., AT["left_elbow"]], bones[..., AT["left_wrist"]]
    cosine = (upper * lower).sum(-1) / (np.linalg.norm(upper, axis=-1) * np.linalg.norm(lower, axis=-1))
    assert np.degrees(np.arccos(np.clip(cosine, -1, 1))).max() < 150
    changed = np.abs(bones - before).max(axis=(1, 2, 3)) > 0.01
    assert 0.2 < changed.mean() < 0.6


def test_bent_hinges_move_nothing_but_shins_and_forearms(body: BoneMotion, rng: np.random.Generator) -> None:
    bones = body.bones[:150][None].repeat(20, axis=0)
    before = bones.copy()
    bend_hinges(bones, rng)
    moved = {JOINTS[i] for i in np.flatnonzero(np.abs(bones - before).max(axis=(0, 1, 2)) > 1e-4)}
    assert moved == {"left_wrist", "right_wrist", "left_foot", "right_foot"}


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
        np.ones((1, 22), np.float32), np.tile(np.eye(3, dtype=np.float32), (1, 22, 1, 1)), keypoint_weights(1, None)
    )
    points = (bones.reshape(1, 10, -1) @ matrix).reshape(10, 3, 17)
    expected = (body.bones[:10] @ ancestors())[..., COCO_IN_JOINTS]
    np.testing.assert_allclose(points, expected, atol=1e-6)


def test_the_map_scales_and_turns_a_bone_with_all_that_hangs_on_it(body: BoneMotion) -> None:
    factors, rotations = np.ones((1, 22), np.float32), np.tile(np.eye(3, dtype=np.float32), (1, 22, 1, 1))
    upper, lower = AT["left_elbow"], AT["left_wrist"]
    factors[:, upper] = 2
    quarter = rotation_matrices(np.array([[0, 0, np.pi / 2]]))
    rotations[:, lower] = quarter
    matrix = body_map(factors, rotations, np.eye(22, dtype=np.float32)[None])
    bones = body.bones[:1]
    points = (bones.reshape(1, 1, -1) @ matrix).reshape(3, 22)
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
        rotations @ np.swapaxes(rotations, -1, -2), np.broadcast_to(np.eye(3), (50, 22, 3, 3)), atol=1e-5
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
