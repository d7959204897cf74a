"""Frame rates told from frame times, on clocks as coarse as a millisecond."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from liftline.frames import frame_rate

RATES = {
    "23.976": Fraction(24000, 1001), "24": Fraction(24), "25": Fraction(25), "29.97": Fraction(30000, 1001),
    "30": Fraction(30), "50": Fraction(50), "59.94": Fraction(60000, 1001), "60": Fraction(60),
    "120": Fraction(120), "240": Fraction(240),
}  # fmt: skip


@pytest.mark.parametrize("start_ms", [0.0, 0.3, 0.77])
@pytest.mark.parametrize("floor", [False, True], ids=["rounded", "cut"])
@pytest.mark.parametrize("rate", RATES.values(), ids=RATES)
def test_usual_rates_on_a_clock_of_milliseconds_come_out_as_they_are(
    rate: Fraction, floor: bool, start_ms: float
) -> None:
    exact_ms = np.arange(round(2 * rate)) * float(1000 / rate) + start_ms
    ms = np.floor(exact_ms) if floor else np.round(exact_ms)
    found = frame_rate(ms / 1000)
    assert (found.hz, found.varies) == (pytest.approx(float(rate), rel=1e-12), False)


@pytest.mark.parametrize("rate", [Fraction(29), Fraction(33), Fraction(1439, 50)])
def test_an_unusual_rate_is_not_bent_to_a_usual_one(rate: Fraction) -> None:
    ms = np.round(np.arange(300) * float(1000 / rate))
    assert frame_rate(ms / 1000).hz == pytest.approx(float(rate), rel=2e-4)
    assert frame_rate(np.arange(300) / float(rate)).hz == pytest.approx(float(rate), rel=1e-9)


def test_a_pause_is_no_frame() -> None:
    ms = np.round(np.arange(60) * 1000 / 30)
    ms[30:] += 2000
    assert frame_rate(ms / 1000) == frame_rate(np.round(np.arange(60) * 1000 / 30) / 1000)
    assert frame_rate(ms / 1000).hz == 30


def test_a_rate_that_varies_is_told() -> None:
    rng = np.random.default_rng(1)
    phone = np.cumsum(rng.uniform(0.030, 0.042, 300))
    assert frame_rate(phone).varies
    screen = np.delete(np.arange(300), rng.choice(300, 60, replace=False)) / 30
    assert frame_rate(screen).varies
    assert frame_rate(screen).hz == pytest.approx(30)


def test_two_frames_tell_a_rate() -> None:
    assert frame_rate(np.array([0.0, 0.04])).hz == pytest.approx(25)
