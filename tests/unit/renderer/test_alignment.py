from __future__ import annotations

import numpy as np
import pytest

from liftline_renderer.drawing._alignment import JOINTS, KEYPOINTS, MAX_SCALE, align_to_keypoints
from tests.unit.renderer.walking_poses import Walker, poses_of


@pytest.fixture
def person():
    """Joints (1,17,2) px, and keypoints and scores that agree with them."""
    poses = poses_of(Walker(), width_px=1280, height_px=720, frames=1)
    keypoints, joints = poses.keypoints_px.astype(float), np.zeros((1, 17, 2))
    joints[:, JOINTS] = keypoints[:, KEYPOINTS]
    return joints, keypoints, np.full((1, 17), 0.9)


def test_a_pose_that_fits_stays_where_it_is(person):
    joints, keypoints, scores = person
    placed, scale = align_to_keypoints(joints, keypoints, scores)
    np.testing.assert_allclose(placed, joints, atol=1e-6)
    assert scale == pytest.approx([1.0])


def test_a_shifted_and_shrunken_projection_is_set_back_on_the_person(person):
    joints, keypoints, scores = person
    placed, scale = align_to_keypoints(joints * 0.8 + [40, -25], keypoints, scores)
    np.testing.assert_allclose(placed[:, JOINTS], joints[:, JOINTS], atol=1e-6)
    assert scale == pytest.approx([1.25])


def test_one_wild_keypoint_hardly_moves_the_person(person):
    joints, keypoints, scores = person
    keypoints[0, KEYPOINTS[2]] += [300, 300]
    placed, _ = align_to_keypoints(joints, keypoints, scores)
    assert np.abs(placed[:, JOINTS] - joints[:, JOINTS]).max() < 20


def test_the_shape_of_the_3d_pose_is_kept_even_where_keypoints_disagree(person):
    joints, keypoints, scores = person
    wrong = joints.copy()
    wrong[0, JOINTS[5]] += [0, 60]
    placed, scale = align_to_keypoints(wrong, keypoints, scores)
    lengths = [np.linalg.norm(np.diff(p[0, JOINTS], axis=0), axis=1) for p in (wrong, placed)]
    np.testing.assert_allclose(lengths[1], lengths[0] * scale[0])


def test_corrections_stay_small(person):
    joints, keypoints, scores = person
    _, scale = align_to_keypoints(joints * 0.1, keypoints, scores)
    assert scale == pytest.approx([MAX_SCALE])


@pytest.mark.parametrize("blind", ["low scores", "missing keypoints"])
def test_without_usable_keypoints_the_projection_stays(person, blind):
    joints, keypoints, scores = person
    if blind == "low scores":
        scores[:] = 0.0
    else:
        keypoints[:] = np.nan
    placed, scale = align_to_keypoints(joints + 30, keypoints, scores)
    np.testing.assert_allclose(placed, joints + 30)
    assert scale == pytest.approx([1.0])


def test_nobody_is_no_error():
    placed, scale = align_to_keypoints(np.zeros((0, 17, 2)), np.zeros((0, 17, 2)), np.zeros((0, 17)))
    assert placed.shape == (0, 17, 2)
    assert scale.shape == (0,)
