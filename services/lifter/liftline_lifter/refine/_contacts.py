"""When feet stand: slow as the camera sees them, and low.

Speed is measured across the line of sight, where one camera is good at it: depth wobbles by more than a foot moves. A
foot that comes straight towards the camera is still told by its height and, roughly, its speed in space. What begins
as a contact ends at twice the speed (hysteresis), and contacts shorter than a tenth of a second are none.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import minimum_filter1d

from liftline_lifter.runs import runs

Floats = NDArray[np.float64]

ENTER_M_S, LEAVE_M_S = 0.2, 0.4
"""Speeds across the line of sight."""
LEAVE_IN_SPACE_M_S = 1.2
HIGHEST_M = 0.16
"""Of an ankle, above where the lower of both was within a second."""
SHORTEST_S = 0.1
_SPEED_S = 0.04
_FLOOR_S = 1.0


def find_contacts(feet_m: Floats, up: Floats, times_s: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(T,2,3) both feet in camera space, (3,) the vertical, (T,) times -> (T,2) whether each stands."""
    if len(times_s) < 3:
        return np.zeros(feet_m.shape[:2], np.bool_)
    step_s = float(np.median(np.diff(times_s)))
    sideways, in_space = _speeds(feet_m, times_s, max(1, round(_SPEED_S / step_s)))
    heights = feet_m @ up
    floor = minimum_filter1d(heights.min(axis=1), 2 * round(_FLOOR_S / step_s) + 1, mode="nearest")
    may = (sideways < LEAVE_M_S) & (in_space < LEAVE_IN_SPACE_M_S) & (heights - floor[:, None] < HIGHEST_M)
    out = np.zeros_like(may)
    for foot in (0, 1):
        for start, stop in runs(may[:, foot]):
            slow = (sideways[start:stop, foot] < ENTER_M_S).any()
            out[start:stop, foot] = slow and times_s[stop - 1] - times_s[start] >= SHORTEST_S
    return out


def _speeds(feet_m: Floats, times_s: NDArray[np.float64], reach: int) -> tuple[Floats, Floats]:
    """(T,2) speeds across the line of sight and in space, over `reach` frames before and after."""
    frames = np.arange(len(times_s))
    before, after = np.maximum(frames - reach, 0), np.minimum(frames + reach, len(times_s) - 1)
    passed_s = (times_s[after] - times_s[before])[:, None]
    rays = feet_m[..., :2] / np.maximum(feet_m[..., 2:], 0.1)
    across = np.linalg.norm(rays[after] - rays[before], axis=-1) * feet_m[..., 2]
    return across / passed_s, np.linalg.norm(feet_m[after] - feet_m[before], axis=-1) / passed_s
