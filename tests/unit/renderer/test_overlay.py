from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.camera import Camera
from liftline.skeletons import H36M17
from liftline_renderer.drawing.frame_poses import PosesByFrame
from liftline_renderer.drawing.overlay import Overlay, dashes
from liftline_renderer.drawing.palette import LEFT, RIGHT, person_colours
from tests.unit.renderer.walking_poses import Walker, moved, poses_of

GREY = 120


def _draw(poses, frame=0):
    image = np.full((poses.height_px, poses.width_px, 3), GREY, np.uint8)
    camera = Camera(poses.width_px, poses.height_px, poses.focal_px)
    Overlay(camera, 1.0).draw(image, PosesByFrame(poses).at(frame))
    return image


def _middle_of(poses, first, second, row=0):
    joints = poses.joints_m[row] + poses.root_cam_m[row]
    camera = Camera(poses.width_px, poses.height_px, poses.focal_px)
    a, b = camera.project(joints[H36M17.indices(first, second)].astype(float))
    x, y = ((a + b) / 2).astype(int)
    return x, y


def _hue_distance(colour, reference):
    """Angle between colours without their brightness."""
    flat = [np.asarray(c, float) / np.linalg.norm(c) for c in (colour, reference)]
    return float(np.arccos(np.clip(flat[0] @ flat[1], -1, 1)))


@pytest.fixture
def facing():
    """One person walking towards the camera, 720p."""
    return poses_of(Walker(2, heading=np.pi), width_px=1280, height_px=720, frames=3)


@pytest.mark.parametrize(("side", "row"), [("left", LEFT), ("right", RIGHT)])
def test_each_sides_bones_have_that_sides_colour_where_the_limb_is(facing, side, row):
    image = _draw(facing)
    colours = person_colours(2).sides
    for first, second in (("shoulder", "elbow"), ("hip", "knee"), ("knee", "foot")):
        x, y = _middle_of(facing, f"{side}_{first}", f"{side}_{second}")
        other = colours[RIGHT if row == LEFT else LEFT]
        assert _hue_distance(image[y, x], colours[row]) < 0.15
        assert _hue_distance(image[y, x], colours[row]) < _hue_distance(image[y, x], other)


def test_pixels_away_from_people_are_untouched(facing):
    image = _draw(facing)
    np.testing.assert_array_equal(image[:, :200], GREY)
    np.testing.assert_array_equal(image[:, -200:], GREY)


def test_bones_nearer_to_the_camera_are_brighter_and_thicker():
    poses = poses_of(Walker(1, heading=np.pi / 2), width_px=1280, height_px=720, frames=1)
    near = poses.joints_m.copy()
    arm = H36M17.indices("right_elbow", "right_wrist")
    shown = {}
    for name, depth in (("near", -0.4), ("far", 0.4)):
        near[0, arm, 0], near[0, arm, 1] = [0.5, 0.9], -0.2
        near[0, arm, 2] = depth
        image = _draw(replace(poses, joints_m=near, keypoint_scores=np.zeros_like(poses.keypoint_scores)))
        x, y = _middle_of(replace(poses, joints_m=near), "right_elbow", "right_wrist")
        column = image[y - 25 : y + 25, x].astype(int)
        shown[name] = (column.max(), int((np.abs(column - GREY).max(axis=1) > 25).sum()))
    assert shown["near"][0] > shown["far"][0]
    assert shown["near"][1] > shown["far"][1]


def test_nearer_people_are_drawn_over_farther_ones_whatever_their_order():
    near, far = Walker(1, z_m=3.5, heading=np.pi), Walker(2, z_m=6.0, heading=np.pi)
    pictures = [_draw(poses_of(*order, width_px=640, height_px=480, frames=1)) for order in ((near, far), (far, near))]
    np.testing.assert_array_equal(pictures[0], pictures[1])
    x, y = _middle_of(poses_of(near, width_px=640, height_px=480, frames=1), "thorax", "spine")
    assert _hue_distance(pictures[0][y, x], person_colours(1).sides[2]) < 0.2


def test_interpolated_frames_are_paler_and_dashed(facing):
    image, ghost = _draw(facing), _draw(replace(facing, observed=np.zeros(3, np.bool_)))
    strength = [np.abs(picture.astype(int) - GREY).sum() for picture in (image, ghost)]
    assert 0 < strength[1] < 0.6 * strength[0]
    gaps = dashes(np.array([0.0, 0.0]), np.array([100.0, 0.0]), np.array([4.0, 4.0]))
    assert len(gaps) >= 3
    assert np.all(gaps[1:, :, 0].min(axis=1) > gaps[:-1, :, 0].max(axis=1))


def test_the_overlay_sits_on_the_keypoints_when_the_root_is_off(facing):
    straight = _draw(facing)
    shifted = _draw(replace(facing, root_cam_m=facing.root_cam_m + np.float32([0.15, 0.1, 0.4])))
    changed = np.abs(straight.astype(int) - shifted.astype(int)).max(axis=2) > 60
    assert changed.mean() < 0.004


@pytest.mark.parametrize("root", [(0.0, 0.0, -4.0), (0.0, 0.0, 0.02), (np.nan, 0.0, 4.0), (0.0, np.inf, 4.0)])
def test_people_behind_or_around_the_camera_or_unknown_are_left_out(facing, root):
    np.testing.assert_array_equal(_draw(moved(facing, 0, root)), GREY)


@pytest.mark.parametrize("root", [(9000.0, 0.0, 0.9), (-9000.0, 9000.0, 1.0), (0.0, 0.0, 9000.0)])
def test_people_far_outside_the_picture_do_no_harm(facing, root):
    blind = replace(facing, keypoint_scores=np.zeros_like(facing.keypoint_scores))
    assert _draw(moved(blind, 0, root)).shape == (720, 1280, 3)


def test_absurd_keypoints_do_no_harm(facing):
    wild = replace(facing, keypoints_px=np.full_like(facing.keypoints_px, 1e30))
    assert _draw(wild).shape == (720, 1280, 3)
