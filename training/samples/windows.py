"""Training and evaluation windows: from motion capture to a network's input and the pose it should give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17, H36M17
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES, by_person
from training.augmentation import augment
from training.augmentation.cameras import Cameras, evaluation_cameras, project, training_cameras
from training.augmentation.noise import evaluation_noise, training_noise
from training.motion.bones import BoneMotion
from training.motion.data import JOINTS, MIRRORED
from training.samples._proportions import scales

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]

_MIRRORED_POSE = MIRRORED[: len(H36M17)]
_MIRRORED_KEYPOINTS = COCO17.mirrored
_FOCAL_SPREAD = 0.15
_SITTING = 0.1


@dataclass(frozen=True)
class Windows:
    """Windows and the poses of some of their frames.

    Attributes:
        rays: (B, T + 2 * SMOOTHING_FRAMES, 17, 2) float32 keypoints as x/z, y/z, noise included.
        poses_m: (B, k, 17, 3) float32 root-relative, camera space.
        posed: (k,) the frames, of T, that they belong to.
    """

    rays: Floats
    poses_m: Floats
    posed: Indices

    def inputs_and_targets(self) -> tuple[Floats, Floats]:
        """(B, T, 17, 2) normalised keypoints, (B, k, 17, 3) the poses in the camera that looks at the person."""
        inputs, rotations = by_person(self.rays)
        return inputs, self.poses_m @ rotations[:, self.posed]


def training_windows(body: BoneMotion, count: int, frames: int, posed: Indices, rng: np.random.Generator) -> Windows:
    """`count` random windows of `frames` frames, augmented, seen by random cameras, with a detector's errors."""
    chosen = body.draw(count, rng)
    length = frames + 2 * SMOOTHING_FRAMES
    chosen = _away_from_edges(chosen, body.lengths, length, rng)
    rows = _rows(chosen, body, length)
    bones, lengths_m = body.bones[rows], body.mean_lengths_m[chosen[:, 0]]
    augment.mix_limbs(bones, lengths_m, rows, chosen[:, 0], body, rng)
    augment.bend_hinges(bones, rng)
    upright = (bones[:, length // 2, 2, [2, 5]] < -0.85 * lengths_m[:, [2, 5]]).all(axis=1)
    sitting = upright & (rng.random(count) < _SITTING)
    factors, rotations = scales(lengths_m, body.rigs_m, rng), augment.turns(sitting, rng)
    keypoint_map = augment.body_map(factors, rotations, augment.keypoint_weights(count, rng))
    pose_map = augment.body_map(factors, rotations, _pose_weights(count))
    root = _root(body, rows) * np.where(sitting, 0.1, rng.uniform(0.85, 1.1, count))[:, None, None].astype(np.float32)
    cameras = training_cameras(count, rng)
    keypoints, poses = _seen(bones, body.pelvis[rows], root, keypoint_map, pose_map, cameras, posed)
    mirrored = np.flatnonzero(rng.random(count) < 0.5)
    keypoints[mirrored] = keypoints[mirrored][..., _MIRRORED_KEYPOINTS]
    keypoints[mirrored, :, 0] *= -1
    poses[mirrored] = poses[mirrored][:, :, _MIRRORED_POSE] * np.array([-1, 1, 1], np.float32)
    keypoints += cameras.offsets_m[:, None, :, None]
    rays = training_noise(project(keypoints), rng)
    # The focal length is mostly a guess, in training as in use.
    guess = np.exp(rng.normal(0, _FOCAL_SPREAD, (count, 1, 1, 1)) * (rng.random((count, 1, 1, 1)) < 0.6))
    rays = _repeat_edges(rays * guess.astype(np.float32), chosen, body.lengths)
    return Windows(np.ascontiguousarray(np.swapaxes(rays, 2, 3)), poses, posed)


def evaluation_windows(
    body: BoneMotion, chosen: Indices, frames: int, rng: np.random.Generator, *, noisy: bool
) -> Windows:
    """Windows around `chosen` (B, 2) frames (clip, frame within it), as captured, seen by the evaluation's cameras."""
    rows = _rows(chosen, body, frames + 2 * SMOOTHING_FRAMES)
    count = len(chosen)
    same = np.ones((count, len(JOINTS)), np.float32)
    level = np.broadcast_to(np.eye(3, dtype=np.float32), (count, len(JOINTS), 3, 3))
    keypoint_map = augment.body_map(same, level, augment.keypoint_weights(count, None))
    pose_map = augment.body_map(same, level, _pose_weights(count))
    cameras = evaluation_cameras(count, rng)
    posed = np.array([frames // 2])
    keypoints, poses = _seen(
        body.bones[rows], body.pelvis[rows], _root(body, rows), keypoint_map, pose_map, cameras, posed
    )
    rays = project(keypoints + cameras.offsets_m[:, None, :, None])
    if noisy:
        rays = evaluation_noise(rays, rng)
    rays = _repeat_edges(rays, chosen, body.lengths)
    return Windows(np.ascontiguousarray(np.swapaxes(rays, 2, 3)), poses, posed)


def _seen(
    bones: Floats,
    pelvis: Floats,
    root_m: Floats,
    keypoint_map: Floats,
    pose_map: Floats,
    cameras: Cameras,
    posed: Indices,
) -> tuple[Floats, Floats]:
    """(B, T, 3, 17) keypoints around the middle frame's hip, (B, k, 17, 3) poses of k frames; camera axes."""
    count, length = bones.shape[:2]
    axes = cameras.rotations[:, None] @ pelvis
    local = (bones.reshape(count, length, -1) @ keypoint_map).reshape(count, length, 3, len(COCO17))
    keypoints = axes @ local
    keypoints += (root_m @ np.swapaxes(cameras.rotations, 1, 2))[..., None]
    rows = posed + SMOOTHING_FRAMES
    local = (bones[:, rows].reshape(count, len(rows), -1) @ pose_map).reshape(count, len(rows), 3, len(H36M17))
    return keypoints, np.ascontiguousarray(np.swapaxes(axes[:, rows] @ local, 2, 3))


def _root(body: BoneMotion, rows: Indices) -> Floats:
    """(B, T, 3) the hip's way, from where it is in the middle of the window."""
    root = body.root_m[rows]
    return root - root[:, rows.shape[1] // 2, None]


def _rows(chosen: Indices, body: BoneMotion, length: int) -> Indices:
    """(B, length) frames around the chosen ones, a clip's edge frames repeated."""
    clip, within = chosen.T
    time = within[:, None] + np.arange(length) - length // 2
    rows: Indices = body.starts[clip][:, None] + np.clip(time, 0, body.lengths[clip][:, None] - 1)
    return rows


def _away_from_edges(chosen: Indices, lengths: Indices, length: int, rng: np.random.Generator) -> Indices:
    """Move most of the chosen frames so far into their clips that the window doesn't reach over the edge."""
    clip, within = chosen.T
    margin = np.minimum(length // 2, (lengths[clip] - 1) // 2)
    inside = np.clip(within, margin, lengths[clip] - 1 - margin)
    return np.stack([clip, np.where(rng.random(len(clip)) < 0.7, inside, within)], axis=1)


def _repeat_edges(rays: Floats, chosen: Indices, lengths: Indices) -> Floats:
    """Past a clip's edge the track is padded with the detected edge frame, noise and all, as in use."""
    frames = rays.shape[1]
    clip, within = chosen.T
    first = np.maximum(frames // 2 - within, 0)[:, None]
    last = (frames // 2 + lengths[clip] - 1 - within)[:, None]
    source = np.clip(np.arange(frames), first, last)
    over = np.flatnonzero((source[:, 0] > 0) | (source[:, -1] < frames - 1))
    rays[over] = rays[over[:, None], source[over]]
    return rays


def _pose_weights(count: int) -> Floats:
    return np.broadcast_to(np.eye(len(JOINTS), len(H36M17), dtype=np.float32), (count, len(JOINTS), len(H36M17)))
