"""Hands, which the motion capture lacks: knuckles that follow the forearm, turned about it and bent at the wrist."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.motion.data import JOINTS

Floats = NDArray[np.float32]

LENGTH_M = 0.085
"""Wrist to the index finger's knuckle, of an adult's hand (.108 of stature to the fingertip, half of it to there)."""

# Along the hand, and towards the thumb's side, in lengths; the palm lies between.
_KNUCKLES = np.array([[0.65, 0.55], [1.0, 0.30], [0.90, -0.40]], np.float32)
_HANGING = np.array([0.0, -0.5, -0.866], np.float32)
"""Down and a bit forward in the pelvis frame: no forearm points the other way, where the turn is undefined."""
_THUMB_FORWARD = np.array([0.0, -0.866, 0.5], np.float32)
_TWIST_RAD, _BEND_RAD = 0.9, 0.35
_COLUMNS = {
    side: [JOINTS.index(f"{side}_{part}") for part in ("thumb", "index", "pinky")] for side in ("left", "right")
}


def attach(bones: Floats, lengths_m: Floats, rng: np.random.Generator | None) -> None:
    """Fill in the hands of (B, T, 3, J) bones and their mean lengths (B, J), in place; as they hang without `rng`."""
    for sign, side in ((1.0, "left"), (-1.0, "right")):
        forearm = bones[..., JOINTS.index(f"{side}_wrist")]
        along = forearm / np.maximum(np.linalg.norm(forearm, axis=-1, keepdims=True), 1e-6)
        thumb = carried(along)
        across = np.cross(along, thumb)
        if rng is not None:
            along, thumb = _turned(along, thumb, across, sign, rng)
        flat = np.stack([along, thumb], axis=-1) * np.float32(LENGTH_M)
        bones[..., _COLUMNS[side]] = flat @ _KNUCKLES.T
        lengths_m[:, _COLUMNS[side]] = LENGTH_M * np.linalg.norm(_KNUCKLES, axis=1)


def carried(along: Floats) -> Floats:
    """(..., 3) the thumb's direction after the least turn that takes `_HANGING` to `along`."""
    cosine = along @ _HANGING
    lean = along @ _THUMB_FORWARD
    share = (lean / np.maximum(1 + cosine, 0.02))[..., None]
    thumb = np.asarray(_THUMB_FORWARD - share * (along + _HANGING), np.float32)
    return np.asarray(thumb / np.maximum(np.linalg.norm(thumb, axis=-1, keepdims=True), 1e-6), np.float32)


def _turned(
    along: Floats, thumb: Floats, across: Floats, sign: float, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Twist about the forearm, then bend at the wrist towards the palm and sideways; each drifts over the window."""
    frames = along.shape[1]
    ramp = np.linspace(-1, 1, frames, dtype=np.float32)

    def angles(spread: float) -> Floats:
        middle, change = rng.normal(0, spread, (2, len(along), 1)) * np.array([1.0, 0.4])[:, None, None]
        return np.asarray((middle + change * ramp)[..., None], np.float32)

    twist, bend, aside = angles(_TWIST_RAD) * sign, angles(_BEND_RAD), angles(_BEND_RAD / 2)
    thumb, across = _rotated(thumb, across, twist)
    along, _ = _rotated(along, across, bend)
    return _rotated(along, thumb, aside)


def _rotated(one: Floats, other: Floats, angle: Floats) -> tuple[Floats, Floats]:
    """Two perpendicular directions, turned by an angle from the one towards the other."""
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.asarray(cosine * one + sine * other, np.float32), np.asarray(cosine * other - sine * one, np.float32)
