"""Keypoints go to the network's rate and poses come back at the video's own times."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liftline_lifter.resampling import even_times_s, interpolate, is_even


@settings(max_examples=50, deadline=None)
@given(
    rate=st.sampled_from([12.0, 23.976, 24.0, 25.0, 29.97, 30.0, 50.0, 59.94, 120.0]),
    frames=st.integers(1, 120),
    start=st.floats(0, 50),
)
def test_slow_movement_survives_the_way_there_and_back(rate: float, frames: int, start: float) -> None:
    times = start + np.arange(frames) / rate
    values = np.sin(2 * np.pi * 0.7 * times)[:, None] * np.array([1.0, -2.0])
    even = even_times_s(times, 50.0)
    back = interpolate(interpolate(values, times, even), even, times)
    assert back.shape == values.shape
    np.testing.assert_allclose(back, values, atol=0.05)


@settings(max_examples=50, deadline=None)
@given(
    steps=st.lists(st.floats(0.001, 0.5), max_size=40),
    rate=st.sampled_from([25.0, 50.0, 100.0]),
)
def test_even_times_cover_the_track(steps: list[float], rate: float) -> None:
    times = np.cumsum([1.0, *steps])
    even = even_times_s(times, rate)
    assert even[0] == times[0]
    assert even[-1] == times[-1]
    assert abs((len(even) - 1) - (times[-1] - times[0]) * rate) <= 1


def test_uneven_times_are_interpolated_in_time() -> None:
    times = np.array([0.0, 0.03, 0.04, 0.1, 0.17, 0.2])
    asked = np.linspace(0, 0.2, 11)
    np.testing.assert_allclose(interpolate(times[:, None] * 5, times, asked)[:, 0], asked * 5, atol=1e-9)


def test_nothing_is_extrapolated() -> None:
    times = np.array([0.0, 1.0, 2.0])
    out = interpolate(np.array([[0.0], [1.0], [2.0]]), times, np.array([-1.0, 3.0]))
    np.testing.assert_allclose(out[:, 0], [0, 2])


def test_one_frame_is_repeated() -> None:
    assert even_times_s(np.array([3.0]), 50).tolist() == [3.0]
    assert interpolate(np.array([[7.0]]), np.array([3.0]), np.array([3.0, 3.02])).tolist() == [[7.0], [7.0]]


@pytest.mark.parametrize(("rate", "even"), [(50.0, True), (49.5, False), (25.0, False)])
def test_a_track_at_the_networks_rate_is_recognised(rate: float, even: bool) -> None:
    assert is_even(np.arange(200) / rate, 50.0) is even


@settings(max_examples=50, deadline=None)
@given(
    ticks=st.lists(st.integers(0, 90_000), min_size=1, max_size=20, unique=True).map(sorted),
    at=st.lists(st.floats(-10, 110), min_size=1, max_size=20),
)
def test_interpolation_agrees_with_numpy_for_each_value(ticks: list[int], at: list[float]) -> None:
    known, asked = np.array(ticks) / 900, np.array(at)
    values = np.stack([np.sin(known), np.cos(known)], axis=1)
    expected = np.stack([np.interp(asked, known, values[:, k]) for k in range(2)], axis=1)
    np.testing.assert_allclose(interpolate(values, known, asked), expected, atol=1e-9)
