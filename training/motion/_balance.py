"""Postures as often as they are worth: standing and walking fill most of the motion capture, users don't only walk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17

Floats = NDArray[np.floating]

SHARES = {
    "inverted": 0.03, "lying": 0.07, "bent": 0.09, "both knees": 0.14, "one leg": 0.13, "one knee": 0.07,
    "arms up": 0.10, "upright": 0.37,
}  # fmt: skip
"""How often frames of each posture should be drawn, as far as `_MOST_OFTEN` allows; the first that fits counts."""

_MOST_OFTEN = 8.0
_INVERTED, _LYING, _BENT = -0.3, 0.5, 0.8
"""Height of the trunk's direction (hip to thorax, length 1)."""
_DEEP_KNEE_RAD = np.radians(70)
_LIFTED_FOOT_M = 0.2
_AT = H36M17.index


def postures(joints_m: Floats) -> NDArray[np.intp]:
    """(N, J, 3) joints, z up, Human3.6M-17 first -> (N,) numbers of `SHARES`."""
    trunk = joints_m[:, _AT["thorax"]] - joints_m[:, _AT["hip"]]
    upright = trunk[:, 2] / np.maximum(np.linalg.norm(trunk, axis=1), 1e-6)
    knees = np.stack([_flexion(joints_m, side) for side in ("left", "right")])
    feet = joints_m[:, [_AT["left_foot"], _AT["right_foot"]], 2]
    hands = joints_m[:, [_AT["left_wrist"], _AT["right_wrist"]], 2]
    is_so = [
        upright < _INVERTED,
        upright < _LYING,
        upright < _BENT,
        knees.min(axis=0) > _DEEP_KNEE_RAD,
        np.abs(feet[:, 0] - feet[:, 1]) > _LIFTED_FOOT_M,
        knees.max(axis=0) > _DEEP_KNEE_RAD,
        hands.min(axis=1) > joints_m[:, _AT["neck"], 2],
        np.ones(len(joints_m), bool),
    ]
    return np.asarray(np.argmax(np.stack(is_so), axis=0), np.intp)


def posture_weights(joints_m: Floats) -> NDArray[np.float64]:
    """(N,) how much more or less often than others each frame should be drawn."""
    own = postures(joints_m)
    share = np.bincount(own, minlength=len(SHARES)) / len(own)
    weights = np.minimum(np.fromiter(SHARES.values(), float) / np.maximum(share, 1e-9), _MOST_OFTEN)
    return np.asarray(weights[own], np.float64)


def _flexion(joints_m: Floats, side: str) -> Floats:
    """(N,) angle between thigh and shin, radians."""
    hip, knee, foot = (joints_m[:, _AT[f"{side}_{part}"]] for part in ("hip", "knee", "foot"))
    thigh, shin = knee - hip, foot - knee
    cosine = (thigh * shin).sum(axis=1) / np.maximum(np.linalg.norm(thigh, axis=1) * np.linalg.norm(shin, axis=1), 1e-6)
    return np.asarray(np.arccos(np.clip(cosine, -1, 1)))
