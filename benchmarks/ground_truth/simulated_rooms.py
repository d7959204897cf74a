"""Rooms with people, seen by a fixed camera: floor, sizes and camera are known, the detector's errors simulated.

Only what the lifter's weights were trained on is shown (`training_split`), so that constants may be chosen here; errors
of lifting are smaller than in use. People differ in size, stand in different places of one floor, and are seen whole,
or nearly so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from liftline.camera import ASSUMED_FOCAL_PER_DIAGONAL, Camera
from liftline.skeletons import COCO17, H36M17
from liftline.tracks import Tracks
from training.augmentation.cameras import UPRIGHT
from training.augmentation.detector import detected
from training.augmentation.keypoints import keypoint_weights
from training.motion.data import FILE_JOINT_COUNT, Motion

Floats = NDArray[np.float64]

_SIZES = ((1920, 1080), (1280, 720), (1080, 1920))
_MOST_PEOPLE, _FRAMES = 3, (100, 300)
_FOCAL_SPREAD = 0.2
_HEIGHT_M, _DISTANCE_M, _ROLL_DEG, _AIM_M = (0.4, 3.5), (3.0, 9.0), 3.0, 0.4
_BODY_SCALE, _APART_M = (0.9, 1.08), 1.8
_WHOLE = 0.9


@dataclass(frozen=True)
class SimulatedRoom:
    """What a detector and tracker would give, and the truth in camera space.

    tracks of P people, all with F frames; camera with its true focal length; the floor is {p : p·up = floor_m};
    joints_m (P,F,17,3) Human3.6M joints in camera space.
    """

    tracks: Tracks
    camera: Camera
    up: Floats
    floor_m: float
    joints_m: Floats


def simulate_room(motion: Motion, rng: np.random.Generator) -> SimulatedRoom:
    """One room with one to three people and a camera at random, tried until everyone is in the picture."""
    while True:
        people = _people(motion, rng)
        camera, turn, height_m = _camera(people, rng)
        seen = (people - [0, 0, height_m]) @ turn.T
        if (seen[..., 2] > 1.0).all() and _in_picture(camera.project(seen), camera) > _WHOLE:
            break
    up = turn[:, 2]
    tracks = _tracks(seen, camera, motion.rate_hz, rng)
    return SimulatedRoom(tracks, camera, up, -height_m, seen[:, :, : len(H36M17)])


def _people(motion: Motion, rng: np.random.Generator) -> Floats:
    """(P,F,22,3) joints in the room, z up, floor at 0."""
    frames = int(rng.integers(*_FRAMES))
    long = np.flatnonzero(motion.lengths >= frames)
    clips = rng.choice(long, rng.integers(1, _MOST_PEOPLE + 1), replace=False)
    return np.stack([_person(motion, int(clip), frames, rng) for clip in clips])


def _person(motion: Motion, clip: int, frames: int, rng: np.random.Generator) -> Floats:
    start = int(motion.starts[clip] + rng.integers(0, motion.lengths[clip] - frames + 1))
    rows = slice(start, start + frames)
    joints = motion.joints_m[rows, :FILE_JOINT_COUNT].astype(np.float64) + motion.root_m[rows, None]
    middle = np.append(motion.root_m[rows, :2].mean(axis=0), 0.0)
    yaw = Rotation.from_rotvec([0, 0, rng.uniform(0, 2 * np.pi)]).as_matrix()
    place = np.append(rng.uniform(-_APART_M, _APART_M, 2), 0.0)
    return np.asarray((joints - middle) @ yaw.T * rng.uniform(*_BODY_SCALE) + place, np.float64)


def _camera(people: Floats, rng: np.random.Generator) -> tuple[Camera, Floats, float]:
    """A camera above (0, 0) of the room, after the people were moved in front of it; rotation from the room to it."""
    width, height = _SIZES[rng.integers(len(_SIZES))]
    focal = ASSUMED_FOCAL_PER_DIAGONAL * np.hypot(width, height) * np.exp(rng.normal(0, _FOCAL_SPREAD))
    height_m = rng.uniform(*_HEIGHT_M)
    people[..., 1] += np.exp(rng.uniform(*np.log(_DISTANCE_M)))
    aim = people.reshape(-1, 3).mean(axis=0) - [0, 0, height_m] + rng.normal(0, _AIM_M, 3)
    yaw, pitch = np.arctan2(aim[0], aim[1]), np.arctan2(-aim[2], np.hypot(aim[0], aim[1]))
    roll = np.radians(rng.normal(0, _ROLL_DEG))
    turn = (
        Rotation.from_rotvec([0, 0, roll]).as_matrix()
        @ Rotation.from_rotvec([pitch, 0, 0]).as_matrix()
        @ UPRIGHT
        @ Rotation.from_rotvec([0, 0, yaw]).as_matrix()
    )
    return Camera(width, height, float(focal)), np.asarray(turn, np.float64), float(height_m)


def _in_picture(points_px: Floats, camera: Camera) -> float:
    inside = (points_px >= 0) & (points_px <= [camera.width_px, camera.height_px])
    return float(inside.all(axis=-1).mean())


def _tracks(seen_m: Floats, camera: Camera, rate_hz: float, rng: np.random.Generator) -> Tracks:
    count, frames = seen_m.shape[:2]
    weights = keypoint_weights(count, rng)[:, :FILE_JOINT_COUNT].astype(np.float64)
    points = np.einsum("pfjc,pjk->pfkc", seen_m, weights)
    points[:, :, len(COCO17) :] = points[:, :, :1]  # feet and hands, which nobody is given here
    rays = np.swapaxes(camera.rays(camera.project(points)), 2, 3).astype(np.float32)
    every, nobody = np.ones((count, rays.shape[3]), bool), np.zeros(count, bool)
    noisy = np.swapaxes(detected(rays, every, nobody, rng)[0][..., : len(COCO17)], 2, 3).reshape(-1, len(COCO17), 2)
    keypoints = (noisy * camera.focal_px + camera.centre_px).astype(np.float32)
    rows = count * frames
    return Tracks(
        video="simulated.mp4",
        width_px=camera.width_px,
        height_px=camera.height_px,
        detector="simulated",
        frame_times_s=np.arange(frames) / rate_hz,
        track_ids=np.arange(1, count + 1),
        row_offsets=np.arange(count + 1) * frames,
        frame_index=np.tile(np.arange(frames), count),
        boxes_px=np.concatenate([keypoints.min(axis=1), keypoints.max(axis=1)], axis=1),
        scores=np.ones(rows, np.float32),
        keypoints_px=keypoints,
        keypoint_scores=np.ones((rows, len(COCO17)), np.float32),
        observed=np.ones(rows, np.bool_),
    )
