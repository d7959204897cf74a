"""Feet as points on a shoe: heel, big toe and small toe, from a rig's heel and toe end.

A rig has one toe end in the middle of the foot. The big toe's tip lies inside of it; the small toe's base outside
and behind, in parts of the foot's length as adults' feet have them (Drillis and Contini, 1966: breadth .055 of
stature, length .152).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17

Floats = NDArray[np.float32]

BIG_TOE_INSIDE, SMALL_TOE_OUTSIDE, SMALL_TOE_BEHIND = 0.09, 0.22, 0.24
"""Of the distance from heel to toe end."""

_SIDES = (("left", 0, 1), ("right", 2, 3))
"""Side, then its toe's and heel's place in a file's `toes`."""


def with_feet(joints_m: Floats, toes_m: Floats | None) -> Floats:
    """Joints (N, J, 3), z up, and the file's `toes` (N, 4, 3) -> (N, J + 6, 3): heels, big toes and small toes too.

    Each left, then right; NaN where the file has none.
    """
    feet = np.full((len(joints_m), 6, 3), np.nan, np.float32)
    if toes_m is not None:
        for number, (side, toe, heel) in enumerate(_SIDES):
            ankle = joints_m[:, H36M17.index[f"{side}_foot"]]
            feet[:, number::2] = foot(ankle, toes_m[:, heel], toes_m[:, toe], outwards=1.0 if side == "left" else -1.0)
    return np.concatenate([joints_m, feet], axis=1)


def foot(ankle: Floats, heel: Floats, toe: Floats, *, outwards: float) -> Floats:
    """Three (N, 3) -> (N, 3, 3) heel, big toe and small toe; `outwards` is 1 for a left foot, -1 for a right one."""
    forward = toe - heel
    left = np.cross(ankle - heel, forward)
    left /= np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-6)
    side = left * np.linalg.norm(forward, axis=1, keepdims=True) * outwards
    small = toe - SMALL_TOE_BEHIND * forward + SMALL_TOE_OUTSIDE * side
    return np.asarray(np.stack([heel, toe - BIG_TOE_INSIDE * side, small], axis=1), np.float32)
