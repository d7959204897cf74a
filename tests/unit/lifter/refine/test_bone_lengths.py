"""Bones get one length for the whole track, the same left and right; directions stay."""

from __future__ import annotations

import numpy as np

from liftline.skeletons import H36M17
from liftline_lifter.refine.bone_lengths import bone_lengths, constant_bones
from tests.unit.lifter.refine.walking_figure import walk


def breathing(joints: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Bones that change their lengths from frame to frame and differ left and right."""
    rng = np.random.default_rng(seed)
    parents = np.maximum(H36M17.parents, 0)
    bones = (joints - joints[:, parents]) * rng.normal(1, 0.05, (len(joints), 17, 1))
    out = np.zeros_like(joints)
    for joint, parent in enumerate(H36M17.parents):
        if parent >= 0:
            out[:, joint] = out[:, parent] + bones[:, joint]
    return out


def test_bones_have_one_length_the_same_left_and_right() -> None:
    lengths = bone_lengths(constant_bones(breathing(walk(200)[0]), np.ones(200)))
    np.testing.assert_allclose(lengths, np.repeat(lengths[:1], 200, axis=0), atol=1e-6)
    np.testing.assert_allclose(lengths, lengths[:, H36M17.mirrored], atol=1e-6)


def test_the_length_is_the_usual_one_of_the_frames_that_count() -> None:
    joints = walk(200)[0]
    wrong = np.concatenate([breathing(joints[:120]), 1.5 * joints[120:]])
    weights = np.where(np.arange(200) < 120, 0.9, 0.1)
    np.testing.assert_allclose(bone_lengths(constant_bones(wrong, weights))[0], bone_lengths(joints)[0], atol=0.01)


def test_directions_and_the_hip_stay() -> None:
    joints = breathing(walk(50)[0])
    out = constant_bones(joints, np.ones(50))
    parents = np.maximum(H36M17.parents, 0)
    np.testing.assert_array_equal(out[:, 0], joints[:, 0])
    bones, given = out - out[:, parents], joints - joints[:, parents]
    cosine = (bones * given).sum(axis=-1) / (bone_lengths(out) * bone_lengths(joints) + 1e-12)
    np.testing.assert_allclose(cosine[:, 1:], 1.0, atol=1e-5)


def test_a_pose_collapsed_to_a_point_has_numbers() -> None:
    joints = walk(10)[0]
    joints[4] = 0.0
    assert np.isfinite(constant_bones(joints, np.zeros(10))).all()


def test_a_single_frame_keeps_the_mean_of_its_sides_or_one_of_them() -> None:
    joints = breathing(walk(1)[0])
    out, given = bone_lengths(constant_bones(joints, np.ones(1)))[0], bone_lengths(joints)[0]
    both = np.stack([given, given[H36M17.mirrored]])
    assert (out >= both.min(axis=0) - 1e-6).all()
    assert (out <= both.max(axis=0) + 1e-6).all()
