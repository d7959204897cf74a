"""A motion as bones in the body's own frame, so that bodies can be rebuilt with other proportions and mixed limbs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.motion._balance import posture_weights
from training.motion.data import CAPTURED, FILE_JOINT_COUNT, JOINTS, PARENTS, Motion

Floats = NDArray[np.float32]

FOOT_PARTS = ("heel", "big_toe", "small_toe")
LEFT_LEG, RIGHT_LEG = (
    tuple(JOINTS.index(f"{side}_{part}") for part in ("hip", "knee", "foot", *FOOT_PARTS)) for side in ("left", "right")
)
LEFT_ARM, RIGHT_ARM = (
    tuple(JOINTS.index(f"{side}_{part}") for part in ("shoulder", "elbow", "wrist")) for side in ("left", "right")
)
UPPER_BODY = tuple(range(7, FILE_JOINT_COUNT))


@dataclass(frozen=True)
class BoneMotion:
    """Bones of N frames, coordinates before joints, so that a matrix product rebuilds the joints.

    Attributes:
        bones: (N, 3, J) vectors from each joint's parent to it, in the pelvis frame; 0 for the hip, hands, and feet
            that aren't known.
        feet_known: (N,) both of them.
        pelvis: (N, 3, 3) rotation of the pelvis (left, back, up as columns) into the world.
        chest: (N, 3, 3) rotation of the chest into the pelvis frame.
        root_m: (N, 3) hip in the world.
        starts, lengths: (K,) first frame and number of frames of each clip.
        frames: (M, 2) every frame as (clip, frame within it).
        mean_lengths_m: (K, J) of each clip's bones.
        rigs_m: (S, J) of each subject's bones.
        chances: (M,) cumulated chances of the frames: who was captured for four times as long comes twice as often,
            and rare postures as often as they are worth (`_balance`).
    """

    bones: Floats
    feet_known: NDArray[np.bool_]
    pelvis: Floats
    chest: Floats
    root_m: Floats
    starts: NDArray[np.intp]
    lengths: NDArray[np.intp]
    frames: NDArray[np.intp]
    mean_lengths_m: Floats
    rigs_m: Floats
    chances: NDArray[np.float64]

    def draw(self, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
        """(count, 2) random frames as (clip, frame within it)."""
        at = np.searchsorted(self.chances, rng.random(count), side="right")
        return np.asarray(self.frames[np.minimum(at, len(self.frames) - 1)])


def to_bones(motion: Motion) -> BoneMotion:
    """Take every frame apart."""
    joints = motion.joints_m
    at = {name: joints[:, i] for i, name in enumerate(JOINTS[:CAPTURED])}
    pelvis = _frames(at["left_hip"] - at["right_hip"], at["spine"] - at["hip"])
    chest = _frames(at["left_shoulder"] - at["right_shoulder"], at["thorax"] - at["spine"])
    parents = [max(parent, 0) for parent in PARENTS[:CAPTURED]]
    bones = np.zeros((len(joints), 3, len(JOINTS)), np.float32)
    np.matmul(np.swapaxes(pelvis, 1, 2), np.swapaxes(joints - joints[:, parents], 1, 2), out=bones[:, :, :CAPTURED])
    feet_known = np.asarray(np.isfinite(joints[:, FILE_JOINT_COUNT:]).all(axis=(1, 2)), np.bool_)
    bones[~feet_known, :, FILE_JOINT_COUNT:CAPTURED] = 0
    lengths = np.linalg.norm(bones, axis=1).astype(np.float32)
    means = np.stack([lengths[s : s + n].mean(axis=0) for s, n in zip(motion.starts, motion.lengths, strict=True)])
    rigs, chances = _by_subject(motion, means)
    chest_on_pelvis = np.asarray(np.swapaxes(pelvis, 1, 2) @ chest, np.float32)
    return BoneMotion(
        bones, feet_known, pelvis, chest_on_pelvis, motion.root_m, motion.starts, motion.lengths, motion.frames,
        means.astype(np.float32), rigs, chances,
    )  # fmt: skip


def _by_subject(motion: Motion, means_m: Floats) -> tuple[Floats, NDArray[np.float64]]:
    """(S, J) mean lengths of the subjects' bones, (M,) cumulated chances of the frames."""
    _, subject = np.unique(motion.subjects, return_inverse=True)
    frames = np.bincount(subject, motion.lengths)
    rigs = np.zeros((len(frames), means_m.shape[1]))
    np.add.at(rigs, subject, means_m * motion.lengths[:, None])
    chance = np.repeat(1 / np.sqrt(frames[subject]), motion.lengths) * posture_weights(motion.joints_m)
    cumulated = np.cumsum(chance)
    return (rigs / frames[:, None]).astype(np.float32), cumulated / cumulated[-1]


def _frames(left: Floats, up: Floats) -> Floats:
    """(N, 3) two directions -> (N, 3, 3) orthonormal frames with columns left, back, up."""
    left = left / np.maximum(np.linalg.norm(left, axis=1, keepdims=True), 1e-6)
    back = np.cross(up, left)
    back = back / np.maximum(np.linalg.norm(back, axis=1, keepdims=True), 1e-6)
    return np.stack([left, back, np.cross(left, back)], axis=2).astype(np.float32)


def ancestors() -> Floats:
    """(J, J) matrix A with A[i, j] = 1 where bone i is on the way from the hip to joint j: joints = bones @ A."""
    matrix = np.zeros((len(JOINTS), len(JOINTS)), np.float32)
    for joint in range(1, len(JOINTS)):
        bone = joint
        while bone > 0:
            matrix[bone, joint] = 1
            bone = PARENTS[bone]
    return matrix
