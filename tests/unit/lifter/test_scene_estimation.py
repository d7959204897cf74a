"""The room fits the people in it, and there is a sane one without them."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.poses import Poses
from liftline.skeletons import H36M17
from liftline_lifter.scene._ground import ANKLE_HEIGHT_M
from liftline_lifter.scene.estimation import estimate_scene
from liftline_lifter.scene.vertical import upright_direction

# A figure that stands upright and faces the camera: x right, y down, metres from the hip.
_STANDING = {
    "hip": (0, 0), "right_hip": (-0.13, 0), "right_knee": (-0.13, 0.44), "right_foot": (-0.13, 0.88),
    "left_hip": (0.13, 0), "left_knee": (0.13, 0.44), "left_foot": (0.13, 0.88), "spine": (0, -0.23),
    "thorax": (0, -0.48), "neck": (0, -0.55), "head": (0, -0.68), "left_shoulder": (0.16, -0.45),
    "left_elbow": (0.18, -0.18), "left_wrist": (0.2, 0.05), "right_shoulder": (-0.16, -0.45),
    "right_elbow": (-0.18, -0.18), "right_wrist": (-0.2, 0.05),
}  # fmt: skip
STANDING = np.array([(*_STANDING[name], 0.0) for name in H36M17.joints])
STANDING[H36M17.indices("left_foot", "right_foot"), 2] = 0.06
"""Ankles are behind the middle of the feet, where the weight is."""


def turn(pitch_deg: float, roll_deg: float) -> np.ndarray:
    """Rotation from a level world (x right, y down, z ahead) to a camera that looks down and is rolled."""
    p, r = np.radians([pitch_deg, roll_deg])
    pitch = np.array([[1, 0, 0], [0, np.cos(p), -np.sin(p)], [0, np.sin(p), np.cos(p)]])
    roll = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    return roll @ pitch


def poses_of(joints: np.ndarray, roots: np.ndarray) -> Poses:
    rows = len(joints)
    return Poses(
        video="v", width_px=1280, height_px=720, focal_px=1000.0, frame_times_s=np.arange(max(rows, 1)) / 30,
        track_ids=np.arange(1, 1 + bool(rows)), row_offsets=np.array([0, rows] if rows else [0]),
        frame_index=np.arange(rows), joints_m=joints.astype(np.float32), root_cam_m=roots.astype(np.float32),
        keypoints_px=np.zeros((rows, 17, 2), np.float32), keypoint_scores=np.ones((rows, 17), np.float32),
        observed=np.ones(rows, np.bool_),
    )  # fmt: skip


def walk(rows: int, rotation: np.ndarray, *, noise_m: float = 0.03) -> Poses:
    """Someone who walks across the room, seen by a turned camera; the hip is 0.9 m above the floor, at world y 0."""
    rng = np.random.default_rng(0)
    world = np.stack([np.linspace(-1.5, 1.5, rows), np.zeros(rows), np.linspace(4, 6, rows)], axis=1)
    joints = STANDING + rng.normal(0, noise_m, (rows, 17, 3))
    return poses_of(joints @ rotation.T, world @ rotation.T)


@pytest.mark.parametrize("pitch", [-15.0, 0.0, 10.0, 25.0])
@pytest.mark.parametrize("roll", [-8.0, 0.0, 5.0])
def test_up_and_floor_are_found_for_a_tilted_camera(pitch: float, roll: float) -> None:
    rotation = turn(pitch, roll)
    scene = estimate_scene(walk(300, rotation))
    expected = rotation @ [0, -1, 0]
    assert np.degrees(np.arccos(np.clip(np.dot(scene.up, expected), -1, 1))) < 4
    feet = np.array([[-1.5, 0.88, 4], [1.5, 0.88, 6]]) @ rotation.T
    np.testing.assert_allclose(feet @ scene.up - ANKLE_HEIGHT_M, scene.floor_m, atol=0.25)


def test_the_middle_lies_on_the_floor_and_the_extent_holds_everyone() -> None:
    poses = walk(300, turn(10, 0))
    scene = estimate_scene(poses)
    assert np.dot(scene.up, scene.centre_m) == pytest.approx(scene.floor_m, abs=1e-6)
    away = poses.root_cam_m - np.array(scene.centre_m)
    flat = away - np.outer(away @ scene.up, scene.up)
    assert np.linalg.norm(flat, axis=1).max() < scene.extent_m < 4


def test_a_depth_gone_wrong_in_one_frame_does_not_blow_up_the_room() -> None:
    poses = walk(300, turn(0, 0))
    poses.root_cam_m[17, 2] = 90
    assert estimate_scene(poses).extent_m < 4


def test_people_who_bend_do_not_tilt_the_room() -> None:
    bent = STANDING.copy()
    upper = H36M17.indices("spine", "thorax", "neck", "head", "left_shoulder", "right_shoulder")
    bent[upper, 2], bent[upper, 1] = STANDING[upper, 1], 0
    joints = np.concatenate([np.tile(STANDING, (40, 1, 1)), np.tile(bent, (400, 1, 1))])
    scene = estimate_scene(poses_of(joints, np.tile([0, 0, 5.0], (440, 1))))
    np.testing.assert_allclose(scene.up, [0, -1, 0], atol=0.02)


def test_the_camera_is_taken_for_level_when_nobody_stands() -> None:
    lying = STANDING[:, [1, 0, 2]]
    scene = estimate_scene(poses_of(np.tile(lying, (100, 1, 1)), np.tile([0, 0.5, 5.0], (100, 1))))
    np.testing.assert_allclose(scene.up, [0, -1, 0], atol=1e-6)


def test_a_few_frames_do_not_outvote_the_level_camera() -> None:
    leaning = np.tile(STANDING @ turn(0, 30).T, (2, 1, 1))
    assert np.degrees(np.arccos(upright_direction(leaning) @ [0, -1, 0])) < 15
    assert np.degrees(np.arccos(upright_direction(np.repeat(leaning, 100, axis=0)) @ [0, -1, 0])) > 25


@pytest.mark.parametrize("rows", [0, 1])
def test_nobody_or_one_frame_gives_a_sane_room(rows: int) -> None:
    scene = estimate_scene(poses_of(np.tile(STANDING, (rows, 1, 1)), np.tile([0, 0, 5.0], (rows, 1))))
    assert np.isfinite([*scene.up, scene.floor_m, *scene.centre_m, scene.extent_m]).all()
    assert scene.up[1] < -0.99
    assert 0.5 < scene.centre_m[1] < 1.5
    assert 1 <= scene.extent_m < 3
