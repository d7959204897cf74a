"""Simulated detectors err as told."""

from __future__ import annotations

import numpy as np

from liftline.skeletons import COCO17
from training.augmentation.detector import _at_video_rate, _hide_trunks, _mistake_limbs, detected
from training.augmentation.noise import EVALUATION_BIAS, EVALUATION_JITTER, drift, evaluation_noise, person_size


def still_people(count: int, frames: int, keypoints: int = 29) -> np.ndarray:
    body = np.random.default_rng(5).uniform(-0.1, 0.1, (1, 1, 2, keypoints)).astype(np.float32)
    return body.repeat(count, 0).repeat(frames, 1)


def everything(count: int) -> tuple[np.ndarray, np.ndarray]:
    """All keypoints are known, nobody is near."""
    return np.ones((count, 29), bool), np.zeros(count, bool)


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


def test_noise_of_the_first_keypoints_does_not_depend_on_those_that_follow() -> None:
    rays = still_people(3, 41)
    few, all_of_them = (evaluation_noise(some, np.random.default_rng(1)) for some in (rays[..., :17], rays))
    np.testing.assert_array_equal(all_of_them[..., :17], few)
    assert np.abs(all_of_them[..., 17:] - rays[..., 17:]).min() > 0


def test_training_noise_is_mostly_mild_and_sometimes_gross(rng: np.random.Generator) -> None:
    rays = still_people(600, 60)
    error = np.abs(detected(rays, *everything(600), rng)[0] - rays)[..., :17] / person_size(rays)
    assert 0.003 < np.median(error) < 0.02
    gross = error.max(axis=2) > 0.15
    assert 0.002 < gross.mean() < 0.05


def test_training_noise_leaves_its_input_alone(rng: np.random.Generator) -> None:
    rays = still_people(30, 40)
    before = rays.copy()
    detected(rays, *everything(30), rng)
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


def test_scores_tell_some_of_the_errors(rng: np.random.Generator) -> None:
    rays = still_people(600, 60)
    found, scores = detected(rays, *everything(600), rng)
    off = np.linalg.norm(found - rays, axis=2) / person_size(rays)[:, :, 0]
    told = (scores > 0) & ~(scores == 1).all(axis=(1, 2), keepdims=True)
    wrong, right = scores[told & (off > 0.1)], scores[told & (off < 0.02)]
    assert np.median(wrong) < 0.6 < 0.75 < np.median(right)
    assert (wrong > 0.6).mean() > 0.15, "detectors don't know all of their errors"


def test_what_a_body_does_not_have_is_never_seen_and_groups_are_missing_at_times(rng: np.random.Generator) -> None:
    known, near = everything(400)
    known[:, 17] = False
    _, scores = detected(still_people(400, 40), known, near, rng)
    assert not scores[..., 17].any()
    feet, hands = ((scores[..., part] == 0).all(axis=(1, 2)) for part in (slice(21, 23), slice(23, 29)))
    assert 0.25 < feet.mean() < 0.55
    assert 0.3 < hands.mean() < 0.6
    assert (feet & hands).mean() > 0.15, "COCO-17 alone"


def test_frames_between_a_videos_own_are_interpolated(rng: np.random.Generator) -> None:
    moving = np.cumsum(rng.normal(0, 1, (300, 50, 2, 29)), axis=1).astype(np.float32)
    found, scores = moving.copy(), np.ones((300, 50, 29), np.float32)
    _at_video_rate(found, scores, rng)
    changed = (found != moving).any(axis=(1, 2, 3))
    assert 0.4 < changed.mean() < 0.8
    np.testing.assert_array_equal(found[:, 0], moving[:, 0])
    bends = np.abs(np.diff(found[changed], 2, axis=1)).max(axis=(2, 3))
    assert ((bends < 1e-4).mean(axis=1) > 0.1).all()
    assert (scores == 1).all()


def test_a_hidden_trunk_is_guessed_for_the_whole_window(rng: np.random.Generator) -> None:
    rays = still_people(400, 30)
    wrong = rays.copy()
    _hide_trunks(wrong, person_size(rays), rng)
    off = np.abs(wrong - rays)
    moved = off.max(axis=(1, 2, 3)) > 0
    assert 0.01 < moved.mean() < 0.12
    assert off[..., COCO17.indices("left_wrist", "left_knee", "nose")].max() == 0
    np.testing.assert_allclose(wrong[:, :1] - rays[:, :1], wrong[:, -1:] - rays[:, -1:], atol=1e-6)
