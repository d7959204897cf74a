"""Less jitter in poses, by choice.

`butterworth` (fourth order in effect, 6 Hz, forward and backward: Winter, "Biomechanics and Motor Control of Human
Movement") and `savgol` (Savitzky and Golay, 1964) see the whole track and have no lag. `one-euro` (Casiez, Roussel,
Vogel, CHI 2012) sees the past only, as a live system must, and lags a little in fast motion. The first two need even
times: uneven ones are brought to their median rate and back. All leave tracks too short for them as they are.
"""

from __future__ import annotations

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, savgol_filter, sosfiltfilt

from liftline.errors import UsageError
from liftline_lifter.resample import even_times_s, interpolate, is_even

Smoothing = Literal["none", "one-euro", "butterworth", "savgol"]
SMOOTHINGS: tuple[Smoothing, ...] = get_args(Smoothing)
DEFAULT: Smoothing = "butterworth"

BUTTERWORTH_CUTOFF_HZ = 6.0
SAVGOL_WINDOW_S = 0.3
SAVGOL_ORDER = 3
ONE_EURO_MIN_CUTOFF_HZ = 1.5
ONE_EURO_BETA = 4.0
"""Cutoff added per m/s of speed, Hz: hands at 2 m/s are filtered at about 10 Hz."""
ONE_EURO_SPEED_CUTOFF_HZ = 1.0

_SHORTEST = 4


def smooth(values: NDArray[np.floating], times_s: NDArray[np.float64], method: Smoothing) -> NDArray[np.float32]:
    """Smooth one track over time.

    Args:
        values: (T,...) metres.
        times_s: (T,) rising.
        method: one of `SMOOTHINGS`.

    Returns:
        (T,...) float32.

    Raises:
        UsageError: no such method.
    """
    if method not in SMOOTHINGS:
        raise UsageError(f"There is no smoothing '{method}'; choose one of {', '.join(SMOOTHINGS)}.")
    exact = np.asarray(values, np.float32)
    if method == "none" or len(values) < _SHORTEST:
        return exact
    flat = np.asarray(values, np.float64).reshape(len(values), -1)
    out = one_euro(flat, times_s) if method == "one-euro" else _at_even_rate(flat, times_s, method)
    return out.reshape(exact.shape).astype(np.float32)


def one_euro(values: NDArray[np.float64], times_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T,D) -> (T,D) with the One Euro filter, each value on its own."""
    out, speed = values.copy(), np.zeros(values.shape[1])
    for now in range(1, len(values)):
        passed = times_s[now] - times_s[now - 1]
        measured = (values[now] - values[now - 1]) / passed
        speed += _follow(ONE_EURO_SPEED_CUTOFF_HZ, passed) * (measured - speed)
        cutoff = ONE_EURO_MIN_CUTOFF_HZ + ONE_EURO_BETA * np.abs(speed)
        out[now] = out[now - 1] + _follow(cutoff, passed) * (values[now] - out[now - 1])
    return out


def butterworth(values: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """(T,D) at an even rate -> (T,D), low-passed forward and backward."""
    if rate_hz <= 2 * BUTTERWORTH_CUTOFF_HZ:
        return values
    sections = butter(2, BUTTERWORTH_CUTOFF_HZ, fs=rate_hz, output="sos")
    return np.asarray(sosfiltfilt(sections, values, axis=0, padlen=min(15, len(values) - 1)), np.float64)


def savitzky_golay(values: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """(T,D) at an even rate -> (T,D), a cubic fitted around each frame."""
    longest = len(values) if len(values) % 2 else len(values) - 1
    window = min(2 * round(SAVGOL_WINDOW_S * rate_hz / 2) + 1, longest)
    if window <= SAVGOL_ORDER:
        return values
    return np.asarray(savgol_filter(values, window, SAVGOL_ORDER, axis=0, mode="interp"), np.float64)


def _at_even_rate(values: NDArray[np.float64], times_s: NDArray[np.float64], method: Smoothing) -> NDArray[np.float64]:
    rate_hz = 1 / float(np.median(np.diff(times_s)))
    run = butterworth if method == "butterworth" else savitzky_golay
    if is_even(times_s, rate_hz):
        return run(values, rate_hz)
    even = even_times_s(times_s, rate_hz)
    return interpolate(run(interpolate(values, times_s, even), rate_hz), even, times_s)


def _follow(cutoff_hz: NDArray[np.float64] | float, passed_s: float) -> NDArray[np.float64]:
    """Share of the way an exponential low-pass goes towards a new value."""
    return np.asarray(1 / (1 + 1 / (2 * np.pi * np.asarray(cutoff_hz) * passed_s)), np.float64)
