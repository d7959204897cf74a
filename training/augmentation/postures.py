"""Postures that motion capture hardly has: people who stand straight, sit, kneel, lie, stand on their hands.

A posture is a set of joint angles, drawn around what its kind is like (`posture_kinds`) and within joints' limits. A
window holds one, or goes to another of the same kind, or from or to standing, and stays there.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.augmentation.posed_body import COLUMN, NAMES, SIDES, Posed, posed
from training.augmentation.posture_kinds import FROM_STANDING, KINDS, Draw, arms, standing

Floats = NDArray[np.float32]

_LIMITS_DEG = {
    "knee": (0, 150), "elbow": (0, 145), "el": (0, 182), "flex": (-35, 130), "abd": (-25, 75), "rot": (-45, 60),
}  # fmt: skip
_USUAL_DEG = {
    "trunk_flex": 5, "trunk_side": 4, "trunk_turn": 7, "neck_flex": 12, "neck_side": 6, "neck_turn": 18, "roll": 3,
}  # fmt: skip
"""Standard deviations, in every posture."""
_SWAY_DEG = 1.5
_HELD, _WITH_STANDING = 0.35, 0.6


def draw(count: int, frames: int, rng: np.random.Generator) -> Posed:
    """Random windows of random postures."""
    return posed(np.radians(np.stack([_window(frames, rng) for _ in range(count)])).astype(np.float32))


def _window(frames: int, rng: np.random.Generator) -> Floats:
    """(T, A) angles in degrees of one window: one or two postures, swaying, in one fluent movement."""
    kind = KINDS[int(rng.choice(len(KINDS), p=[share for share, _ in KINDS]))][1]
    first = second = _angles(kind, rng)
    if rng.random() >= _HELD:
        second = _angles(standing if kind in FROM_STANDING and rng.random() < _WITH_STANDING else kind, rng)
    if rng.random() < 0.5:
        first, second = second, first
    start, takes = rng.uniform(-0.3, 0.9) * frames, rng.uniform(0.2, 0.9) * frames
    along = np.clip((np.arange(frames) - start) / takes, 0, 1)
    ease = (along**2 * (3 - 2 * along))[:, None]
    moved = first * (1 - ease) + second * ease + _sway(frames, rng)
    for name, limits in _LIMITS_DEG.items():
        columns = [COLUMN[f"{side}_{name}"] for side, _ in SIDES]
        moved[:, columns] = np.clip(moved[:, columns], *limits)
    return np.asarray(moved, np.float32)


def _sway(frames: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """(T, A) degrees: nobody stands still."""
    cycles = np.arange(frames)[:, None] / 50 * rng.uniform(0.1, 0.8, len(NAMES)) + rng.random(len(NAMES))
    sway = np.sin(2 * np.pi * cycles) * np.abs(rng.normal(0, _SWAY_DEG, len(NAMES)))
    sway[:, [COLUMN[f"{side}_flat"] for side, _ in SIDES]] = 0
    return np.asarray(sway)


def _angles(kind: Draw, rng: np.random.Generator) -> NDArray[np.float64]:
    values = np.zeros(len(NAMES))
    for name, spread in _USUAL_DEG.items():
        values[COLUMN[name]] = rng.normal(0, spread)
    for name, value in (arms(rng) | kind(rng)).items():
        values[COLUMN[name]] += value
    return values
