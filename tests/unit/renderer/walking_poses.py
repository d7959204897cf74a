"""Walking people for renderer tests: exact 3D joints, their projections as keypoints, and the room they walk in."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from liftline.camera import Camera
from liftline.frames import Frame
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.skeletons import COCO17, H36M17, LIMB_JOINTS

CAMERA_HEIGHT_M = 1.3
STEP_S = 1.1


@dataclass(frozen=True)
class Walker:
    """Someone who starts at x, z metres from the camera and walks in a direction (0: away, pi/2: to the right)."""

    track_id: int = 1
    x_m: float = 0.0
    z_m: float = 4.5
    heading: float = 0.9
    speed_m_s: float = 0.4

    def joints_cam_m(self, time_s: float) -> NDArray[np.float64]:
        """(17,3) camera space."""
        ahead = np.array([np.sin(self.heading), 0.0, np.cos(self.heading)])
        right, up = np.array([np.cos(self.heading), 0.0, -np.sin(self.heading)]), np.array([0.0, -1.0, 0.0])
        at = dict(zip(H36M17.joints, _figure(time_s, ahead, right, up), strict=True))
        start = np.array([self.x_m, CAMERA_HEIGHT_M, self.z_m]) + ahead * self.speed_m_s * time_s
        return np.array([at[name] for name in H36M17.joints]) + start


def _figure(
    time_s: float, ahead: NDArray[np.float64], right: NDArray[np.float64], up: NDArray[np.float64]
) -> NDArray[np.float64]:
    phase, out = 2 * np.pi * time_s / STEP_S, np.zeros((17, 3))
    index = H36M17.index
    out[index["hip"]] = 0.93 * up
    for name, distance, forward in (
        ("spine", 0.24, 0.02),
        ("thorax", 0.5, 0.03),
        ("neck", 0.6, 0.06),
        ("head", 0.75, 0.05),
    ):
        out[index[name]] = out[0] + up * distance + ahead * forward
    for side, sign, shift in (("right", 1, 0.0), ("left", -1, np.pi)):
        swing = 0.45 * np.sin(phase + shift)
        bend = 0.15 + 0.7 * max(0.0, np.sin(phase + shift - 1.9))
        out[index[f"{side}_hip"]] = out[0] + right * 0.12 * sign
        _hang(out, side, ("hip", "knee", "foot"), (0.44, 0.42), (swing, swing - bend), ahead, up)
        out[index[f"{side}_shoulder"]] = out[index["thorax"]] + right * 0.18 * sign - up * 0.04
        _hang(out, side, ("shoulder", "elbow", "wrist"), (0.29, 0.25), (-swing, 0.4 - swing), ahead, up)
    return out


def _hang(out, side, parts, lengths, angles, ahead, up) -> None:
    for first, second, length, angle in zip(parts, parts[1:], lengths, angles, strict=False):
        direction = ahead * np.sin(angle) - up * np.cos(angle)
        out[H36M17.index[f"{side}_{second}"]] = out[H36M17.index[f"{side}_{first}"]] + direction * length


def poses_of(
    *walkers: Walker, width_px: int = 320, height_px: int = 240, frames: int = 20, rate: float = 25.0
) -> Poses:
    """Everyone in every frame, with exact keypoints."""
    camera, times = Camera.assumed(width_px, height_px), np.arange(frames) / rate
    joints = np.array([w.joints_cam_m(t) for w in walkers for t in times]).reshape(-1, 17, 3)
    keypoints = np.zeros((len(joints), 17, 2))
    projected = camera.project(joints)
    for name in LIMB_JOINTS:
        keypoints[:, COCO17.index[name.replace("foot", "ankle")]] = projected[:, H36M17.index[name]]
    return Poses(
        video="walkers",
        width_px=width_px,
        height_px=height_px,
        focal_px=camera.focal_px,
        frame_times_s=times,
        track_ids=np.array([w.track_id for w in walkers], np.int64),
        row_offsets=np.arange(len(walkers) + 1) * frames,
        frame_index=np.tile(np.arange(frames), len(walkers)),
        joints_m=(joints - joints[:, :1]).astype(np.float32),
        root_cam_m=joints[:, 0].astype(np.float32),
        keypoints_px=keypoints.astype(np.float32),
        keypoint_scores=np.full((len(joints), 17), 0.9, np.float32),
        observed=np.ones(len(joints), np.bool_),
    )


def room_of(poses: Poses) -> Scene:
    """A level room with the floor where the walkers walk."""
    middle = poses.root_cam_m.mean(axis=0) if len(poses.root_cam_m) else np.array([0.0, 0.0, 4.0])
    return Scene(
        up=(0.0, -1.0, 0.0),
        floor_m=-CAMERA_HEIGHT_M,
        centre_m=(float(middle[0]), CAMERA_HEIGHT_M, float(middle[2])),
        extent_m=2.0,
        focal_px=poses.focal_px,
        turntable_period_s=8.0,
    )


def grey_frame(poses: Poses, index: int = 0, *, grey: int = 120) -> Frame:
    """A plain frame of the poses' video."""
    rgb = np.full((poses.height_px, poses.width_px, 3), grey, np.uint8)
    return Frame(index, float(poses.frame_times_s[index]), rgb)


def moved(poses: Poses, row: int, root_cam_m: tuple[float, float, float]) -> Poses:
    """The same poses, one row's root elsewhere."""
    roots = poses.root_cam_m.copy()
    roots[row] = root_cam_m
    return replace(poses, root_cam_m=roots)
