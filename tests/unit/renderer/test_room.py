from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.scene import Scene, to_world
from liftline_renderer.view3d._focus import MAX_RADIUS_M, FocusPath
from liftline_renderer.view3d.room import Focus, OrbitCamera, Room
from tests.unit.renderer.walking_poses import CAMERA_HEIGHT_M, Walker, moved, poses_of, room_of

TILTED = Scene(
    up=(0.0, -float(np.cos(0.4)), -float(np.sin(0.4))),
    floor_m=-1.5,
    centre_m=(0.2, 0.5, 4.0),
    extent_m=2.0,
    focal_px=800.0,
)


def _camera(time_s=0.0, period_s=8.0, radius=1.0, size=(720, 720)):
    return OrbitCamera.at(time_s, Focus(0, 0, radius), period_s=period_s, width_px=size[0], height_px=size[1])


def test_the_floor_is_at_height_zero_and_up_is_up_for_a_tilted_camera():
    room, up = Room.of(TILTED), np.array(TILTED.up)
    assert room.from_camera(room.origin_m + 2 * up) == pytest.approx([0, 0, 2])
    on_floor = TILTED.floor_m * up
    assert room.from_camera(on_floor)[2] == pytest.approx(0)
    np.testing.assert_allclose(room.axes @ room.axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(room.axes) == pytest.approx(1)


@pytest.mark.parametrize("up", [(0.0, 0.0, -1.0), (0.0, 0.0, 1.0)])
def test_a_video_taken_from_straight_above_or_below_has_a_room_too(up):
    room = Room.of(replace(TILTED, up=up))
    assert np.linalg.det(room.axes) == pytest.approx(1)


@pytest.mark.parametrize("up", [(0.0, 0.0, -1.0), (0.0, 4e-4, -1.0), (0.0, -4e-4, -1.0), (3e-4, 2e-4, 1.0), TILTED.up])
def test_the_room_is_the_world_of_the_exports_with_its_origin_amid_the_people(up):
    scene = replace(TILTED, up=tuple(float(v) for v in np.array(up) / np.linalg.norm(up)))
    points = np.array([[0.1, 0.2, 3.0], [1.0, -0.5, 4.0]])
    room, world = Room.of(scene), to_world(points, scene)
    middle = to_world(room.origin_m, scene)
    np.testing.assert_allclose(room.from_camera(points), world - middle, atol=1e-12)


def test_at_the_start_the_view_looks_from_the_video_cameras_side():
    camera = _camera()
    left, right = camera.see(np.array([[-1.0, 0, 0], [1.0, 0, 0]]))
    near, far = camera.see(np.array([[0.0, -1, 0], [0.0, 1, 0]]))
    assert left[0] < 360 < right[0]
    assert near[2] < far[2]


@pytest.mark.parametrize("time_s", [0.0, 1.0, 2.0, 5.5])
def test_people_stand_upright_in_the_picture_at_any_time(time_s):
    foot, head = _camera(time_s).see(np.array([[0.0, 0, 0], [0.0, 0, 1.8]]))
    assert head[1] < foot[1] - 200
    assert head[0] == pytest.approx(foot[0], abs=1e-6)


def test_the_camera_swings_to_both_sides_and_comes_back_after_a_period():
    point = np.array([0.0, -1.0, 0.0])
    x = [_camera(t).see(point)[0] for t in (0, 2, 4, 6, 8)]
    assert x[0] == pytest.approx(x[2]) == pytest.approx(x[4])
    assert (x[1] - x[0]) * (x[3] - x[0]) < 0


@pytest.mark.parametrize("size", [(720, 720), (720, 1280), (1280, 720), (48, 48), (400, 60)])
@pytest.mark.parametrize("radius", [0.0, 1.5, 6.0])
def test_everyone_within_the_radius_is_in_the_picture(size, radius):
    angles = np.linspace(0, 2 * np.pi, 16)
    for height in (0.0, 1.8):
        ring = np.stack([radius * np.cos(angles), radius * np.sin(angles), np.full(16, height)], axis=1)
        for time_s in (0.0, 2.0):
            seen = _camera(time_s, radius=radius, size=size).see(ring)
            assert np.all(seen[:, :2] > 0)
            assert np.all(seen[:, :2] < size)


def test_points_behind_the_views_camera_have_no_place():
    assert np.all(np.isnan(_camera().see(np.array([0.0, -100.0, 0.0]))[:2]))


def test_the_view_follows_a_walker_smoothly():
    poses = poses_of(Walker(heading=np.pi / 2, speed_m_s=1.5), frames=200)
    scene = room_of(poses)
    path = FocusPath(poses, scene, Room.of(scene))
    x = np.array([path.at(t).x_m for t in poses.frame_times_s])
    assert np.all(np.diff(x) >= -1e-9)
    roots = Room.of(scene).from_camera(poses.root_cam_m.astype(float))[:, 0]
    assert np.abs(x - roots).max() < 1.2
    assert path.at(4.0).x_m == pytest.approx(roots[100], abs=0.05)


def test_a_failed_fit_far_away_moves_nothing():
    poses = poses_of(Walker(1), Walker(2, x_m=1.0), frames=50)
    scene = room_of(poses)
    path = FocusPath(poses, scene, Room.of(scene)).at(1.0)
    off = moved(moved(moved(poses, 25, (4000.0, 0.3, 5000.0)), 26, (np.nan, 0, 4)), 27, (1e12, 0, 4))
    other = FocusPath(off, scene, Room.of(scene)).at(1.0)
    assert np.hypot(path.x_m - other.x_m, path.y_m - other.y_m) < 0.1
    assert other.radius_m < path.radius_m + 0.3


def test_an_absurd_extent_does_not_push_the_camera_away():
    poses = poses_of(Walker(1), Walker(2, x_m=11.0), frames=50)
    for extent in (1e9, float("inf"), float("nan")):
        scene = replace(room_of(poses), extent_m=extent)
        assert FocusPath(poses, scene, Room.of(scene)).at(1.0).radius_m <= MAX_RADIUS_M


def test_without_people_the_view_rests_on_the_scenes_centre():
    poses = poses_of(frames=5)
    scene = room_of(poses)
    assert FocusPath(poses, scene, Room.of(scene)).at(0.1) == Focus(0.0, 0.0, 0.0)
    assert Room.of(scene).from_camera(np.array([0.0, CAMERA_HEIGHT_M, 4.0])) == pytest.approx([0, 0, 0])
