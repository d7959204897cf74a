"""What is measured on: windows and runs of frames of people the network never saw, the same in every evaluation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES
from training.augmentation.cameras import evaluation_cameras, project
from training.augmentation.noise import evaluation_noise
from training.motion.bones import BoneMotion
from training.motion.data import COCO_IN_JOINTS, Motion
from training.samples._actions import action_of
from training.samples.windows import Windows, evaluation_windows

SEED = 1
WINDOWS_PER_SUBJECT = 1500
RUNS_PER_SUBJECT = 30
RUN_FRAMES = 25
"""Half a second: the shortest held-out clip has 26 frames."""

Floats = NDArray[np.float32]
Indices = NDArray[np.intp]


@dataclass(frozen=True)
class HeldOutWindows:
    """One subject's `windows`, and what is done in each: `actions` (B,)."""

    windows: Windows
    actions: NDArray[np.str_]


@dataclass(frozen=True)
class Runs:
    """Runs of consecutive frames, each seen by a camera that stands still.

    Attributes:
        rays: (B, RUN_FRAMES + receptive_field - 1 + 2 * SMOOTHING_FRAMES, 17, 2) keypoints as x/z, y/z.
        poses_m: (B, RUN_FRAMES, 17, 3) root-relative, camera space.
    """

    rays: Floats
    poses_m: Floats


def held_out_windows(
    body: BoneMotion, motion: Motion, frames: int, *, noisy: bool, count: int = WINDOWS_PER_SUBJECT
) -> dict[str, HeldOutWindows]:
    """The fixed evaluation windows, `count` of every subject; `body` is `motion` taken apart."""
    windows = {}
    for number, (subject, own) in enumerate(_frames_by_subject(motion)):
        rng = np.random.default_rng([SEED, number])
        chosen = own[rng.integers(0, len(own), count)]
        actions = np.array([action_of(clip) for clip in motion.clips[chosen[:, 0]]])
        windows[subject] = HeldOutWindows(evaluation_windows(body, chosen, frames, rng, noisy=noisy), actions)
    return windows


def held_out_runs(motion: Motion, frames: int, *, noisy: bool, count: int = RUNS_PER_SUBJECT) -> dict[str, Runs]:
    """The fixed runs, `count` of every subject, with the frames around them that a network of `frames` frames sees."""
    runs = {}
    for number, (subject, own) in enumerate(_frames_by_subject(motion)):
        rng = np.random.default_rng([SEED, number, RUN_FRAMES])
        own = own[own[:, 1] <= motion.lengths[own[:, 0]] - RUN_FRAMES]
        runs[subject] = _runs(motion, own[rng.integers(0, len(own), count)], frames, rng, noisy=noisy)
    return runs


def _frames_by_subject(motion: Motion) -> list[tuple[str, Indices]]:
    """(M, 2) frames of each subject as (clip, frame within it), by name."""
    subjects = motion.subjects[motion.frames[:, 0]]
    return [(subject, motion.frames[subjects == subject]) for subject in sorted(set(motion.subjects.tolist()))]


def _runs(motion: Motion, first: Indices, frames: int, rng: np.random.Generator, *, noisy: bool) -> Runs:
    """Runs that begin at `first` (B, 2), as captured; past a clip's edge its detected edge frame is repeated."""
    around = frames // 2 + SMOOTHING_FRAMES
    clip, within = first.T
    time = within[:, None] + np.arange(-around, RUN_FRAMES + around)
    inside = np.clip(time, 0, motion.lengths[clip][:, None] - 1)
    rows = motion.starts[clip][:, None] + inside
    cameras = evaluation_cameras(len(first), rng)
    to_camera = np.swapaxes(cameras.rotations, 1, 2)[:, None]
    root_m = motion.root_m[rows] - motion.root_m[rows[:, rows.shape[1] // 2], None]
    keypoints_m = (motion.joints_m[rows][:, :, COCO_IN_JOINTS] + root_m[:, :, None]) @ to_camera
    keypoints_m += cameras.offsets_m[:, None, None]
    rays = project(np.swapaxes(keypoints_m, 2, 3))
    rays = np.swapaxes(evaluation_noise(rays, rng) if noisy else rays, 2, 3)
    rays = rays[np.arange(len(first))[:, None], inside - time[:, :1]]
    posed = rows[:, around : around + RUN_FRAMES]
    return Runs(np.ascontiguousarray(rays), motion.joints_m[posed][:, :, : len(H36M17)] @ to_camera)
