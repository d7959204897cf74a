"""Motions that were never captured: turned and bent limbs, limbs of other people, keypoints where detectors put them.

Whatever keeps a bone straight is linear in the bones, so proportions, rotations and the detector's idea of where a
joint is become one matrix per window.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17
from training.motion.bones import (
    FOOT_PARTS,
    LEFT_ARM,
    LEFT_LEG,
    RIGHT_ARM,
    RIGHT_LEG,
    UPPER_BODY,
    BoneMotion,
    ancestors,
)
from training.motion.data import FILE_JOINT_COUNT, JOINTS, MIRRORED

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

_N = len(JOINTS)
_AT = {name: i for i, name in enumerate(JOINTS)}

_FACE = JOINTS[len(H36M17) : FILE_JOINT_COUNT]
_FOOT = {side: tuple(f"{side}_{part}" for part in FOOT_PARTS) for side in ("left", "right")}
_HAND = {side: tuple(f"{side}_{part}" for part in ("thumb", "index", "pinky")) for side in ("left", "right")}
_HANDS = (*_HAND["left"], *_HAND["right"])

# Group of bones that turn together -> bones, standard deviation in degrees.
_TURNS = (
    *(((f"{side}_knee", f"{side}_foot", *_FOOT[side]), 9.0) for side in ("right", "left")),
    *(((f"{side}_foot", *_FOOT[side]), 4.0) for side in ("right", "left")),
    *((_FOOT[side], 9.0) for side in ("right", "left")),
    (("right_hip", "left_hip"), 3.0), ((*(JOINTS[i] for i in UPPER_BODY), *_HANDS), 6.0),
    (("neck", "head", *_FACE), 9.0), (("head", *_FACE), 6.0),
    *(((f"{side}_shoulder",), 6.0) for side in ("left", "right")),
    *(((f"{side}_elbow", f"{side}_wrist", *_HAND[side]), 18.0) for side in ("left", "right")),
    *((_HAND[side], 20.0) for side in ("left", "right")),
)  # fmt: skip
_TURN_MORE = 0.15
_MIXED = ((UPPER_BODY, 0.3), (LEFT_ARM, 0.25), (RIGHT_ARM, 0.25), (LEFT_LEG, 0.1), (RIGHT_LEG, 0.1))
_HINGES_UPPER = [_AT[n] for n in ("right_knee", "left_knee", "left_elbow", "right_elbow")]
_HINGES_LOWER = [_AT[n] for n in ("right_foot", "left_foot", "left_wrist", "right_wrist")]
_HINGE_LIMITS_RAD = (0.03, 2.6)
_HINGE_ENDS = [[_AT[name] for name in _FOOT[side]] for side in ("right", "left")]
_STRAIGHTENED = 0.25
"""Of the windows. With 0.45, on top of made-up postures, knees and elbows came out 3 to 6 degrees too straight."""
_STRAIGHTER_RAD = 0.35
_HARDLY_BENT_RAD = 0.7
"""Rigs bend knees by 15 degrees or more where legs are straight, and hardly any arm of theirs is."""


def mix_limbs(
    bones: Floats, lengths_m: Floats, rows: Indices, clips: Indices, body: BoneMotion, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Give some windows the upper body, single arms or legs of others, in place; (B,) whose feet, if new, are known.

    Args:
        bones: (B, T, 3, J) of the windows.
        lengths_m: (B, J) mean lengths of these bones.
        rows: (B, T) frames of the windows; donors are other windows of the batch.
        clips: (B,) clips of the windows.
        body: where they come from.
        rng: decides.
    """
    count = len(rows)
    feet_known = np.ones(count, bool)
    for joints, share in _MIXED:
        takers = np.flatnonzero(rng.random(count) < share)
        donors = rng.integers(0, count, len(takers))
        source, chest = rows[donors], body.chest[rows[takers]]
        given = body.bones[source]
        if joints is not UPPER_BODY and rng.random() < 0.5:
            given = given[..., MIRRORED] * np.array([-1, 1, 1], np.float32)[:, None]
        if joints in (LEFT_ARM, RIGHT_ARM):  # an arm hangs on the chest: turn it from the donor's chest to the taker's
            given = chest @ (np.swapaxes(body.chest[source], -1, -2) @ given)
        columns = list(joints)
        bones[takers[:, None], :, :, columns] = np.moveaxis(given[..., columns], -1, 1)
        lengths_m[takers[:, None], columns] = body.mean_lengths_m[clips[donors]][:, columns]
        if joints in (LEFT_LEG, RIGHT_LEG):
            feet_known[takers] &= body.feet_known[source].all(axis=1)
    return feet_known


def bend_hinges(bones: Floats, rng: np.random.Generator) -> None:
    """Bend and stretch knees and elbows of (B, T, 3, J) bones within their limits, in place."""
    some = np.flatnonzero(rng.random(len(bones)) < 0.4)
    change = rng.normal(0, 0.35, (len(some), 1, 1, 4)).astype(np.float32)
    # A straight limb doesn't tell which way it bends, so it bends less.
    _change_hinges(bones, some, lambda angle: angle + change * np.minimum(angle / 0.3, 1))


def straighten_hinges(bones: Floats, rng: np.random.Generator) -> None:
    """Take the bend out of knees and elbows of (B, T, 3, J) bones that hardly have any, in place; of a few, half."""
    some = np.flatnonzero(rng.random(len(bones)) < _STRAIGHTENED)
    both = rng.uniform(0, _STRAIGHTER_RAD, (len(some), 1, 1, 2)).astype(np.float32)
    most = both.repeat(2, axis=-1) * (rng.random((len(some), 1, 1, 4)) < 0.8)
    share = np.where(rng.random((len(some), 1, 1, 4)) < 0.08, rng.uniform(0, 0.5, (len(some), 1, 1, 4)), 1)
    share = share.astype(np.float32)

    def straighter(angle: Floats) -> Floats:
        left = angle - most * np.exp(-np.square(angle / _HARDLY_BENT_RAD))
        # Smooth where the bend runs out: a knee that goes through straight doesn't stop dead.
        return np.asarray(share * (left + np.sqrt(left**2 + 0.005)) / 2, np.float32)

    _change_hinges(bones, some, straighter)


def _change_hinges(bones: Floats, some: Indices, wanted: Callable[[Floats], Floats]) -> None:
    """Give knees and elbows of windows `some` (S,) other angles (S, T, 1, 4), 0 for straight; feet go with the shin."""
    bones_some = bones[some]
    upper, lower = bones_some[..., _HINGES_UPPER], bones_some[..., _HINGES_LOWER]
    length = np.linalg.norm(lower, axis=2, keepdims=True) + 1e-6
    upper = upper / (np.linalg.norm(upper, axis=2, keepdims=True) + 1e-6)
    lower = lower / length
    cosine = np.clip((upper * lower).sum(axis=2, keepdims=True), -1, 1)
    side = lower - cosine * upper
    side = side / (np.linalg.norm(side, axis=2, keepdims=True) + 1e-6)
    angle = np.arccos(cosine)
    bent = np.clip(wanted(angle), *_HINGE_LIMITS_RAD)
    bent = np.where(angle < _HINGE_LIMITS_RAD[0], angle, bent)
    bones_some[..., _HINGES_LOWER] = length * (np.cos(bent) * upper + np.sin(bent) * side)
    across = np.sin(angle) * upper - np.cos(angle) * side
    for leg, ends in enumerate(_HINGE_ENDS):
        feet = bones_some[..., ends]
        # In the plane of the hinge, along the shin and across it; what is out of it stays.
        along = (feet * lower[..., leg, None]).sum(axis=2, keepdims=True)
        beside = (feet * across[..., leg, None]).sum(axis=2, keepdims=True)
        new_along = np.cos(bent) * upper + np.sin(bent) * side
        new_across = np.sin(bent) * upper - np.cos(bent) * side
        feet += along * (new_along - lower)[..., leg, None] + beside * (new_across - across)[..., leg, None]
        bones_some[..., ends] = feet
    bones[some] = bones_some


def turns(sitting: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """(B, J, 3, 3) rotations of bones in the pelvis frame; windows that are `sitting` (B,) get raised thighs."""
    count = len(sitting)
    rotations = np.broadcast_to(np.eye(3, dtype=np.float32), (count, _N, 3, 3)).copy()
    for names, degrees in _TURNS:
        spread = np.radians(degrees) * np.where(rng.random(count) < _TURN_MORE, 2.5, 1) * (rng.random(count) < 0.7)
        turn = rotation_matrices(rng.normal(0, 1, (count, 3)) * spread[:, None])
        joints = [_AT[name] for name in names]
        rotations[:, joints] = rotations[:, joints] @ turn[:, None]
    chairs = np.flatnonzero(sitting)
    for side in ("left", "right"):
        raised = np.zeros((len(chairs), 3))
        raised[:, 0] = -rng.uniform(0.8, 1.8, len(chairs))
        raised[:, 2] = rng.normal(0, 0.2, len(chairs))
        rotations[chairs, _AT[f"{side}_knee"]] = rotation_matrices(raised)
        lowered = rng.normal(0, 0.25, (len(chairs), 3))
        shin = [_AT[name] for name in (f"{side}_foot", *_FOOT[side])]
        rotations[chairs[:, None], shin] = rotation_matrices(lowered)[:, None]
    return rotations


def body_map(factors: Floats, rotations: Floats, weights: Floats) -> Floats:
    """Bones -> points as one matrix per window.

    Args:
        factors: (B, J) of the bones' lengths.
        rotations: (B, J, 3, 3) of the bones in the pelvis frame.
        weights: (B, J, K) of joints in points.

    Returns:
        (B, 3 * J, 3 * K): (T, 3 * J) bones (coordinate, then bone) times it are (T, 3 * K) points, in the same order.
    """
    share = (ancestors() @ weights) * factors[..., None]
    turned = np.ascontiguousarray(rotations.transpose(0, 3, 1, 2))
    matrix = turned[..., None] * share[:, None, :, None, :]
    return matrix.reshape(len(factors), 3 * _N, -1)


def rotation_matrices(vectors: NDArray[np.floating]) -> Floats:
    """(B, 3) rotation vectors -> (B, 3, 3), Rodrigues' formula."""
    angle = np.linalg.norm(vectors, axis=1)[:, None, None]
    x, y, z = (vectors / np.maximum(angle[:, 0], 1e-9)).T
    zero = np.zeros_like(x)
    cross = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], axis=1).reshape(-1, 3, 3)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross), np.float32)
