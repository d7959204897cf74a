"""Whole clips as a simulated camera and detector see them: always the same, in the picture, as noisy as told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from training.augmentation.noise import EVALUATION_BIAS, EVALUATION_JITTER
from training.augmentation.sequence_noise import Noise, detected
from training.motion.data import COCO_IN_JOINTS, load_motion
from training.samples.sequences import CAMERA, simulate


def standing(frames: int) -> NDArray[np.float64]:
    """(T,17,2) somebody 400 pixels tall who doesn't move."""
    body = np.random.default_rng(5).uniform(300, 700, (1, 17, 2))
    body[0, 0, 1], body[0, 16, 1] = 300, 700
    return body.repeat(frames, 0)


@pytest.mark.parametrize("noise", list(Noise))
@pytest.mark.parametrize("rate_hz", [None, 30.0])
def test_a_clip_becomes_one_track_of_its_length_with_the_truth_beside(
    mocap: Path, noise: Noise, rate_hz: float | None
) -> None:
    seen = simulate(load_motion(mocap), 1, noise=noise, seed=3, rate_hz=rate_hz)
    frames = 150 if rate_hz is None else 90
    assert abs(len(seen.joints_m) - frames) <= 1
    assert len(seen.tracks) == 1
    assert seen.tracks.keypoints_px.shape == (len(seen.joints_m), 17, 2)
    assert np.isfinite(seen.tracks.keypoints_px).all()
    assert np.abs(seen.joints_m[:, 0]).max() == 0
    assert np.linalg.norm(seen.up) == pytest.approx(1, abs=1e-5)
    assert (seen.placed_m @ seen.up).min() == pytest.approx(seen.floor_m, abs=1e-4)


def test_without_noise_keypoints_are_where_the_truth_is_seen(mocap: Path) -> None:
    seen = simulate(load_motion(mocap), 0, noise=Noise.CLEAN, seed=3)
    body = [joint for joint in COCO_IN_JOINTS if joint < 17]
    where = [keypoint for keypoint, joint in enumerate(COCO_IN_JOINTS) if joint < 17]
    np.testing.assert_allclose(seen.tracks.keypoints_px[:, where], CAMERA.project(seen.placed_m[:, body]), atol=0.01)
    assert (seen.tracks.keypoints_px >= 0).all()
    assert (seen.tracks.keypoints_px <= [CAMERA.width_px, CAMERA.height_px]).all()


def test_a_clip_looks_the_same_every_time_and_another_one_otherwise(mocap: Path) -> None:
    motion = load_motion(mocap)
    first, again, other = (simulate(motion, clip, noise=Noise.LIFELIKE, seed=3) for clip in (1, 1, 2))
    np.testing.assert_array_equal(first.tracks.keypoints_px, again.tracks.keypoints_px)
    assert np.abs(first.up - other.up).max() > 1e-3


def test_white_noise_is_the_evaluations(rng: np.random.Generator) -> None:
    off = (detected(standing(4000), Noise.WHITE, 50.0, rng).xy_px - standing(4000)) / 400
    assert off.std(axis=0).mean() == pytest.approx(EVALUATION_JITTER, rel=0.05)
    assert off.mean(axis=0).std() == pytest.approx(EVALUATION_BIAS, rel=0.3)


@pytest.mark.parametrize("rate_hz", [25.0, 50.0])
def test_lifelike_detections_err_in_every_way_at_any_rate(rate_hz: float, rng: np.random.Generator) -> None:
    frames = int(600 * rate_hz)
    found = detected(standing(frames), Noise.LIFELIKE, rate_hz, rng)
    lost = np.isnan(found.xy_px).any(axis=-1)
    assert 0.001 < lost.mean() < 0.02
    assert (found.scores[lost] == 0).all()
    off = np.linalg.norm(found.xy_px - standing(frames), axis=-1) / 400
    wrists_and_ankles = off[:, [9, 10, 15, 16]]
    assert 0.05 < (wrists_and_ankles > 0.06).mean() < 0.25
    assert np.nanmedian(off) < 0.03
    unsure = (found.scores < 0.5)[:, [9, 10, 15, 16]]
    assert (wrists_and_ankles[unsure] > 0.06).mean() > 2 * (wrists_and_ankles[~unsure] > 0.06).mean()
