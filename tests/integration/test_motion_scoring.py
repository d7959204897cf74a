"""What is said about motions is what they do: jitter, feet that slide, bones that breathe, roots that drift."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from benchmarks.ground_truth.motion_scoring import Motion, MotionScore, stands
from liftline.skeletons import H36M17
from tests.unit.lifter.refine.walking_figure import FEET, walk

RATE_HZ = 50.0
UP = np.array([0.0, -1.0, 0.0])


def motion(joints: NDArray[np.float64], roots: NDArray[np.float64]) -> Motion:
    return Motion(joints, joints + roots[:, None], (FEET[0], FEET[1]), RATE_HZ)


def scored(joints: NDArray[np.float64], roots: NDArray[np.float64]) -> MotionScore:
    true_joints, true_roots, standing, _ = walk(300, rate_hz=RATE_HZ)
    pair = motion(joints, roots), motion(true_joints, true_roots), standing
    return MotionScore.of([pair], H36M17.parents)


def test_the_truth_has_no_error() -> None:
    joints, roots, _, _ = walk(300, rate_hz=RATE_HZ)
    score = scored(joints, roots)
    assert score.acceleration_mm == score.mpjpe_mm == score.root_mm == 0
    assert score.p_mpjpe_mm == pytest.approx(0, abs=1e-6)
    assert score.skating_cm_s == pytest.approx(0, abs=1e-6)
    assert score.drift_mm == pytest.approx(0, abs=1e-6)
    assert score.bone_spread_mm < 1e-6


def test_feet_that_slide_are_measured_in_centimetres_per_second() -> None:
    joints, roots, _, times_s = walk(300, rate_hz=RATE_HZ)
    score = scored(joints, roots + np.array([0.0, 0, 0.2]) * times_s[:, None])
    assert score.skating_cm_s == pytest.approx(20, rel=1e-6)
    assert score.mpjpe_mm == score.acceleration_mm == 0
    assert score.drift_mm > 10
    assert score.root_mm > 100


def test_jitter_shows_in_the_acceleration_per_frame_and_per_second() -> None:
    joints, roots, _, _ = walk(300, rate_hz=RATE_HZ)
    shaken = joints + 0.001 * (-1.0) ** np.arange(300)[:, None, None] * np.array([1.0, 0, 0])
    score = scored(shaken, roots)
    assert score.acceleration_mm == pytest.approx(4, rel=1e-6)
    assert score.acceleration_m_s2 == pytest.approx(0.004 * RATE_HZ**2, rel=1e-6)


def test_bones_that_breathe_are_measured() -> None:
    joints, roots, _, _ = walk(300, rate_hz=RATE_HZ)
    breathing = joints * (1 + 0.1 * (-1.0) ** np.arange(300))[:, None, None]
    assert scored(breathing, roots).bone_spread_mm > 10


def test_a_foot_stands_when_it_is_slow_and_low() -> None:
    joints, roots, standing, _ = walk(300, rate_hz=RATE_HZ)
    feet = joints[:, FEET] + roots[:, None]
    found = stands(feet, UP, float((feet @ UP).min()), RATE_HZ)
    assert (found == standing).mean() > 0.9
    held_up = np.repeat(feet[:1], 300, axis=0) + np.array([0, -0.5, 0])
    assert not stands(held_up, UP, float((feet @ UP).min()), RATE_HZ).any()


def test_the_mean_leaves_out_what_nobody_knows() -> None:
    joints, roots, standing, _ = walk(300, rate_hz=RATE_HZ)
    one = motion(joints, roots)
    never = MotionScore.of([(one, one, np.zeros_like(standing))], H36M17.parents)
    assert np.isnan(never.skating_cm_s)
    mean = MotionScore.mean([never, scored(joints, roots)])
    assert mean.skating_cm_s == pytest.approx(0, abs=1e-6)
