"""Simulated detectors err as told."""

from __future__ import annotations

import numpy as np

from liftline.skeletons import COCO17
from training.augmentation.noise import (
    EVALUATION_BIAS,
    EVALUATION_JITTER,
    _hide_trunks,
    _mistake_limbs,
    drift,
    evaluation_noise,
    person_size,
    training_noise,
)


def still_people(count: int, frames: int) -> np.ndarray:
    body = np.random.default_rng(5).uniform(-0.1, 0.1, (1, 1, 2, 17)).astype(np.float32)
    return body.repeat(count, 0).repeat(frames, 1)


def test_evaluation_noise_has_the_published_strength(rng: np.random.Generator) -> None:
    rays = still_people(400, 41)
    noise = (evaluation_noise(rays, rng) - rays) / person_size(rays)
    bias = noise.mean(axis=1, keepdims=True)
    assert abs(bias.std() / EVALUATION_BIAS - 1) < 0.05
    assert abs((noise - bias).std() / EVALUATION_JITTER - 1) < 0.05
    assert (EVALUATION_BIAS, EVALUATION_JITTER) == (0.01, 0.008)


def test_evaluation_noise_does_not_depend_on_how_far_the_network_sees() -> None:
    rays = still_people(2, 81)
    rays[:, 60:] += 0.5
    noisy = evaluation_noise(rays, np.random.default_rng(1))
    assert np.abs(noisy - rays).max() < 0.05


def test_training_noise_is_mostly_mild_and_sometimes_gross(rng: np.random.Generator) -> None:
    rays = still_people(600, 60)
    error = np.abs(training_noise(rays, rng) - rays) / person_size(rays)
    assert 0.003 < np.median(error) < 0.02
    gross = error.max(axis=2) > 0.15
    assert 0.002 < gross.mean() < 0.05


def test_training_noise_leaves_its_input_alone(rng: np.random.Generator) -> None:
    rays = still_people(30, 40)
    before = rays.copy()
    training_noise(rays, rng)
    np.testing.assert_array_equal(rays, before)


def test_drift_changes_slowly(rng: np.random.Generator) -> None:
    slow = drift(50, 60, rng)
    assert slow.shape == (50, 60, 2, 17)
    assert slow.std() > 0.6
    assert np.abs(np.diff(slow, axis=1)).max() < 0.6


def test_mistaken_limbs_come_back_and_do_not_jump(rng: np.random.Generator) -> None:
    rays = still_people(200, 80)
    wrong = rays.copy()
    _mistake_limbs(wrong, person_size(rays), rng)
    off = np.linalg.norm(wrong - rays, axis=2) / person_size(rays)[:, :, 0]
    assert (off[..., :7] == 0).all()
    wrists = off[..., COCO17.indices("left_wrist", "right_wrist")]
    assert 0.005 < (wrists > 0.06).mean() < 0.1
    assert np.abs(np.diff(wrists, axis=1)).max() < 0.3
    assert (wrists == 0).any(axis=1).all()


def test_a_hidden_trunk_is_guessed_for_the_whole_window(rng: np.random.Generator) -> None:
    rays = still_people(400, 30)
    wrong = rays.copy()
    _hide_trunks(wrong, person_size(rays), rng)
    off = np.abs(wrong - rays)
    moved = off.max(axis=(1, 2, 3)) > 0
    assert 0.01 < moved.mean() < 0.12
    assert off[..., COCO17.indices("left_wrist", "left_knee", "nose")].max() == 0
    np.testing.assert_allclose(wrong[:, :1] - rays[:, :1], wrong[:, -1:] - rays[:, -1:], atol=1e-6)
