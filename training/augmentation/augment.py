"""Motions that were never captured: turned and bent limbs, limbs of other people, keypoints where detectors put them.

Whatever keeps a bone straight is linear in the bones, so proportions, rotations and the detector's idea of where a
joint is become one matrix per window.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17, H36M17
from training.motion.bones import LEFT_ARM, LEFT_LEG, RIGHT_ARM, RIGHT_LEG, UPPER_BODY, BoneMotion, ancestors
from training.motion.data import COCO_IN_JOINTS, JOINTS, MIRRORED

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

_N = len(JOINTS)
_AT = {name: i for i, name in enumerate(JOINTS)}

# Group of bones that turn together -> bones, standard deviation in degrees.
_TURNS = (
    (("right_knee", "right_foot"), 9.0), (("left_knee", "left_foot"), 9.0),
    (("right_foot",), 4.0), (("left_foot",), 4.0),
    (("right_hip", "left_hip"), 3.0), (tuple(JOINTS[i] for i in UPPER_BODY), 6.0),
    (("neck", "head", *JOINTS[len(H36M17) :]), 9.0), (("head", *JOINTS[len(H36M17) :]), 6.0),
    (("left_shoulder",), 6.0), (("right_shoulder",), 6.0),
    (("left_elbow", "left_wrist"), 18.0), (("right_elbow", "right_wrist"), 18.0),
)  # fmt: skip
_TURN_MORE = 0.15
_MIXED = ((UPPER_BODY, 0.3), (LEFT_ARM, 0.25), (RIGHT_ARM, 0.25), (LEFT_LEG, 0.1), (RIGHT_LEG, 0.1))
_HINGES_UPPER = [_AT[n] for n in ("right_knee", "left_knee", "left_elbow", "right_elbow")]
_HINGES_LOWER = [_AT[n] for n in ("right_foot", "left_foot", "left_wrist", "right_wrist")]
_HINGE_LIMITS_RAD = (0.03, 2.6)


def mix_limbs(
    bones: Floats, lengths_m: Floats, rows: Indices, clips: Indices, body: BoneMotion, rng: np.random.Generator
) -> None:
    """Give some windows the upper body, single arms or legs of others, in place.

    Args:
        bones: (B, T, 3, 22) of the windows.
        lengths_m: (B, 22) mean lengths of these bones.
        rows: (B, T) frames of the windows; donors are other windows of the batch.
        clips: (B,) clips of the windows.
        body: where they come from.
        rng: decides.
    """
    count = len(rows)
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


def bend_hinges(bones: Floats, rng: np.random.Generator) -> None:
    """Bend and stretch knees and elbows of (B, T, 3, 22) bones within their limits, in place."""
    some = np.flatnonzero(rng.random(len(bones)) < 0.4)
    bones_some = bones[some]
    upper, lower = bones_some[..., _HINGES_UPPER], bones_some[..., _HINGES_LOWER]
    length = np.linalg.norm(lower, axis=2, keepdims=True) + 1e-6
    upper = upper / (np.linalg.norm(upper, axis=2, keepdims=True) + 1e-6)
    lower = lower / length
    cosine = np.clip((upper * lower).sum(axis=2, keepdims=True), -1, 1)
    side = lower - cosine * upper
    side = side / (np.linalg.norm(side, axis=2, keepdims=True) + 1e-6)
    angle = np.arccos(cosine)
    change = rng.normal(0, 0.35, (len(some), 1, 1, 4)).astype(np.float32)
    # A straight limb doesn't tell which way it bends, so it bends less.
    bent = np.clip(angle + change * np.minimum(angle / 0.3, 1), *_HINGE_LIMITS_RAD)
    bent = np.where(angle < _HINGE_LIMITS_RAD[0], angle, bent)
    bones_some[..., _HINGES_LOWER] = length * (np.cos(bent) * upper + np.sin(bent) * side)
    bones[some] = bones_some


def turns(sitting: NDArray[np.bool_], rng: np.random.Generator) -> Floats:
    """(B, 22, 3, 3) rotations of bones in the pelvis frame; windows that are `sitting` (B,) get raised thighs."""
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
        rotations[chairs, _AT[f"{side}_foot"]] = rotation_matrices(lowered)
    return rotations


def keypoint_weights(count: int, rng: np.random.Generator | None) -> Floats:
    """(B, 22, 17) weights of the joints in each COCO keypoint: detectors put hips, shoulders and faces elsewhere.

    Without a generator, keypoints sit on the joints.
    """
    weights = np.zeros((count, _N, len(COCO17)), np.float32)
    weights[:, COCO_IN_JOINTS, np.arange(len(COCO17))] = 1
    if rng is None:
        return weights

    def shift(keypoint: int, towards: str, origin: str, share: NDArray[np.floating]) -> None:
        weights[:, _AT[towards], keypoint] += share
        weights[:, _AT[origin], keypoint] -= share

    def normal(spread: float) -> NDArray[np.floating]:
        return rng.normal(0, spread, count)

    wide, high, out, up = normal(0.12), normal(0.07), normal(0.06), normal(0.05)
    for near, far, hip, shoulder in (("left", "right", 11, 5), ("right", "left", 12, 6)):
        shift(hip, f"{near}_hip", f"{far}_hip", wide)
        shift(hip, "spine", "hip", high)
        shift(shoulder, f"{near}_shoulder", f"{far}_shoulder", out)
        shift(shoulder, "thorax", "spine", up)
        for keypoint, end, start in ((shoulder + 2, "elbow", "shoulder"), (shoulder + 4, "wrist", "elbow")):
            shift(keypoint, f"{near}_{end}", f"{near}_{start}", normal(0.03))
        for keypoint, end, start in ((hip + 2, "knee", "hip"), (hip + 4, "foot", "knee")):
            shift(keypoint, f"{near}_{end}", f"{near}_{start}", normal(0.03))
    lift, stretch = normal(0.12), normal(0.08)
    for keypoint in range(5):
        shift(keypoint, "head", "neck", lift)
        shift(keypoint, JOINTS[COCO_IN_JOINTS[keypoint]], "head", stretch)
    return weights


def body_map(factors: Floats, rotations: Floats, weights: Floats) -> Floats:
    """Bones -> points as one matrix per window.

    Args:
        factors: (B, 22) of the bones' lengths.
        rotations: (B, 22, 3, 3) of the bones in the pelvis frame.
        weights: (B, 22, K) of joints in points.

    Returns:
        (B, 66, 3 * K): (T, 66) bones (coordinate, then bone) times it are (T, 3 * K) points (coordinate, then point).
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
