"""Everyone's motion, and motion at the even pace that formats without times have."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from liftline.frames import frame_rate
from liftline.kinematics.person import USUAL_HZ, Person, people
from liftline.kinematics.rig import Motion
from liftline.kinematics.solving import solve
from liftline.poses import Poses
from liftline.scene import Scene

_EVEN = 0.1
"""Frames may be off by so much of a step, as a clock of milliseconds makes them, and still be even."""


def motions(poses: Poses, scene: Scene) -> Iterator[tuple[Person, Motion]]:
    """People who have a frame and their motion, the most prominent first."""
    return ((person, solve(person)) for person in people(poses, scene) if len(person))


def even_motion(motion: Motion, rate_hz: float | None = None) -> tuple[Motion, float]:
    """The motion at one rate, and that rate: the video's own unless another is asked for."""
    times_s = motion.times_s
    own_hz = frame_rate(times_s).hz if len(motion) > 1 else USUAL_HZ
    wanted_hz = rate_hz or own_hz
    steps = (times_s - times_s[0]) * wanted_hz
    if np.abs(steps - np.arange(len(motion))).max() < _EVEN:
        return motion, wanted_hz
    return motion.resampled(wanted_hz), wanted_hz
