"""Synthetic people in given postures, seen by given cameras: true angles to measure a lifter by.

Bodies, postures and cameras are written down here and owe nothing to those that are drawn for training. Axes of a
body: forward, left, up; angles in degrees.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from liftline.camera import Camera
from liftline.skeletons import COCO17, H36M17
from liftline.tracks import Tracks

Floats = NDArray[np.float64]

YAWS_DEG = (0, 30, 60, 90, 135, 180)
FRAMES, RATE_HZ = 60, 50.0
NOISE_PX = 0.7
_SEED = 17


@dataclass(frozen=True)
class Body:
    """Lengths in metres; `hip` and `shoulder` from the middle, `shoulder_height` and `neck` from the hips."""

    thigh: float
    shin: float
    hip: float
    shoulder: float
    shoulder_height: float
    neck: float
    head: float
    upper_arm: float
    forearm: float


BODIES: Mapping[str, Body] = {
    "mannequin": Body(0.43, 0.42, 0.092, 0.182, 0.49, 0.54, 0.145, 0.29, 0.255),
    "small": Body(0.375, 0.355, 0.105, 0.155, 0.44, 0.49, 0.135, 0.25, 0.215),
    "tall": Body(0.475, 0.47, 0.115, 0.20, 0.53, 0.585, 0.15, 0.335, 0.275),
}


@dataclass(frozen=True)
class Limb:
    """A leg (raised by `flexion`, sideways by `abduction`, bent by `bend`), or an arm: 0, 0, 0 hangs straight."""

    flexion: float = 0.0
    abduction: float = 0.0
    bend: float = 0.0


@dataclass(frozen=True)
class Posture:
    """`pitch` of the pelvis forward (180: on the hands), `trunk` bent forward on it; limbs left and right."""

    legs: tuple[Limb, Limb]
    arms: tuple[Limb, Limb]
    pitch: float = 0.0
    trunk: float = 0.0


def _same(limb: Limb) -> tuple[Limb, Limb]:
    return limb, limb


_HANGING, _STRAIGHT = _same(Limb(3, 6, 4)), _same(Limb(0, 3, 2))

POSTURES: Mapping[str, Posture] = {
    "standing": Posture(_STRAIGHT, _HANGING),
    "arms up": Posture(_STRAIGHT, _same(Limb(172, 8, 3))),
    "arms forward": Posture(_STRAIGHT, _same(Limb(88, 4, 4))),
    "squat": Posture(_same(Limb(98, 12, 108)), _same(Limb(80, 5, 8)), pitch=28, trunk=8),
    "sitting": Posture(_same(Limb(86, 6, 88)), _same(Limb(28, 6, 62)), pitch=-4, trunk=6),
    "lunge": Posture((Limb(78, 3, 84), Limb(-14, 3, 58)), _same(Limb(5, 10, 12)), pitch=6),
    "handstand": Posture(_same(Limb(2, 4, 3)), _same(Limb(174, 6, 4)), pitch=180),
}

CAMERAS: Mapping[str, tuple[tuple[int, int], float, float, float]] = {
    "level": ((1280, 720), 4.0, 1.0, 0.0),
    "near": ((1080, 1920), 2.6, 1.45, 8.0),
    "far": ((1920, 1080), 7.5, 2.1, 7.0),
}
"""Picture, distance and height in metres, degrees it looks down."""


@dataclass(frozen=True)
class Seen:
    """One posture of one body, seen by one camera at one yaw: `tracks` of it, and joints_m (17, 3) in its axes."""

    posture: str
    yaw_deg: int
    tracks: Tracks
    camera: Camera
    joints_m: Floats = field(repr=False)


def everybody() -> Iterator[Seen]:
    """Every posture of every body, by every camera from every yaw."""
    yield from _people(tuple(BODIES), tuple(CAMERAS))


def gated() -> Iterator[Seen]:
    """A few of them, to be quick: one body by one camera."""
    yield from _people(("mannequin",), ("level",))


def _people(bodies: tuple[str, ...], cameras: tuple[str, ...]) -> Iterator[Seen]:
    rng = np.random.default_rng(_SEED)
    for (name, posture), body, camera, yaw in product(POSTURES.items(), bodies, cameras, YAWS_DEG):
        yield _seen(name, points_of(BODIES[body], posture), yaw, CAMERAS[camera], rng)


def points_of(body: Body, posture: Posture) -> dict[str, Floats]:
    """Joints and keypoints by name, forward, left, up, around the hip."""
    pelvis = _about_left(posture.pitch)
    chest = pelvis * _about_left(posture.trunk)
    points = {"hip": np.zeros(3)}
    for name, share, turn in (("spine", 0.45, pelvis), ("thorax", 0.93, chest), ("neck", 1.08, chest)):
        points[name] = turn.apply([0, 0, share * body.neck])
    points["head"] = points["neck"] + chest.apply([0.01, 0, 0.75 * body.head])
    face = points["neck"] + chest.apply([0.0, 0, 0.45 * body.head])
    points["nose"] = face + chest.apply([0.11, 0, 0.0])
    for side, sign, leg, arm in zip(("left", "right"), (1.0, -1.0), posture.legs, posture.arms, strict=True):
        points[f"{side}_eye"] = face + chest.apply([0.09, 0.032 * sign, 0.035])
        points[f"{side}_ear"] = face + chest.apply([0.0, 0.076 * sign, 0.015])
        hip, shoulder = [0, body.hip * sign, 0], [0, body.shoulder * sign, body.shoulder_height]
        _put(points, side, ("hip", "knee", "foot"), pelvis, hip, leg, (body.thigh, body.shin), sign, bends=1.0)
        arms = (body.upper_arm, body.forearm)
        _put(points, side, ("shoulder", "elbow", "wrist"), chest, shoulder, arm, arms, sign, bends=-1.0)
        points[f"{side}_ankle"] = points[f"{side}_foot"]
    return points


def _put(
    points: dict[str, Floats], side: str, names: tuple[str, str, str], trunk: Rotation, start: list[float], limb: Limb,
    lengths: tuple[float, float], sign: float, *, bends: float,
) -> None:  # fmt: skip
    upper = trunk * Rotation.from_euler("X", sign * limb.abduction, degrees=True) * _about_left(-limb.flexion)
    lower = upper * _about_left(bends * limb.bend)
    first, middle, last = (f"{side}_{name}" for name in names)
    points[first] = trunk.apply(start)
    points[middle] = points[first] + upper.apply([0, 0, -lengths[0]])
    points[last] = points[middle] + lower.apply([0, 0, -lengths[1]])


def _about_left(degrees: float) -> Rotation:
    """Tilts up forward, for positive degrees."""
    return Rotation.from_euler("Y", degrees, degrees=True)


def _seen(
    posture: str,
    points: dict[str, Floats],
    yaw: int,
    view: tuple[tuple[int, int], float, float, float],
    rng: np.random.Generator,
) -> Seen:
    size, distance, height, down = view
    camera = Camera.assumed(*size)
    lowest = min(point[2] for point in points.values())
    # Facing the camera at yaw 0: forward is towards it, left is to its right.
    turn = Rotation.from_euler("X", down, degrees=True).as_matrix() @ np.array([[0, 1, 0], [0, 0, -1], [-1, 0, 0]])
    turn = turn @ Rotation.from_euler("Z", yaw, degrees=True).as_matrix()
    tilt = Rotation.from_euler("X", down, degrees=True).as_matrix()
    hip = tilt @ np.array([0, height + lowest, distance])
    in_camera = {name: turn @ point + hip for name, point in points.items()}
    exact = camera.project(np.stack([in_camera[name] for name in COCO17.joints])[None])
    keypoints = exact + rng.normal(0, NOISE_PX, (FRAMES, len(COCO17), 2))
    joints = np.stack([in_camera[name] - in_camera["hip"] for name in H36M17.joints])
    return Seen(posture, yaw, _tracks(keypoints, camera), camera, joints)


def _tracks(keypoints_px: Floats, camera: Camera) -> Tracks:
    frames = len(keypoints_px)
    boxes = np.concatenate([keypoints_px.min(axis=1), keypoints_px.max(axis=1)], axis=1)
    return Tracks(
        video="mannequin.mp4",
        width_px=camera.width_px,
        height_px=camera.height_px,
        detector="simulated",
        frame_times_s=np.arange(frames) / RATE_HZ,
        track_ids=np.array([1]),
        row_offsets=np.array([0, frames]),
        frame_index=np.arange(frames),
        boxes_px=boxes.astype(np.float32),
        scores=np.full(frames, 0.9, np.float32),
        keypoints_px=keypoints_px.astype(np.float32),
        keypoint_scores=np.full((frames, len(COCO17)), 0.9, np.float32),
        observed=np.ones(frames, np.bool_),
    )
