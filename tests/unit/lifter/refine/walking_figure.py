"""Somebody who walks, in 3D: legs that truly stand and swing, seen by a level camera."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17

THIGH_M = SHIN_M = 0.45
HIP_HEIGHT_M = 0.8
STRIDE_M, STEP_S = 0.6, 0.6
LEFT_LEG = H36M17.indices("left_hip", "left_knee", "left_foot")
RIGHT_LEG = H36M17.indices("right_hip", "right_knee", "right_foot")
FEET = [LEFT_LEG[2], RIGHT_LEG[2]]

_UPPER_M = {
    "hip": (0, 0), "spine": (0, -0.25), "thorax": (0, -0.5), "neck": (0, -0.6), "head": (0, -0.72),
    "left_shoulder": (0.18, -0.5), "left_elbow": (0.2, -0.2), "left_wrist": (0.2, 0.05),
    "right_shoulder": (-0.18, -0.5), "right_elbow": (-0.2, -0.2), "right_wrist": (-0.2, 0.05),
    "left_hip": (0.1, 0), "right_hip": (-0.1, 0),
}  # fmt: skip


def walk(frames: int, *, rate_hz: float = 50.0, distance_m: float = 4.0) -> tuple[NDArray[np.float64], ...]:
    """(T,17,3) joints relative to the hip, (T,3) roots, (T,2) whether the left and right foot stand, (T,) times.

    Walks to the right; each foot stands while the other one swings.
    """
    times_s = np.arange(frames) / rate_hz
    joints = np.zeros((frames, len(H36M17), 3))
    for name, (across, down) in _UPPER_M.items():
        joints[:, H36M17.index[name], 2], joints[:, H36M17.index[name], 1] = across, down
    steps = times_s / STEP_S
    roots = np.stack([STRIDE_M * steps - 2.0, np.zeros(frames), np.full(frames, distance_m)], axis=1)
    standing = np.zeros((frames, 2), np.bool_)
    for foot, (hip, knee, ankle) in enumerate((LEFT_LEG, RIGHT_LEG)):
        phase = steps + foot
        swings = phase % 2 >= 1
        standing[:, foot] = ~swings
        eased = np.where(swings, 0.5 - 0.5 * np.cos(np.pi * (phase % 1)), 0.0)
        at_x = STRIDE_M * (2 * (phase // 2) + 2 * eased - foot + 0.5) - 2.0
        lifted = np.where(swings, 0.1 * np.sin(np.pi * (phase % 1)) ** 2, 0.0)
        joints[:, ankle] = np.stack(
            [at_x - roots[:, 0], HIP_HEIGHT_M - lifted, joints[:, hip, 2]], axis=1
        )  # fmt: skip
        joints[:, knee] = _knee(joints[:, hip], joints[:, ankle])
    return joints, roots, standing, times_s


def _knee(hip: NDArray[np.float64], ankle: NDArray[np.float64]) -> NDArray[np.float64]:
    """In front (x) of the line from hip to ankle."""
    along = ankle - hip
    length = np.linalg.norm(along, axis=1, keepdims=True)
    across = np.stack([along[:, 1], -along[:, 0], np.zeros(len(hip))], axis=1) / length
    return hip + along / 2 + across * np.sqrt(np.maximum(THIGH_M**2 - length**2 / 4, 0))
