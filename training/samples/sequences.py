"""Whole clips as a fixed camera and a detector would see them: tracks to lift, and the true motion to compare with.

What happens over time (jitter, pops, sliding feet) can't be seen in single windows. Here one camera that stands still
watches a clip from beginning to end, everything it sees inside its picture, and the detections go through the same code
as in use to become `Tracks`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline.detections import Detections
from liftline.progress import StopFlag
from liftline.skeletons import H36M17
from liftline.tracks import Tracks
from liftline_lifter.resampling import even_times_s, interpolate
from liftline_lifter.tracking.identities import to_tracks
from training.augmentation.cameras import evaluation_cameras
from training.augmentation.sequence_noise import Keypoints, Noise, detected
from training.motion.data import COCO_IN_JOINTS, FILE_JOINT_COUNT, Motion

CAMERA = Camera.assumed(1920, 1080)
"""The pipeline assumes the focal length that this camera has."""

_NEAREST_M = 1.0
_STEP_BACK = 1.1


@dataclass(frozen=True)
class Sequence:
    """One clip, seen.

    Attributes:
        tracks: of one person.
        joints_m: (T,17,3) float32 true joints relative to the hip, in the camera's axes.
        root_m: (T,3) float32 the true hip in camera space.
        up: (3,) true vertical in camera space.
        floor_m: where the floor truly is, along `up`.
        rate_hz: frames per second.
        subject: who.
    """

    tracks: Tracks
    joints_m: NDArray[np.float32]
    root_m: NDArray[np.float32]
    up: NDArray[np.float32]
    floor_m: float
    rate_hz: float
    subject: str

    @property
    def placed_m(self) -> NDArray[np.float32]:
        """(T,17,3) true joints in camera space."""
        return np.asarray(self.joints_m + self.root_m[:, None], np.float32)


def simulate(motion: Motion, clip: int, *, noise: Noise, seed: int, rate_hz: float | None = None) -> Sequence:
    """See one clip. The same seed gives the same camera and the same noise, whatever else was simulated.

    Args:
        motion: z up.
        clip: its number.
        noise: what the detector does.
        seed: of the camera and the noise.
        rate_hz: of the video; None for the motion's own.
    """
    rng = np.random.default_rng([seed, clip])
    placed = _world(motion, clip, rate_hz or motion.rate_hz)
    cameras = evaluation_cameras(1, rng)
    rotation, offset = cameras.rotations[0], cameras.offsets_m[0]
    seen = _inside((placed - placed[:, :1].mean(axis=0)) @ rotation.T, offset)
    up = rotation @ np.array([0, 0, 1], np.float32)
    keypoints = detected(CAMERA.project(seen[:, list(COCO_IN_JOINTS)]), noise, rate_hz or motion.rate_hz, rng)
    return Sequence(
        tracks=_tracks(keypoints, rate_hz or motion.rate_hz),
        joints_m=(seen - seen[:, :1])[:, : len(H36M17)],
        root_m=seen[:, 0],
        up=up,
        floor_m=float((seen[:, : len(H36M17)] @ up).min()),
        rate_hz=rate_hz or motion.rate_hz,
        subject=str(motion.subjects[clip]),
    )


def _world(motion: Motion, clip: int, rate_hz: float) -> NDArray[np.float32]:
    """(T,22,3) joints in the world."""
    rows = slice(motion.starts[clip], motion.starts[clip] + motion.lengths[clip])
    placed = motion.joints_m[rows, :FILE_JOINT_COUNT] + motion.root_m[rows, None]
    if rate_hz == motion.rate_hz:
        return placed
    times_s = np.arange(len(placed)) / motion.rate_hz
    return interpolate(placed, times_s, even_times_s(times_s, rate_hz)).astype(np.float32)


def _inside(turned_m: NDArray[np.float32], offset_m: NDArray[np.float32]) -> NDArray[np.float32]:
    """(T,22,3) joints moved so far away from the camera that all of them stay in the picture, at every time."""
    limit = CAMERA.centre_px / CAMERA.focal_px
    while True:
        seen = turned_m + offset_m
        inside = np.abs(seen[..., :2]) <= limit * seen[..., 2:]
        if inside.all() and seen[..., 2].min() >= _NEAREST_M:
            return np.asarray(seen, np.float32)
        # Someone aside moves towards the middle as the camera steps back.
        offset_m = offset_m * np.array([1, 1, _STEP_BACK], np.float32)


def _tracks(keypoints: Keypoints, rate_hz: float) -> Tracks:
    frames = len(keypoints.xy_px)
    boxes = np.concatenate([np.nanmin(keypoints.xy_px, axis=1), np.nanmax(keypoints.xy_px, axis=1)], axis=1)
    detections = Detections(
        frame_start=0,
        frame_stop=frames,
        frame_index=np.arange(frames),
        boxes_px=boxes.astype(np.float32),
        scores=np.full(frames, 0.9, np.float32),
        keypoints_px=keypoints.xy_px.astype(np.float32),
        keypoint_scores=keypoints.scores.astype(np.float32),
        detector="simulated",
    )
    return to_tracks(
        [np.arange(frames)], detections, np.arange(frames) / rate_hz,
        video="simulated.mp4", width_px=CAMERA.width_px, height_px=CAMERA.height_px, stop=StopFlag(),
    )  # fmt: skip
