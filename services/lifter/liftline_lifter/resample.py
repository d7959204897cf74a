"""Between a video's own frame times and the even rate a network was trained on.

Keypoints go to the network's rate by a shape-preserving cubic (PCHIP: Fritsch and Butland, 1984), which does not
overshoot where a limb stops; poses come back the same way. Times may be uneven (variable frame rate).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

_SAME_RATE = 1e-3


def even_times_s(times_s: NDArray[np.float64], rate_hz: float) -> NDArray[np.float64]:
    """(T,) rising times -> (N,) times at an even rate from the first on, the last not before the last of `times_s`."""
    duration = float(times_s[-1] - times_s[0])
    count = int(np.ceil(duration * rate_hz - _SAME_RATE)) + 1
    return np.asarray(times_s[0] + np.arange(max(count, 1)) / rate_hz, np.float64)


def is_even(times_s: NDArray[np.float64], rate_hz: float) -> bool:
    """Whether times are at this rate already, to a thousandth of a frame."""
    drift = (times_s - times_s[0]) * rate_hz - np.arange(len(times_s))
    return bool(np.abs(drift).max(initial=0.0) <= _SAME_RATE)


def resample(
    values: NDArray[np.floating], times_s: NDArray[np.float64], at_s: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(T,...) values at rising times (T,) -> (N,...) values at times (N,), held outside the first and last."""
    if len(times_s) == 1:
        return np.repeat(np.asarray(values, np.float64), len(at_s), axis=0)
    inside = np.clip(at_s, times_s[0], times_s[-1])
    return np.asarray(PchipInterpolator(times_s, values, axis=0)(inside), np.float64)
