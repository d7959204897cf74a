"""Simulated bodies are bodies: rigs of the training split, blends of them, and adults."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from training.motion.bones import BoneMotion, to_bones
from training.motion.data import JOINTS, MIRRORED, load_motion
from training.samples._proportions import STATURE_LIMITS_M, adults, scales

AT = {name: i for i, name in enumerate(JOINTS)}


def of(body: BoneMotion, count: int) -> np.ndarray:
    return np.repeat(body.mean_lengths_m[:1], count, axis=0)


def test_some_bodies_keep_their_proportions_and_others_get_new_ones(body: BoneMotion, rng: np.random.Generator) -> None:
    factors = scales(of(body, 2000), body.rigs_m, rng)[:, 1:17]
    kept = np.ptp(factors, axis=1) < 1e-5
    assert 0.25 < kept.mean() < 0.35


def test_left_and_right_bones_scale_alike(body: BoneMotion, rng: np.random.Generator) -> None:
    factors = scales(of(body, 50), body.rigs_m, rng)
    np.testing.assert_allclose(factors, factors[:, MIRRORED], rtol=1e-5)


def test_borrowed_bones_are_a_rigs_or_an_adults(body: BoneMotion, rng: np.random.Generator) -> None:
    giants = 3 * body.rigs_m
    lengths = of(body, 4000)
    thighs = (lengths * scales(lengths, giants, rng))[:, AT["left_knee"]]
    of_giants = thighs > 0.9
    assert 0.25 < of_giants.mean() < 0.45
    assert thighs[~of_giants].max() < 0.7


def test_hips_are_widened_to_human36ms(body: BoneMotion, rng: np.random.Generator) -> None:
    narrow = 0.5 * body.rigs_m
    lengths = of(body, 2000)
    hips = (lengths * scales(lengths, narrow, rng))[:, AT["left_hip"]]
    assert (hips < 0.07).any()
    assert (hips > 0.12).mean() > 0.1


def test_tall_adults_have_long_bones_everywhere(rng: np.random.Generator) -> None:
    lengths = adults(3000, rng)
    thigh, forearm = lengths[:, AT["left_knee"]], lengths[:, AT["right_wrist"]]
    np.testing.assert_allclose(thigh / forearm, 0.245 / 0.146, rtol=1e-5)
    shortest, longest = (0.245 * stature for stature in STATURE_LIMITS_M)
    assert shortest <= thigh.min() < 0.38 < 0.45 < thigh.max() <= longest + 1e-6


def test_who_was_captured_four_times_as_long_is_drawn_twice_as_often(mocap: Path, rng: np.random.Generator) -> None:
    body = to_bones(replace(load_motion(mocap), subjects=np.array(["a", "a", "a", "a", "b"])))
    clips, within = body.draw(20_000, rng).T
    assert (within < body.lengths[clips]).all()
    assert (clips == 4).mean() == pytest.approx(1 / 3, abs=0.02)
