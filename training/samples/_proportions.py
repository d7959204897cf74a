"""Lengths of bones that simulated bodies are given: those of captured rigs, blends of them, and adults' by the tables.

A depth is guessed from how much a bone is foreshortened, so the network has to know how long bones are likely to be.
Lengths drawn one by one teach it nothing about that; these keep what belongs together together. Rigs come from the
training split, adults' limbs from Drillis and Contini, "Body Segment Parameters" (1966), as in Winter, "Biomechanics
and Motor Control of Human Movement": parts of stature. Ranges of the trunk, shoulders and hips were chosen by hand
between those tables and Human3.6M's joints, by somebody who had seen HDM05's lengths before.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17
from training.motion.data import CAPTURED, FILE_JOINT_COUNT, JOINTS, MIRRORED

Floats = NDArray[np.float32]

STATURE_M, STATURE_SPREAD_M, STATURE_LIMITS_M = 1.70, 0.10, (1.45, 2.00)

_KEPT = 0.3
_RIG_BLEND_ADULT = (0.3, 0.2, 0.5)
_BONE_SPREAD = 0.03
_SIZE_SPREAD = 0.05
_WIDENED = 0.5

# Bone (named by its lower end, one side) -> shortest, longest length over stature.
_OVER_STATURE = {
    "knee": (0.245, 0.245), "foot": (0.246, 0.246), "elbow": (0.186, 0.186), "wrist": (0.146, 0.146),
    # Joints in the trunk: the tables give the hip's and the shoulder's height (0.530, 0.818), Human3.6M the parts.
    "spine": (0.133, 0.143), "thorax": (0.143, 0.157), "neck": (0.058, 0.074), "head": (0.064, 0.070),
    # From Human3.6M's shoulder joints, well inside, to the tables' half breadth; hips as Human3.6M's, 12 to 15 cm.
    "shoulder": (0.085, 0.129), "hip": (0.060, 0.085),
}  # fmt: skip
_FACE = slice(len(H36M17), FILE_JOINT_COUNT)
_FEET, _HANDS = slice(FILE_JOINT_COUNT, CAPTURED), slice(CAPTURED, None)
_SHIN, _FOREARM = JOINTS.index("left_foot"), JOINTS.index("left_wrist")
_HIPS = [JOINTS.index("left_hip"), JOINTS.index("right_hip")]
_ALL = [[i for i, joint in enumerate(JOINTS) if joint.removeprefix("left_").removeprefix("right_") == bone]
        for bone in _OVER_STATURE]  # fmt: skip
_SHORTEST_M = 0.02


def scales(lengths_m: Floats, rigs_m: Floats, rng: np.random.Generator) -> Floats:
    """(B, J) factors that give bones of mean lengths (B, J) another body's, the same left and right.

    Args:
        lengths_m: of the windows' bodies.
        rigs_m: (S, J) of the subjects whose bones may be borrowed.
        rng: decides.
    """
    count = len(lengths_m)
    own = _even(lengths_m)
    one, other = (_even(rigs_m)[rng.integers(0, len(rigs_m), count)] for _ in range(2))
    share = rng.random((count, 1), np.float32)
    bodies = np.stack([one, share * one + (1 - share) * other, adults(count, rng)])
    wanted = bodies[rng.choice(len(bodies), count, p=_RIG_BLEND_ADULT), np.arange(count)]
    wide = np.flatnonzero(rng.random(count) < _WIDENED)
    wanted[wide[:, None], _HIPS] = STATURE_M * rng.uniform(*_OVER_STATURE["hip"], (len(wide), 1))
    wanted *= _even(np.exp(rng.normal(0, _BONE_SPREAD, wanted.shape)))
    factors = np.where(rng.random((count, 1)) < _KEPT, 1, wanted / np.maximum(own, _SHORTEST_M))
    factors[:, _FACE] = rng.uniform(0.85, 1.2, (count, 1))
    factors[:, _FEET] = factors[:, [_SHIN]] * rng.uniform(0.9, 1.12, (count, 1))
    factors[:, _HANDS] = factors[:, [_FOREARM]] * rng.uniform(0.85, 1.15, (count, 1))
    size = np.clip(rng.normal(0, _SIZE_SPREAD, (count, 1)), -0.12, 0.12)
    return np.asarray(factors * (1 + size), np.float32)


def adults(count: int, rng: np.random.Generator) -> Floats:
    """(B, J) metres, 0 for the root and the face: bones of adults of random stature."""
    stature = np.clip(rng.normal(STATURE_M, STATURE_SPREAD_M, (count, 1)), *STATURE_LIMITS_M)
    lengths = np.zeros((count, len(JOINTS)))
    for joints, limits in zip(_ALL, _OVER_STATURE.values(), strict=True):
        lengths[:, joints] = rng.uniform(*limits, (count, 1)) * stature
    return lengths.astype(np.float32)


def _even(lengths: NDArray[np.floating]) -> Floats:
    """(B, J) means of left and right."""
    return np.asarray((lengths + lengths[:, MIRRORED]) / 2, np.float32)
