"""What is true of the figure: Human3.6M-17 joints and COCO-17 keypoints of a pose, and a clip's truth as `Poses`.

Human3.6M's spine lies midway between hip and thorax, its thorax at the base of the neck, level with the shoulders; its
neck/nose and head joints follow the data set's own bones of 12 cm each, so "head" is inside the skull, 6 cm below the
crown. COCO's nose, eyes and ears are where annotators click: on the skin.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from liftline.poses import Poses
from liftline.skeletons import COCO17, H36M17
from liftline_demo.mannequin.gait import Pose
from liftline_demo.mannequin.view import View

TRACK_ID = 1
STATURE_M = 1.72
"""Height of the standing figure, crown to sole."""
NOSE_M, EYE_M, EAR_M = (0.121, 0.0, -0.036), (0.084, 0.032, 0.006), (-0.008, 0.083, -0.010)
"""On the skin, from the head's centre in the head's frame; eye and ear on the left."""
MOUTH_HEIGHT_M, SKULL_M = (0.010, 0.0, -0.060), (-0.005, 0.0, 0.058)
_MIRROR = np.array([1.0, -1.0, 1.0])


def h36m_joints(pose: Pose) -> NDArray[np.float64]:
    """(17,3) joints in the order of `H36M17`, world space, metres."""
    points, head = pose.points, pose.frames["head"]
    hip = (points["left_hip"] + points["right_hip"]) / 2
    named = {
        **points,
        "hip": hip,
        "spine": (hip + points["thorax"]) / 2,
        "neck": points["head"] + head @ MOUTH_HEIGHT_M,
        "head": points["head"] + head @ SKULL_M,
        "left_foot": points["left_ankle"],
        "right_foot": points["right_ankle"],
    }
    return np.stack([named[joint] for joint in H36M17.joints])


def coco_keypoints(pose: Pose) -> NDArray[np.float64]:
    """(17,3) keypoints in the order of `COCO17`, world space, metres."""
    centre, head = pose.points["head"], pose.frames["head"]
    on_face = {
        "nose": NOSE_M,
        "left_eye": EYE_M,
        "right_eye": EYE_M * _MIRROR,
        "left_ear": EAR_M,
        "right_ear": EAR_M * _MIRROR,
    }
    named = {**pose.points, **{name: centre + head @ place for name, place in on_face.items()}}
    return np.stack([named[keypoint] for keypoint in COCO17.joints])


def truth_of(poses: Sequence[Pose], view: View, *, rate: Fraction, video: str) -> Poses:
    """One person, seen in every frame, with exact joints, root and projected keypoints."""
    frames = len(poses)
    joints = view.to_camera(np.stack([h36m_joints(pose) for pose in poses]))
    keypoints = view.to_camera(np.stack([coco_keypoints(pose) for pose in poses]))
    return Poses(
        video=video,
        width_px=view.camera.width_px,
        height_px=view.camera.height_px,
        focal_px=view.camera.focal_px,
        frame_times_s=np.array([float(frame / rate) for frame in range(frames)]),
        track_ids=np.array([TRACK_ID]),
        row_offsets=np.array([0, frames]),
        frame_index=np.arange(frames),
        joints_m=(joints - joints[:, :1]).astype(np.float32),
        root_cam_m=joints[:, 0].astype(np.float32),
        keypoints_px=view.camera.project(keypoints).astype(np.float32),
        keypoint_scores=np.ones((frames, len(COCO17)), np.float32),
        observed=np.ones(frames, np.bool_),
    )
