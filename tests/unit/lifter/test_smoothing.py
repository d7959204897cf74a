"""Smoothing removes jitter, keeps what is slow, keeps shapes and the ends, and adds no lag where it promises none."""

from __future__ import annotations

from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftline.errors import UsageError
from liftline.settings.job import JobSettings, Smoothing
from liftline_lifter.lifting.lift import LiftSettings
from liftline_lifter.lifting.smoothing import smooth

SMOOTHINGS = get_args(Smoothing)
ACTIVE = tuple(method for method in SMOOTHINGS if method != "none")
ZERO_LAG = tuple(method for method in ACTIVE if method != "one-euro")


def test_the_default_has_no_lag() -> None:
    assert JobSettings().smooth in ZERO_LAG


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 60),
    rate=st.sampled_from([5.0, 12.0, 24.0, 29.97, 50.0, 240.0]),
    method=st.sampled_from(SMOOTHINGS),
    place=st.floats(-5, 5),
)
def test_someone_standing_still_stays_where_they_are(frames: int, rate: float, method: Smoothing, place: float) -> None:
    values = np.full((frames, 17, 3), place, np.float32)
    out = smooth(values, np.arange(frames) / rate, method)
    assert out.shape == values.shape
    assert out.dtype == np.float32
    np.testing.assert_allclose(out, values, atol=1e-5)


@pytest.mark.parametrize("method", ACTIVE)
@pytest.mark.parametrize("rate", [24.0, 30.0, 60.0])
def test_jitter_is_reduced(method: Smoothing, rate: float) -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (300, 17, 3))
    out = smooth(noise, np.arange(300) / rate, method)
    assert out.std() < 0.8 * noise.std()


@pytest.mark.parametrize("method", ZERO_LAG)
def test_slow_movement_passes_without_lag(method: Smoothing) -> None:
    times = np.arange(200) / 30
    moving = np.sin(2 * np.pi * 1.0 * times)[:, None]
    np.testing.assert_allclose(smooth(moving, times, method), moving, atol=0.02)


def test_one_euro_lags_less_in_fast_movement_than_it_smooths_a_still_person() -> None:
    times = np.arange(90) / 30
    walking = 3.0 * times[:, None]
    out = smooth(walking, times, "one-euro")
    assert np.abs(out - walking)[30:].max() < 3.0 * 1.5 / 30


@pytest.mark.parametrize("method", ZERO_LAG)
def test_uneven_times_are_respected(method: Smoothing) -> None:
    rng = np.random.default_rng(1)
    times = np.cumsum(rng.uniform(0.02, 0.05, 250))
    moving = np.sin(2 * np.pi * 0.8 * times)[:, None]
    np.testing.assert_allclose(smooth(moving, times, method), moving, atol=0.04)


@pytest.mark.parametrize("method", ZERO_LAG)
def test_the_result_is_the_same_backwards(method: Smoothing) -> None:
    times = np.arange(120) / 30
    values = np.cumsum(np.random.default_rng(2).normal(0, 0.01, (120, 5)), axis=0)
    there = smooth(values, times, method)
    back = smooth(values[::-1], times, method)[::-1]
    np.testing.assert_allclose(there[20:-20], back[20:-20], atol=1e-4)


@pytest.mark.parametrize("method", SMOOTHINGS)
@pytest.mark.parametrize("frames", range(1, 8))
def test_short_tracks_come_back_whole(method: Smoothing, frames: int) -> None:
    values = np.random.default_rng(frames).normal(size=(frames, 17, 3))
    out = smooth(values, np.arange(frames) / 30, method)
    assert out.shape == values.shape
    assert np.isfinite(out).all()


def test_none_changes_nothing() -> None:
    values = np.random.default_rng(0).normal(size=(30, 17, 3)).astype(np.float32)
    np.testing.assert_array_equal(smooth(values, np.arange(30) / 30, "none"), values)


def test_an_unknown_method_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="smooth: there is no 'kalman'"):
        LiftSettings(smooth="kalman")  # type: ignore[arg-type]
