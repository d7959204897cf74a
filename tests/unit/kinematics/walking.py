"""Somebody who walks in a circle, bending knees, elbows and trunk."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.unit.kinematics.bodies import ARM, LEG, about, limb, standing, turned


def walking(frames: int = 60, joints: int = 29, *, rate_hz: float = 30.0) -> NDArray[np.float64]:
    """(T,J,3) metres, y up: a step a second, a circle in four."""
    out = []
    for t in np.arange(frames) / rate_hz:
        pose, phase = standing(), 2 * np.pi * t / 2
        for side, sign in (("right", 1), ("left", -1)):
            swing = sign * np.sin(phase)
            turned(pose, f"{side}_elbow", limb(side, ARM)[1:], "z", 50 + 20 * swing)
            turned(pose, f"{side}_shoulder", limb(side, ARM), "z", -25 * swing)
            turned(pose, f"{side}_foot", limb(side, LEG)[2:], "z", 12 * swing)
            turned(pose, f"{side}_knee", limb(side, LEG)[1:], "z", -30 + 28 * swing)
            turned(pose, f"{side}_hip", limb(side, LEG), "z", 25 * swing)
        out.append(
            (pose - [0, 0.95, 0]) @ about("y", 90 * t).T + [np.sin(t), 0.95 + 0.02 * np.sin(2 * phase), np.cos(t)]
        )
    return np.stack(out)[:, :joints]
