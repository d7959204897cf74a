"""How a limb is turned about its own axis, which joint positions tell only while its knee or elbow is bent."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.turns import Floats, about, shortest_turn

Complex = NDArray[np.complex128]
_UNBENT_DEG, _BENT_DEG = 10.0, 30.0
"""Below the first the plane of a knee or elbow is noise, above the second it is taken at its word."""
_SETTLES_S = 0.05
"""A turn about the axis is smoothed over so long where the plane is plain."""
_HABIT = 0.01
"""What a straight limb's usual turn, the one that follows its parent, weighs beside a plain plane."""


def twisted(
    rest: Floats, hinge: Floats, parent: Floats, along: Floats, plane_normal: Floats, *, rate_hz: float
) -> Floats:
    """(T,3,3) axes of a limb whose `rest` (3,) points `along` (T,3) and whose `hinge` (3,) is the bend's axis.

    plane_normal (T,3): the cross product of unit directions of this bone and the next, its length the sine of the bend.
    While that is short the turn is carried over from frame to frame by the shortest way, and slowly goes back to that
    which follows the parent's axes (T,3,3).
    """
    usual = shortest_turn(parent @ rest, along) @ parent
    carried = _carried(usual[0], along)
    sine = np.linalg.norm(plane_normal, axis=-1)
    low, high = np.sin(np.radians([_UNBENT_DEG, _BENT_DEG]))
    trust = np.clip((sine - low) / (high - low), 0, 1)
    wanted = trust * _direction(carried, hinge, along, plane_normal) + _HABIT * _direction(
        carried, hinge, along, usual @ hinge
    )
    smooth = _smoothed(wanted, trust + _HABIT, (_SETTLES_S * rate_hz) ** 2)
    return about(along, np.angle(smooth)) @ carried


def _carried(first: Floats, along: Floats) -> Floats:
    """(T,3,3) the first frame's axes, taken along by the shortest turn from each frame to the next."""
    steps = shortest_turn(along[:-1], along[1:])
    out = np.empty((len(along), 3, 3))
    out[0] = first
    for t, step in enumerate(steps):
        out[t + 1] = step @ out[t]
    return out


def _direction(axes: Floats, hinge: Floats, along: Floats, normal: Floats) -> Complex:
    """(T,) complex of length 1: by which angle about `along` the hinge is turned until it is the normal."""
    start = axes @ hinge
    real, imaginary = (start * normal).sum(axis=-1), (np.cross(along, start) * normal).sum(axis=-1)
    value = real + 1j * imaginary
    return np.asarray(value / np.maximum(np.abs(value), 1e-12), np.complex128)


def _smoothed(wanted: Complex, weight: Floats, stiffness: float) -> Complex:
    """(T,) the x least in sum |weight x - wanted|^2 / weight + stiffness |x[t+1] - x[t]|^2 (Thomas' algorithm)."""
    count = len(wanted)
    diagonal = weight + stiffness * (2.0 - (np.arange(count) == 0) - (np.arange(count) == count - 1))
    ratio, value = np.zeros(count), np.array(wanted, complex)
    ratio[0], value[0] = -stiffness / diagonal[0], value[0] / diagonal[0]
    for t in range(1, count):
        pivot = diagonal[t] + stiffness * ratio[t - 1]
        ratio[t], value[t] = -stiffness / pivot, (value[t] + stiffness * value[t - 1]) / pivot
    for t in range(count - 2, -1, -1):
        value[t] -= ratio[t] * value[t + 1]
    return value
