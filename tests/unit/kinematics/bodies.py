"""Somebody who stands straight, facing the camera's right, y up; and ways to bend them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.person import Person
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.skeletons import COCO17, H36M17_FEET_HANDS, pose_skeleton

AT = H36M17_FEET_HANDS.index
LEVEL = Scene(up=(0.0, -1.0, 0.0), floor_m=-1.0, centre_m=(0.0, 1.0, 4.0), extent_m=2.0, focal_px=600.0)
_LEG = {"hip": 0, "knee": -0.42, "foot": -0.84, "heel": -0.9, "big_toe": -0.9, "small_toe": -0.9}
_ARM = {"shoulder": 0.5, "elbow": 0.2, "wrist": -0.05, "thumb": -0.11, "index": -0.13, "pinky": -0.13}
_AHEAD = {"heel": -0.06, "big_toe": 0.16, "small_toe": 0.14, "thumb": 0.04, "index": 0.03, "pinky": -0.02}


def standing(joints: int = 29) -> NDArray[np.float64]:
    """(J,3) metres: x forward, y up, z to the body's right, arms hanging, the hip's middle 0.95 m up."""
    pose = np.zeros((29, 3))
    for name, y in {"spine": 0.25, "thorax": 0.5, "neck": 0.62, "head": 0.74}.items():
        pose[AT[name]] = (0, y, 0)
    pose[AT["neck"], 0] = 0.06
    for side, sign in (("right", 1), ("left", -1)):
        for parts, wide in ((_LEG, 0.1), (_ARM, 0.18)):
            for name, y in parts.items():
                pose[AT[f"{side}_{name}"]] = (_AHEAD.get(name, 0), y, sign * wide)
    return (pose + np.array([0, 0.95, 0]))[:joints]


def turned(pose: NDArray[np.float64], joint: str, below: tuple[str, ...], axis: str, degrees: float) -> None:
    """Turn the joints `below` about `joint`, in place, right-handed about the body's axis x, y or z."""
    matrix, around = about(axis, degrees), pose[AT[joint]].copy()
    for name in below:
        pose[AT[name]] = around + matrix @ (pose[AT[name]] - around)


def about(axis: str, degrees: float) -> NDArray[np.float64]:
    """(3,3) right-handed rotation about x, y or z."""
    c, s, i = np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), "xyz".index(axis)
    matrix = np.eye(3)
    j, k = (i + 1) % 3, (i + 2) % 3
    matrix[j, j], matrix[j, k], matrix[k, j], matrix[k, k] = c, -s, s, c
    return matrix


LEG = ("knee", "foot", "heel", "big_toe", "small_toe")
ARM = ("elbow", "wrist", "thumb", "index", "pinky")


def limb(side: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{side}_{part}" for part in parts)


def person(joints_m: NDArray[np.float64], *, rate_hz: float = 30.0, unseen: tuple[str, ...] = ()) -> Person:
    """(T,J,3) as a person whose joints were all seen but the unseen ones."""
    frames, skeleton = len(joints_m), pose_skeleton(joints_m.shape[1])
    scores = np.ones((frames, len(skeleton)), np.float32)
    scores[:, skeleton.indices(*unseen)] = 0
    return Person(
        track_id=1, position=0, frame_index=np.arange(frames), times_s=np.arange(frames) / rate_hz, joints_m=joints_m,
        scores=scores, observed=np.ones(frames, bool), skeleton=skeleton,
    )  # fmt: skip


def poses_of(*people_m: NDArray[np.float64], rate_hz: float = 30.0) -> Poses:
    """(T,J,3) each, in `Person`'s world, as poses before the camera of `LEVEL`, 1 m above the floor."""
    frames = [len(one) for one in people_m]
    camera = np.concatenate(people_m) * [1, -1, -1] + [0, 1, 0]
    rows, skeleton = len(camera), pose_skeleton(camera.shape[1])
    return Poses(
        video="clip.mp4", width_px=640, height_px=480, focal_px=600.0,
        frame_times_s=np.arange(max(frames, default=0)) / rate_hz, track_ids=np.arange(1, len(frames) + 1),
        row_offsets=np.concatenate([[0], np.cumsum(frames)]).astype(np.int64),
        frame_index=np.concatenate([np.arange(count) for count in frames]),
        joints_m=(camera - camera[:, :1]).astype(np.float32), root_cam_m=camera[:, 0].astype(np.float32),
        keypoints_px=np.zeros((rows, len(COCO17), 2), np.float32),
        keypoint_scores=np.ones((rows, len(COCO17)), np.float32), observed=np.ones(rows, bool), skeleton=skeleton,
    )  # fmt: skip
