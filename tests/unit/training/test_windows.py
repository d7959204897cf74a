"""Windows show the network what it has to tell the pose from."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.skeletons import H36M17_FEET_HANDS
from liftline_lifter.lifting.features import KEYPOINTS, MIRROR_ORDER, MIRROR_SIGN, features
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES
from training._batches import BatchShape, make_batch
from training.augmentation.cameras import evaluation_cameras, training_cameras
from training.motion.bones import BoneMotion
from training.motion.data import COCO_IN_JOINTS
from training.samples.windows import evaluation_windows, training_windows

BODY_KEYPOINTS = slice(5, 17)
BODY_JOINTS = [COCO_IN_JOINTS[keypoint] for keypoint in range(5, 17)]


def agreement(inputs: np.ndarray, poses: np.ndarray) -> np.ndarray:
    """(B,) correlation of a pose's x and y with the keypoints that show it."""
    seen, wanted = inputs[..., BODY_KEYPOINTS, :], poses[..., BODY_JOINTS, :2]
    seen, wanted = (a - a.mean(axis=-2, keepdims=True) for a in (seen, wanted))
    return (seen * wanted).sum((-1, -2)) / np.sqrt((seen**2).sum((-1, -2)) * (wanted**2).sum((-1, -2)))


def test_training_poses_are_those_that_their_frames_show(body: BoneMotion, rng: np.random.Generator) -> None:
    shape = BatchShape(windows=200, poses=3, stride=9, padding=(13, 13))
    windows = training_windows(body, shape.windows, shape.frames, shape.posed, rng)
    inputs, poses, known = windows.inputs_and_targets()
    assert inputs.shape == (200, 45, 91)
    assert poses.shape == (200, 3, 29, 3)
    assert np.isfinite(inputs).all()
    assert known[:, :17].all()
    inputs = inputs[..., :58].reshape(200, 45, 29, 2)
    assert np.median(agreement(inputs[:, shape.posed], poses)) > 0.95


def test_poses_of_other_frames_fit_worse(body: BoneMotion, rng: np.random.Generator) -> None:
    shape = BatchShape(windows=200, poses=3, stride=9, padding=(13, 13))
    inputs, poses, _ = training_windows(body, 200, shape.frames, shape.posed, rng).inputs_and_targets()
    inputs = inputs[..., :58].reshape(200, 45, 29, 2)
    right = agreement(inputs[:, shape.posed], poses).mean()
    assert right > agreement(inputs[:, shape.posed[::-1]], poses)[:, [0, 2]].mean() + 0.005


def test_clean_windows_show_exactly_the_pose(body: BoneMotion, rng: np.random.Generator) -> None:
    chosen = np.array([[0, 60], [3, 75]])
    windows = evaluation_windows(body, chosen, 27, rng, noisy=False)
    middle = windows.rays[:, SMOOTHING_FRAMES + 13]
    pose = windows.poses_m[:, 0]
    depth = []
    for seen, joints in zip(middle, pose, strict=True):
        # x = (X + x0) / (Z + z0): solve for the hip's place from the keypoints on Human3.6M joints
        rows = []
        for keypoint in range(5, 17):
            x, y, z = joints[COCO_IN_JOINTS[keypoint]]
            u, v = seen[keypoint]
            rows += [([1, 0, -u], u * z - x), ([0, 1, -v], v * z - y)]
        matrix, right = (np.array(column) for column in zip(*rows, strict=True))
        solution, residual, *_ = np.linalg.lstsq(matrix, right, rcond=None)
        assert residual[0] < 1e-6
        depth.append(solution[2])
    assert min(depth) > 2.1
    assert max(depth) < 9.1


def test_noisy_and_clean_windows_differ_by_noise_only(body: BoneMotion) -> None:
    chosen = np.array([[0, 60]] * 20)
    clean, noisy = (
        evaluation_windows(body, chosen, 27, np.random.default_rng(1), noisy=noisy) for noisy in (False, True)
    )
    np.testing.assert_array_equal(clean.poses_m, noisy.poses_m)
    assert 0 < np.abs(clean.rays - noisy.rays).max() < 0.1


def test_a_clips_edge_is_padded_with_its_detected_edge_frame(body: BoneMotion, rng: np.random.Generator) -> None:
    windows = evaluation_windows(body, np.array([[1, 0], [1, 149]]), 27, rng, noisy=True)
    half = SMOOTHING_FRAMES + 13
    np.testing.assert_array_equal(windows.rays[0, :half], windows.rays[0, [half]].repeat(half, 0))
    np.testing.assert_array_equal(windows.rays[1, half:], windows.rays[1, [half]].repeat(half + 1, 0))


def test_targets_turned_back_are_the_poses(body: BoneMotion, rng: np.random.Generator) -> None:
    windows = training_windows(body, 30, 27, np.array([13]), rng)
    _, target, _ = windows.inputs_and_targets()
    back = features(windows.rays, windows.scores, windows.up)[1][:, 13]
    np.testing.assert_allclose(target[:, 0] @ np.swapaxes(back, 1, 2), windows.poses_m[:, 0], atol=1e-6)


def test_who_has_no_feet_shows_none_and_is_asked_for_none(body: BoneMotion, rng: np.random.Generator) -> None:
    windows = training_windows(body, 200, 27, np.array([13]), rng)
    feet = [i for i, name in enumerate(KEYPOINTS.joints) if "heel" in name or "toe" in name]
    wanted = [i for i, name in enumerate(H36M17_FEET_HANDS.joints) if "heel" in name or "toe" in name]
    without = ~windows.known[:, wanted].any(axis=1)
    assert 0.5 < without.mean() < 0.9, "all but made-up postures"
    assert not windows.scores[without][:, :, feet].any()
    assert windows.scores[~without][:, :, feet].any()
    assert windows.known[:, :17].all()


def test_the_mirror_image_has_the_mirrored_features(body: BoneMotion, rng: np.random.Generator) -> None:
    windows = training_windows(body, 40, 27, np.array([13]), rng)
    plain, _ = features(windows.rays, windows.scores, windows.up)
    sign = np.array([-1, 1], np.float32)
    order = KEYPOINTS.mirrored
    up = windows.up * np.array([-1, 1, 1], np.float32)
    mirrored, _ = features(windows.rays[:, :, order] * sign, windows.scores[:, :, order], up)
    np.testing.assert_allclose(mirrored, plain[..., MIRROR_ORDER] * MIRROR_SIGN, atol=2e-5)


def test_a_seed_and_a_step_make_the_batch(body: BoneMotion) -> None:
    shape = BatchShape(windows=8, poses=2, stride=3, padding=(4, 4))
    first, again, other = (make_batch(body, shape, seed=1, step=step)[0] for step in (5, 5, 6))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


@pytest.mark.parametrize(("cameras", "nearest"), [(evaluation_cameras, 2.0), (training_cameras, 1.5)])
def test_cameras_are_rotations_that_see_the_person(cameras: object, nearest: float, rng: np.random.Generator) -> None:
    assert callable(cameras)
    some = cameras(300, rng)
    np.testing.assert_allclose(np.linalg.det(some.rotations), 1, atol=1e-4)
    assert (some.offsets_m[:, 2] >= nearest).all()


def test_training_cameras_are_sometimes_held_at_an_angle(rng: np.random.Generator) -> None:
    up = training_cameras(3000, rng).rotations @ np.float32([0, 0, 1])
    tilt = np.degrees(np.abs(np.arctan2(up[:, 0], -up[:, 1])))
    assert 0.05 < (tilt > 15).mean() < 0.25
    assert np.median(tilt) < 6


def test_evaluation_cameras_keep_people_upright(rng: np.random.Generator) -> None:
    up = evaluation_cameras(300, rng).rotations @ np.float32([0, 0, 1])
    assert (up[:, 1] < -0.9).all()
