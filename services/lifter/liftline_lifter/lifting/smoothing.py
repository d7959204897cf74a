"""Less jitter in poses, by choice.

`butterworth` (fourth order in effect, forward and backward: Winter, "Biomechanics and Motor Control of Human Movement",
who takes 6 Hz for optical motion capture; a network's errors are larger and slower, so what moves slowly is filtered at
4 Hz and only what moves fast at more) and `savgol` (Savitzky and Golay, 1964) see the whole track and have no lag.
`one-euro` (Casiez, Roussel, Vogel, CHI 2012) sees the past only, as a live system must, and lags a little in fast
motion. The first two need even times: uneven ones are brought to their median rate and back. All leave tracks too short
for them as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, savgol_filter, sosfiltfilt

from liftline.frames import frame_rate
from liftline.settings.job import Smoothing
from liftline_lifter.resampling import even_times_s, interpolate, is_even

SLOW_CUTOFF_HZ, FAST_CUTOFF_HZ = 4.0, 8.0
SLOW_M_S, FAST_M_S = 1.0, 3.0
"""The cutoff goes from one to the other with the speed of each joint. Chosen on the training split with simulated
detections: least error in each range of speeds (docs/accuracy.md)."""
SAVGOL_WINDOW_S = 0.3
SAVGOL_ORDER = 3
ONE_EURO_MIN_CUTOFF_HZ = 1.5
ONE_EURO_BETA = 4.0
"""Cutoff added per m/s of speed, Hz: hands at 2 m/s are filtered at about 10 Hz."""
ONE_EURO_SPEED_CUTOFF_HZ = 1.0

_SHORTEST = 4

Filter = Callable[[NDArray[np.float64], float], NDArray[np.float64]]
"""(T,...,D) points at an even rate, and that rate, Hz -> the same, smoother."""


def smooth(values: NDArray[np.floating], times_s: NDArray[np.float64], method: Smoothing) -> NDArray[np.float32]:
    """Smooth one track over time.

    Args:
        values: (T,...,D) points, metres.
        times_s: (T,) rising.
        method: as a job chooses it.

    Returns:
        (T,...,D) float32.
    """
    exact = np.asarray(values, np.float32)
    if method == "none" or len(values) < _SHORTEST:
        return exact
    points = np.asarray(values, np.float64)
    out = one_euro(points, times_s) if method == "one-euro" else _at_even_rate(points, times_s, _FILTERS[method])
    return out.astype(np.float32)


def one_euro(values: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,...) -> (T,...) with the One Euro filter, each value on its own."""
    out, speed = values.copy(), np.zeros(values.shape[1:])
    for now in range(1, len(values)):
        passed = times_s[now] - times_s[now - 1]
        measured = (values[now] - values[now - 1]) / passed
        speed += _follow(ONE_EURO_SPEED_CUTOFF_HZ, passed) * (measured - speed)
        cutoff = ONE_EURO_MIN_CUTOFF_HZ + ONE_EURO_BETA * np.abs(speed)
        out[now] = out[now - 1] + _follow(cutoff, passed) * (values[now] - out[now - 1])
    return out


def butterworth(values: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """(T,...,D) points at an even rate -> the same, low-passed forward and backward by how fast each of them moves."""
    slow = low_pass(values, SLOW_CUTOFF_HZ, rate_hz)
    speed = np.linalg.norm(np.gradient(slow, 1 / rate_hz, axis=0), axis=-1, keepdims=True)
    share = low_pass(np.clip((speed - SLOW_M_S) / (FAST_M_S - SLOW_M_S), 0, 1), SLOW_CUTOFF_HZ, rate_hz)
    if not share.any():
        return slow
    return slow + np.clip(share, 0, 1) * (low_pass(values, FAST_CUTOFF_HZ, rate_hz) - slow)


def low_pass(values: NDArray[np.float64], cutoff_hz: float, rate_hz: float) -> NDArray[np.float64]:
    """(T,...) without what is faster than the cutoff; as they are at a rate that can't show it."""
    if rate_hz <= 2 * cutoff_hz:
        return values
    sections = butter(2, cutoff_hz, fs=rate_hz, output="sos")
    return np.asarray(sosfiltfilt(sections, values, axis=0, padlen=min(15, len(values) - 1)), np.float64)


def savitzky_golay(values: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """(T,...) at an even rate -> (T,...), a cubic fitted around each frame."""
    longest = len(values) if len(values) % 2 else len(values) - 1
    window = min(2 * round(SAVGOL_WINDOW_S * rate_hz / 2) + 1, longest)
    if window <= SAVGOL_ORDER:
        return values
    return np.asarray(savgol_filter(values, window, SAVGOL_ORDER, axis=0, mode="interp"), np.float64)


_FILTERS: Mapping[Smoothing, Filter] = MappingProxyType({"butterworth": butterworth, "savgol": savitzky_golay})


def _at_even_rate(values: NDArray[np.float64], times_s: NDArray[np.float64], run: Filter) -> NDArray[np.float64]:
    rate_hz = frame_rate(times_s).hz
    if is_even(times_s, rate_hz):
        return run(values, rate_hz)
    even = even_times_s(times_s, rate_hz)
    return interpolate(run(interpolate(values, times_s, even), rate_hz), even, times_s)


def _follow(cutoff_hz: NDArray[np.float64] | float, passed_s: float) -> NDArray[np.float64]:
    """Share of the way an exponential low-pass goes towards a new value."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff_hz) * passed_s)), np.float64)
