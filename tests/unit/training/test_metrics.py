"""Errors of poses, by their definitions."""

from __future__ import annotations

import numpy as np
import pytest

from training.augment import rotation_matrices
from training.metrics import mpjpe, n_mpjpe, p_mpjpe


@pytest.fixture
def poses(rng: np.random.Generator) -> np.ndarray:
    return rng.normal(0, 0.4, (20, 17, 3))


def test_mpjpe_is_the_mean_distance(poses: np.ndarray) -> None:
    np.testing.assert_allclose(mpjpe(poses + np.array([0.03, 0, 0.04]), poses), 0.05)


def test_n_mpjpe_forgives_scale_only(poses: np.ndarray) -> None:
    np.testing.assert_allclose(n_mpjpe(1.3 * poses, poses), 0, atol=1e-12)
    assert (n_mpjpe(poses @ rotation_matrices(np.array([[0, 0.3, 0]])), poses) > 0.01).all()


def test_p_mpjpe_forgives_rotation_scale_and_shift(poses: np.ndarray, rng: np.random.Generator) -> None:
    turned = 0.8 * poses @ rotation_matrices(rng.normal(0, 1, (20, 3))) + [0.1, 0.2, 0.3]
    np.testing.assert_allclose(p_mpjpe(turned, poses), 0, atol=1e-6)


def test_p_mpjpe_does_not_forgive_a_mirrored_pose(poses: np.ndarray) -> None:
    assert (p_mpjpe(poses * [-1, 1, 1], poses) > 0.05).all()


def test_p_mpjpe_is_never_worse_than_a_shifted_copy_says(poses: np.ndarray, rng: np.random.Generator) -> None:
    noisy = poses + rng.normal(0, 0.05, poses.shape)
    assert (p_mpjpe(noisy, poses) < mpjpe(noisy, poses)).all()
