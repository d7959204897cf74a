"""The root is placed where the projected pose fits the keypoints, and its depth doesn't jump."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftline.camera import Camera
from liftline.skeletons import COCO17, H36M17
from liftline_lifter.lifting._trajectory import FARTHEST_M, NEAREST_M, fit_roots

CAMERA = Camera(1280, 720, 1100.0)
_SAME = [
    (COCO17.index[name], H36M17.index[name.replace("ankle", "foot")])
    for name in COCO17.joints
    if name.replace("ankle", "foot") in H36M17.index
]


def pose(frames: int, seed: int = 0) -> np.ndarray:
    """(T,17,3) a body-sized cloud of joints that turns slowly."""
    rng = np.random.default_rng(seed)
    body = rng.normal(0, 1, (17, 3)) * [0.25, 0.5, 0.2]
    body -= body[0]
    angle = np.arange(frames) * 0.02
    turn = np.zeros((frames, 3, 3))
    turn[:, 0, 0] = turn[:, 2, 2] = np.cos(angle)
    turn[:, 0, 2], turn[:, 2, 0], turn[:, 1, 1] = np.sin(angle), -np.sin(angle), 1
    return np.einsum("tij,kj->tki", turn, body)


def seen(joints: np.ndarray, roots: np.ndarray) -> np.ndarray:
    """(T,17,2) COCO keypoints of a pose at these roots; those without a joint are NaN-free junk."""
    projected = CAMERA.project(joints + roots[:, None])
    keypoints = np.full((len(joints), 17, 2), 50.0)
    for coco, h36m in _SAME:
        keypoints[:, coco] = projected[:, h36m]
    return keypoints


def path(frames: int) -> np.ndarray:
    time = np.arange(frames) / 30
    return np.stack([-1 + 0.8 * time, 0.2 + 0 * time, 4 + 0.6 * time], axis=1)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), frames=st.sampled_from([1, 2, 3, 30]))
def test_exact_keypoints_give_the_exact_place(seed: int, frames: int) -> None:
    joints, roots = pose(frames, seed), path(frames)
    fitted = fit_roots(joints, seen(joints, roots), np.ones((frames, 17)), np.arange(frames) / 30, camera=CAMERA)
    np.testing.assert_allclose(fitted, roots, atol=0.05)


def test_a_wrong_keypoint_does_not_pull_the_person_away() -> None:
    joints, roots = pose(60), path(60)
    keypoints = seen(joints, roots)
    keypoints[:, COCO17.index["left_wrist"]] += 300
    fitted = fit_roots(joints, keypoints, np.ones((60, 17)), np.arange(60) / 30, camera=CAMERA)
    np.testing.assert_allclose(fitted, roots, atol=0.1)


def test_interpolated_keypoints_weigh_little() -> None:
    joints, roots = pose(60), path(60)
    keypoints, scores = seen(joints, roots), np.ones((60, 17))
    legs = COCO17.indices("left_knee", "right_knee", "left_ankle", "right_ankle")
    keypoints[:, legs] += [40, 25]
    scores[:, legs] = 0
    fitted = fit_roots(joints, keypoints, scores, np.arange(60) / 30, camera=CAMERA)
    np.testing.assert_allclose(fitted, roots, atol=0.1)


def test_depth_is_steady_under_noise_and_the_place_in_the_image_is_kept() -> None:
    frames = 200
    joints, roots = pose(frames), np.tile([0.3, 0.1, 5.0], (frames, 1))
    keypoints = seen(joints, roots) + np.random.default_rng(0).normal(0, 6, (frames, 17, 2))
    fitted = fit_roots(joints, keypoints, np.ones((frames, 17)), np.arange(frames) / 30, camera=CAMERA)
    assert np.abs(np.diff(fitted[:, 2])).max() < 0.02
    np.testing.assert_allclose(CAMERA.project(fitted), CAMERA.project(roots), atol=8)


def test_a_frame_of_nonsense_does_not_throw_the_depth() -> None:
    joints, roots = pose(90), path(90)
    keypoints = seen(joints, roots)
    keypoints[40] = 640 + (keypoints[40] - 640) * 0.05
    fitted = fit_roots(joints, keypoints, np.ones((90, 17)), np.arange(90) / 30, camera=CAMERA)
    np.testing.assert_allclose(fitted[:, 2], roots[:, 2], atol=0.15)


@pytest.mark.parametrize("keypoints", [np.zeros((4, 17, 2)), np.full((4, 17, 2), 640.0)])
def test_keypoints_that_are_one_point_still_give_a_place_in_front_of_the_camera(keypoints: np.ndarray) -> None:
    fitted = fit_roots(pose(4), keypoints, np.zeros((4, 17)), np.arange(4) / 30, camera=CAMERA)
    assert np.isfinite(fitted).all()
    assert np.all((fitted[:, 2] >= NEAREST_M) & (fitted[:, 2] <= FARTHEST_M))
