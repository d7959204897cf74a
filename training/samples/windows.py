"""Training and evaluation windows: from motion capture to a network's input and the pose it should give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17_FEET_HANDS
from liftline_lifter.lifting.features import KEYPOINTS, features
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES
from training.augmentation import augment, hands, postures
from training.augmentation.cameras import Cameras, evaluation_cameras, project, training_cameras
from training.augmentation.detector import detected
from training.augmentation.keypoints import keypoint_weights
from training.augmentation.noise import evaluation_noise
from training.motion.bones import BoneMotion
from training.motion.data import JOINTS
from training.samples._proportions import scales

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]
Flags = NDArray[np.bool_]

POSE = [JOINTS.index(name) for name in H36M17_FEET_HANDS.joints]
"""Which of `JOINTS` the network gives, in its order."""
FEET = [i for i, name in enumerate(H36M17_FEET_HANDS.joints) if name.endswith(("heel", "toe"))]
"""Which of these are feet, that not every body has."""
FEET_KEYPOINTS = [i for i, name in enumerate(KEYPOINTS.joints) if name.endswith(("heel", "toe"))]

_FOCAL_SPREAD = 0.15
_SITTING = 0.05
_POSTURES = 0.25
_NEAR_M = 2.3


@dataclass(frozen=True)
class TrainingWindows:
    """Windows and the poses of some of their frames.

    Attributes:
        rays: (B, T + 2 * SMOOTHING_FRAMES, 29, 2) float32 keypoints as x/z, y/z, with a detector's errors.
        scores: (B, T + 2 * SMOOTHING_FRAMES, 29) of them, 0 where missing.
        up: (B, 3) as `features` wants it.
        poses_m: (B, k, 29, 3) float32 root-relative, camera space.
        known: (B, 29) which joints these bodies have.
        posed: (k,) the frames, of T, that they belong to.
    """

    rays: Floats
    scores: Floats
    up: Floats
    poses_m: Floats
    known: Flags
    posed: Indices

    def inputs_and_targets(self) -> tuple[Floats, Floats, Flags]:
        """(B, T, FEATURES), (B, k, 29, 3) the poses in the camera that looks at the person, (B, 29) what is known."""
        inputs, rotations = features(self.rays, self.scores, self.up)
        return inputs, self.poses_m @ rotations[:, self.posed], self.known


@dataclass(frozen=True)
class Windows:
    """Windows around one frame each.

    Attributes:
        rays: (B, T + 2 * SMOOTHING_FRAMES, 29, 2) float32 keypoints as x/z, y/z, noise included.
        known: (B, 29) which keypoints these bodies have.
        poses_m: (B, 1, 29, 3) float32 root-relative, camera space.
        posed: (1,) the frame, of T, that they belong to.
    """

    rays: Floats
    known: Flags
    poses_m: Floats
    posed: Indices

    @property
    def known_poses_m(self) -> Floats:
        """(B, 29, 3) the poses, NaN where a body has no feet."""
        poses = self.poses_m[:, 0].copy()
        poses[np.flatnonzero(~self.known[:, FEET_KEYPOINTS[0]])[:, None], FEET] = np.nan
        return poses


@dataclass(frozen=True)
class _Bodies:
    """Bodies in motion, not yet seen: as `BoneMotion`, by window and frame."""

    bones: Floats
    pelvis: Floats
    root_m: Floats
    lengths_m: Floats
    feet_known: Flags
    captured: Flags


def training_windows(
    body: BoneMotion, count: int, frames: int, posed: Indices, rng: np.random.Generator
) -> TrainingWindows:
    """`count` random windows of `frames` frames, augmented, seen by random cameras, with a detector's errors."""
    length = frames + 2 * SMOOTHING_FRAMES
    chosen = _away_from_edges(body.draw(count, rng), body.lengths, length, rng)
    bodies = _bodies(body, chosen, length, rng)
    upright = (bodies.bones[:, length // 2, 2, [2, 5]] < -0.85 * bodies.lengths_m[:, [2, 5]]).all(axis=1)
    sitting = upright & bodies.captured & (rng.random(count) < _SITTING)
    factors, rotations = scales(bodies.lengths_m, body.rigs_m, rng), augment.turns(sitting, rng)
    keypoint_map = augment.body_map(factors, rotations, keypoint_weights(count, rng))
    pose_map = augment.body_map(factors, rotations, _pose_weights(count, POSE))
    root = bodies.root_m * np.where(sitting, 0.1, rng.uniform(0.85, 1.1, count))[:, None, None].astype(np.float32)
    cameras = training_cameras(count, rng)
    keypoints, poses = _seen(bodies.bones, bodies.pelvis, root, keypoint_map, pose_map, cameras, posed)
    up = cameras.up.copy()
    _mirror_some(keypoints, poses, up, rng)
    keypoints += cameras.offsets_m[:, None, :, None]
    known = np.ones((count, len(KEYPOINTS)), bool)
    known[np.flatnonzero(~bodies.feet_known)[:, None], FEET_KEYPOINTS] = False
    rays, scores = detected(project(keypoints), known, cameras.offsets_m[:, 2] < _NEAR_M, rng)
    # The focal length is mostly a guess, in training as in use.
    guess = np.exp(rng.normal(0, _FOCAL_SPREAD, (count, 1, 1, 1)) * (rng.random((count, 1, 1, 1)) < 0.6))
    rays = rays * guess.astype(np.float32)
    own = np.flatnonzero(bodies.captured)
    for values in (rays, scores):
        values[own] = _repeat_edges(values[own], chosen[own], body.lengths)
    joints_known = np.ones((count, len(POSE)), bool)
    joints_known[np.flatnonzero(~bodies.feet_known)[:, None], FEET] = False
    return TrainingWindows(np.ascontiguousarray(np.swapaxes(rays, 2, 3)), scores, up, poses, joints_known, posed)


def _bodies(body: BoneMotion, chosen: Indices, length: int, rng: np.random.Generator) -> _Bodies:
    """Captured motion with limbs of others, bent and straightened; a part of the windows are made-up postures."""
    rows = _rows(chosen, body, length)
    bones, lengths_m = body.bones[rows], body.mean_lengths_m[chosen[:, 0]]
    pelvis, root = body.pelvis[rows], _root(body, rows)
    feet_known = body.feet_known[rows].all(axis=1)
    feet_known &= augment.mix_limbs(bones, lengths_m, rows, chosen[:, 0], body, rng)
    augment.bend_hinges(bones, rng)
    augment.straighten_hinges(bones, rng)
    captured = rng.random(len(rows)) >= _POSTURES
    if made_up := int((~captured).sum()):
        some = postures.draw(made_up, length, rng)
        bones[~captured], pelvis[~captured], lengths_m[~captured] = some.bones, some.pelvis, some.lengths_m
        root[~captured] = some.root_m - some.root_m[:, length // 2, None]
        feet_known[~captured] = True
    hands.attach(bones, lengths_m, rng)
    return _Bodies(bones, pelvis, root, lengths_m, feet_known, captured)


def _mirror_some(keypoints: Floats, poses: Floats, up: Floats, rng: np.random.Generator) -> None:
    """Half of the windows as in a mirror, in place."""
    mirrored = np.flatnonzero(rng.random(len(keypoints)) < 0.5)
    keypoints[mirrored] = keypoints[mirrored][..., KEYPOINTS.mirrored]
    keypoints[mirrored, :, 0] *= -1
    poses[mirrored] = poses[mirrored][:, :, H36M17_FEET_HANDS.mirrored]
    poses[mirrored, ..., 0] *= -1
    up[mirrored, 0] *= -1


def evaluation_windows(
    body: BoneMotion, chosen: Indices, frames: int, rng: np.random.Generator, *, noisy: bool
) -> Windows:
    """Windows around `chosen` (B, 2) frames (clip, frame within it), as captured, seen by the evaluation's cameras."""
    rows = _rows(chosen, body, frames + 2 * SMOOTHING_FRAMES)
    count = len(chosen)
    same = np.ones((count, len(JOINTS)), np.float32)
    level = np.broadcast_to(np.eye(3, dtype=np.float32), (count, len(JOINTS), 3, 3))
    keypoint_map = augment.body_map(same, level, keypoint_weights(count, None))
    pose_map = augment.body_map(same, level, _pose_weights(count, POSE))
    bones = body.bones[rows]
    hands.attach(bones, same.copy(), None)
    cameras = evaluation_cameras(count, rng)
    posed = np.array([frames // 2])
    keypoints, poses = _seen(bones, body.pelvis[rows], _root(body, rows), keypoint_map, pose_map, cameras, posed)
    rays = project(keypoints + cameras.offsets_m[:, None, :, None])
    if noisy:
        rays = evaluation_noise(rays, rng)
    rays = _repeat_edges(rays, chosen, body.lengths)
    known = np.ones((count, len(KEYPOINTS)), bool)
    known[np.flatnonzero(~body.feet_known[rows].all(axis=1))[:, None], FEET_KEYPOINTS] = False
    return Windows(np.ascontiguousarray(np.swapaxes(rays, 2, 3)), known, poses, posed)


def _seen(
    bones: Floats,
    pelvis: Floats,
    root_m: Floats,
    keypoint_map: Floats,
    pose_map: Floats,
    cameras: Cameras,
    posed: Indices,
) -> tuple[Floats, Floats]:
    """(B, T, 3, K) keypoints around the middle frame's hip, (B, k, P, 3) poses of k frames; camera axes."""
    count, length = bones.shape[:2]
    axes = cameras.rotations[:, None] @ pelvis
    local = (bones.reshape(count, length, -1) @ keypoint_map).reshape(count, length, 3, -1)
    keypoints = _turned(axes, local)
    keypoints += (root_m @ np.swapaxes(cameras.rotations, 1, 2))[..., None]
    rows = posed + SMOOTHING_FRAMES
    local = (bones[:, rows].reshape(count, len(rows), -1) @ pose_map).reshape(count, len(rows), 3, -1)
    return keypoints, np.ascontiguousarray(np.swapaxes(axes[:, rows] @ local, 2, 3))


def _turned(rotations: Floats, points: Floats) -> Floats:
    """(..., 3, 3) times (..., 3, K), without the many small matrix products that NumPy is slow with."""
    columns = (rotations[..., axis, None] * points[..., axis, None, :] for axis in range(3))
    return np.asarray(sum(columns), np.float32)


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


def _pose_weights(count: int, joints: list[int]) -> Floats:
    return np.broadcast_to(np.eye(len(JOINTS), dtype=np.float32)[:, joints], (count, len(JOINTS), len(joints)))
