"""The walking figure: its motion is a walk, its picture shows it, and its truth is true."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from liftline import poses
from liftline.camera import Camera
from liftline.poses import Poses
from liftline.progress import FrameCounter
from liftline.skeletons import COCO17, H36M17
from liftline_demo.mannequin.clip import WALK, Clip, draw_frame, render_clip, truth_path
from liftline_demo.mannequin.figure import body_of
from liftline_demo.mannequin.gait import SHIN_M, SIDES, STANCE, THIGH_M, Pose, knee_between, pose_at
from liftline_demo.mannequin.shading import room
from liftline_demo.mannequin.truth import coco_keypoints, h36m_joints, truth_of
from liftline_demo.mannequin.view import View

SMALL_PX = (96, 72)


@pytest.fixture(scope="module")
def lap() -> list[Pose]:
    return [pose_at(WALK, phase) for phase in np.linspace(0, WALK.cycles_per_lap, 240, endpoint=False)]


@pytest.fixture(scope="module")
def truth(lap: list[Pose]) -> Poses:
    return truth_of(lap, View.of_the_walk(640, 480), rate=Fraction(50), video="walk.mp4")


def test_a_lap_ends_where_it_began() -> None:
    first, last = pose_at(WALK, 0.0), pose_at(WALK, float(WALK.cycles_per_lap))
    for name, point in first.points.items():
        np.testing.assert_allclose(last.points[name], point, atol=1e-9, err_msg=name)


def test_bones_keep_their_length(truth: Poses) -> None:
    limbs = [
        (parent, joint)
        for joint, parent in enumerate(H36M17.parents)
        if H36M17.joints[joint].endswith(("knee", "foot", "elbow", "wrist", "_hip"))
    ]
    for parent, joint in limbs:
        lengths = np.linalg.norm(truth.joints_m[:, joint] - truth.joints_m[:, parent], axis=-1)
        np.testing.assert_allclose(lengths, lengths[0], atol=1e-5, err_msg=H36M17.joints[joint])


def test_feet_stay_on_and_above_the_floor(lap: list[Pose]) -> None:
    radii = {"heel": 0.045, "ball": 0.040, "toe": 0.033}
    soles = {name: [min(p.points[f"{s.name}_{name}"][2] - r for s in SIDES) for p in lap] for name, r in radii.items()}
    assert min(map(min, soles.values())) > -1e-6
    lowest = np.min(list(soles.values()), axis=0)
    np.testing.assert_allclose(lowest, 0, atol=1e-6)


def test_a_standing_foot_does_not_skate() -> None:
    phases = np.linspace(0.12, 0.34, 12)
    ankles = np.stack([pose_at(WALK, phase).points["left_ankle"] for phase in phases])
    np.testing.assert_allclose(ankles, np.broadcast_to(ankles[0], ankles.shape), atol=1e-9)
    balls = np.stack([pose_at(WALK, phase).points["left_ball"] for phase in np.linspace(0.12, STANCE - 0.01, 12)])
    np.testing.assert_allclose(balls, np.broadcast_to(balls[0], balls.shape), atol=1e-9)


def test_knees_bend_forward(lap: list[Pose]) -> None:
    for pose in lap[::6]:
        forward = pose.frames["pelvis"][:, 0]
        for side in SIDES:
            hip, knee, ankle = (pose.points[f"{side.name}_{joint}"] for joint in ("hip", "knee", "ankle"))
            assert (knee - (hip + ankle) / 2) @ forward > 0


def test_a_leg_too_short_for_its_step_is_an_error() -> None:
    with pytest.raises(ValueError, match="from the hip"):
        knee_between(np.zeros(3), np.array([0.0, 0.0, -THIGH_M - SHIN_M]), np.array([1.0, 0.0, 0.0]))


def test_joints_are_relative_to_a_hip_in_front_of_the_camera(truth: Poses) -> None:
    np.testing.assert_array_equal(truth.joints_m[:, 0], 0)
    assert truth.root_cam_m[:, 2].min() > 3
    assert truth.root_cam_m[:, 2].max() < 5
    up_is_negative_y = truth.joints_m[:, H36M17.index["head"], 1]
    assert up_is_negative_y.max() < -0.6


def test_joints_both_sets_share_project_to_the_keypoints(truth: Poses) -> None:
    projected = Camera(640, 480, truth.focal_px).project(truth.joints_m + truth.root_cam_m[:, None])
    for joint, keypoint in (
        ("left_shoulder",) * 2,
        ("right_wrist",) * 2,
        ("left_knee",) * 2,
        ("left_foot", "left_ankle"),
    ):
        np.testing.assert_allclose(
            projected[:, H36M17.index[joint]], truth.keypoints_px[:, COCO17.index[keypoint]], atol=0.01
        )


def test_left_is_on_the_right_of_the_picture_when_the_figure_faces_the_camera(truth: Poses) -> None:
    left, right = truth.keypoints_px[0, COCO17.indices("left_shoulder", "right_shoulder"), 0]
    assert left > right + 30
    left, right = truth.keypoints_px[120, COCO17.indices("left_shoulder", "right_shoulder"), 0]
    assert left < right - 30


def test_the_whole_figure_stays_in_the_picture(truth: Poses) -> None:
    assert (truth.keypoints_px > 10).all()
    assert (truth.keypoints_px < [630, 470]).all()


def test_joints_lie_inside_the_body_and_the_face_on_its_skin(lap: list[Pose]) -> None:
    for pose in lap[::40]:
        assert (_distance_to_skin(pose, h36m_joints(pose)) < 0.012).all()
        assert (np.abs(_distance_to_skin(pose, coco_keypoints(pose)[:5])) < 0.012).all()


def _distance_to_skin(pose: Pose, points_m: NDArray[np.float64]) -> NDArray[np.float32]:
    return body_of(pose).distance((points_m - pose.points["pelvis"]).astype(np.float32))[0]


def test_the_picture_shows_the_figure_where_its_truth_says() -> None:
    clip = Clip(frames=8, size_px=(160, 120))
    view = View.of_the_walk(160, 120)
    picture = draw_frame(clip, 0).astype(np.float64) / 255
    changed = np.abs(picture - room(view, seed=0).picture).max(axis=-1) > 0.08
    keypoints = view.camera.project(view.to_camera(coco_keypoints(clip.pose(0))))
    columns, rows = keypoints.astype(int).T
    assert changed[rows, columns].mean() > 0.9
    assert changed.mean() < 0.25


def test_the_same_clip_has_the_same_pixels_and_another_seed_others() -> None:
    picture = draw_frame(Clip(frames=4, size_px=SMALL_PX), 2)
    np.testing.assert_array_equal(picture, draw_frame(Clip(frames=4, size_px=SMALL_PX), 2))
    assert (picture != draw_frame(Clip(frames=4, size_px=SMALL_PX, seed=1), 2)).any()


def test_a_short_clip_walks_at_the_usual_pace() -> None:
    clip = Clip(frames=16)
    step = clip.pose(1).points["pelvis"] - clip.pose(0).points["pelvis"]
    assert np.linalg.norm(step[:2]) * 25 == pytest.approx(0.92, abs=0.15)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_rendered_clip_has_all_frames_and_its_truth_beside_it(tmp_path: Path, workers: int) -> None:
    path, counter = tmp_path / "walk.mp4", FrameCounter()
    clip = Clip(5, Fraction(30000, 1001), SMALL_PX)
    render_clip(path, clip, workers=workers, progress=counter)
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        assert container.streams.video[0].average_rate == Fraction(30000, 1001)
    assert len(frames) == counter.frames == 5
    difference = np.abs(frames[3].astype(int) - draw_frame(clip, 3))
    assert difference.mean() < 6
    truth = poses.load(truth_path(path))
    assert (truth.width_px, truth.height_px, len(truth.frame_times_s)) == (*SMALL_PX, 5)
    assert truth.frame_times_s[2] == pytest.approx(2 * 1001 / 30000)
