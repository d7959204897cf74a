"""Each measure forgives exactly what it is meant to forgive."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from liftline.pose_errors import acceleration_error, align_similarity, mpjpe, mpjve, n_mpjpe, p_mpjpe


@pytest.fixture
def truth() -> NDArray[np.float64]:
    joints = np.random.default_rng(0).normal(size=(5, 17, 3))
    return np.asarray(joints - joints[:, :1], np.float64)


def test_equal_poses_have_no_error(truth: NDArray[np.float64]) -> None:
    for metric in (mpjpe, n_mpjpe, p_mpjpe):
        np.testing.assert_allclose(metric(truth, truth), 0, atol=1e-12)


def test_mpjpe_is_the_mean_distance_of_the_joints(truth: NDArray[np.float64]) -> None:
    predicted = truth.copy()
    predicted[2, 3] += [0.0, 3.0, 4.0]
    np.testing.assert_allclose(mpjpe(predicted, truth), [0, 0, 5 / 17, 0, 0], atol=1e-12)


def test_n_mpjpe_forgives_size_only(truth: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(n_mpjpe(truth * 1.7, truth), 0, atol=1e-12)
    assert (n_mpjpe(_turned(truth), truth) > 0.1).all()


def test_p_mpjpe_forgives_place_turn_and_size(truth: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(p_mpjpe(_turned(truth) * 0.4 + [1.0, -2.0, 3.0], truth), 0, atol=1e-12)


def test_p_mpjpe_does_not_forgive_a_mirror_image(truth: NDArray[np.float64]) -> None:
    assert (p_mpjpe(truth * [-1.0, 1.0, 1.0], truth) > 0.1).all()


def test_alignment_is_the_least_squares_one(truth: NDArray[np.float64]) -> None:
    noisy = truth + np.random.default_rng(1).normal(0, 0.1, truth.shape)
    best = ((align_similarity(noisy, truth) - truth) ** 2).sum()
    for nudge in (noisy * 1.001, noisy + 0.01, _turned(noisy, 0.5)):
        aligned = align_similarity(noisy, truth)
        assert ((aligned + (nudge - noisy) - truth) ** 2).sum() > best


def test_velocity_error_forgives_place_and_acceleration_error_even_speed(truth: NDArray[np.float64]) -> None:
    away = truth + np.array([0.0, 3.0, 4.0])
    drifting = truth + np.arange(5)[:, None, None] * [0.0, 3.0, 4.0]
    np.testing.assert_allclose(mpjve(away, truth), np.zeros(4), atol=1e-12)
    np.testing.assert_allclose(mpjve(drifting, truth), np.full(4, 5.0))
    np.testing.assert_allclose(acceleration_error(drifting, truth), np.zeros(3), atol=1e-12)


def test_one_displaced_frame_is_felt_in_the_frames_around(truth: NDArray[np.float64]) -> None:
    shaken = truth.copy()
    shaken[2] += [0.0, 3.0, 4.0]
    np.testing.assert_allclose(mpjve(shaken, truth), [0, 5, 5, 0], atol=1e-12)
    np.testing.assert_allclose(acceleration_error(shaken, truth), [5, 10, 5], atol=1e-12)


def test_the_frame_rate_turns_frames_into_seconds(truth: NDArray[np.float64]) -> None:
    still = truth[:1].repeat(5, axis=0)
    np.testing.assert_allclose(mpjve(truth, still, rate_hz=50.0), 50 * mpjve(truth, still))
    np.testing.assert_allclose(acceleration_error(truth, still, rate_hz=50.0), 2500 * acceleration_error(truth, still))


@pytest.mark.parametrize("metric", [mpjve, acceleration_error])
def test_a_clip_too_short_to_move_gives_nothing(
    metric: Callable[..., NDArray[np.float64]], truth: NDArray[np.float64]
) -> None:
    assert metric(truth[:1], truth[:1]).shape == (0,)


@pytest.mark.parametrize("metric", [mpjpe, n_mpjpe, p_mpjpe])
def test_a_missing_frame_is_missing_in_the_result(
    metric: Callable[..., NDArray[np.float64]], truth: NDArray[np.float64]
) -> None:
    predicted = truth.copy()
    predicted[1] = np.nan
    assert np.isnan(metric(predicted, truth)).tolist() == [False, True, False, False, False]


def test_shapes_that_do_not_fit_are_refused(truth: NDArray[np.float64]) -> None:
    with pytest.raises(ValueError, match=r"got \(5, 17, 3\) and \(5, 12, 3\)"):
        mpjpe(truth, truth[:, :12])


def _turned(joints: NDArray[np.float64], degrees: float = 40.0) -> NDArray[np.float64]:
    return np.asarray(joints @ Rotation.from_euler("yx", [degrees, degrees / 2], degrees=True).as_matrix().T)
