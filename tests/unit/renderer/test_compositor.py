from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.camera import Camera
from liftline.frames import Frame
from liftline.skeletons import H36M17, Skeleton
from liftline_renderer.compositor import Compositor
from liftline_renderer.drawing.palette import person_colours
from liftline_renderer.layout import RenderSettings
from liftline_renderer.view3d.view import clock
from tests.unit.renderer.walking_poses import Walker, grey_frame, moved, poses_of, room_of

TWO = (Walker(1, x_m=-0.7), Walker(2, x_m=0.8, z_m=5.5, heading=-1.0))


def _compositor(poses, layout="side-by-side", **options):
    return Compositor(poses.width_px, poses.height_px, poses, room_of(poses), RenderSettings(layout, **options))


def test_a_picture_depends_on_its_frame_alone_not_on_those_drawn_before():
    poses = poses_of(*TWO, frames=20)
    whole, late = _compositor(poses), _compositor(poses)
    pictures = [whole.draw(grey_frame(poses, index)) for index in range(20)]
    for index in (10, 15, 19, 11):
        np.testing.assert_array_equal(late.draw(grey_frame(poses, index)), pictures[index])


def test_the_source_frame_is_not_changed():
    poses = poses_of(*TWO)
    frame = grey_frame(poses)
    _compositor(poses).draw(frame)
    assert np.all(frame.rgb == 120)


@pytest.mark.parametrize("overlay", ["poses", "keypoints"])
def test_the_order_of_people_changes_no_pixel(overlay):
    scene, pictures = room_of(poses_of(*TWO)), []
    for order in (TWO, TWO[::-1]):
        poses = poses_of(*order)
        compositor = Compositor(poses.width_px, poses.height_px, poses, scene, RenderSettings(overlay=overlay))
        pictures.append(compositor.draw(grey_frame(poses)))
    np.testing.assert_array_equal(pictures[0], pictures[1])


@pytest.mark.parametrize("overlay", ["poses", "keypoints"])
@pytest.mark.parametrize("layout", ["overlay", "side-by-side", "3d"])
@pytest.mark.parametrize("size", [(64, 48), (48, 64), (161, 121), (180, 320), (2, 2), (1, 1), (600, 40)])
def test_any_size_and_shape_of_video_is_drawn(size, layout, overlay):
    poses = poses_of(*TWO, width_px=size[0], height_px=size[1], frames=2)
    compositor = _compositor(poses, layout, overlay=overlay)
    assert compositor.draw(grey_frame(poses, 1)).shape == (compositor.panes.height, compositor.panes.width, 3)


def test_the_overlay_changes_the_video_and_not_the_3d_view_beside_it():
    poses = poses_of(*TWO)
    over = [_compositor(poses, overlay=name).draw(grey_frame(poses)) for name in ("poses", "keypoints")]
    assert (over[0][:, :320] != over[1][:, :320]).any()
    np.testing.assert_array_equal(over[0][:, 320:], over[1][:, 320:])
    moved_3d = replace(poses, joints_m=poses.joints_m + np.float32(0.3))
    again = _compositor(moved_3d, "overlay", overlay="keypoints").draw(grey_frame(poses))
    np.testing.assert_array_equal(again, over[1][:, :320], err_msg="what was seen doesn't depend on the 3D result")


def with_feet(poses):
    """The same poses with heels below the feet and toes in front of them, as if a lifter gave those too."""
    joints, feet = [*H36M17.joints], H36M17.indices("left_foot", "right_foot")
    further = [f"{side}_{part}" for part in ("heel", "big_toe") for side in ("left", "right")]
    edges = (*H36M17.edges, (feet[0], 17), (feet[1], 18), (17, 19), (18, 20))
    left, right = (*H36M17.left, 17, 19), (*H36M17.right, 18, 20)
    below = poses.joints_m[:, feet] + np.array([0, 0.06, 0.03], np.float32)
    return replace(
        poses, skeleton=Skeleton("h36m17_feet", (*joints, *further), edges, left, right),
        joints_m=np.concatenate([poses.joints_m, below, below + np.array([0.05, 0, -0.2], np.float32)], axis=1),
    )  # fmt: skip


def test_feet_are_drawn_where_the_poses_have_them_and_the_rest_stays():
    poses = poses_of(Walker(1, heading=np.pi, z_m=4), width_px=640, height_px=640, frames=2)
    scene, frame = room_of(poses), grey_frame(poses)
    drawers = [Compositor(640, 640, one, scene, RenderSettings()) for one in (poses, with_feet(poses))]
    pictures = [drawer.draw(frame).astype(int) for drawer in drawers]
    changed = np.argwhere(np.abs(pictures[0] - pictures[1]).max(axis=2) > 12)
    over = changed[changed[:, 1] < 640]
    camera = Camera(640, 640, poses.focal_px)
    ankles = camera.project((poses.joints_m + poses.root_cam_m[:, None])[0, H36M17.indices("left_foot", "right_foot")])
    assert len(over) > 60
    assert np.linalg.norm(over[:, None, ::-1] - ankles, axis=2).min(axis=1).max() < 50
    assert len(changed) > len(over) + 60, "in the 3D view too"


def test_a_video_without_people_shows_the_video_and_the_empty_room():
    poses = poses_of(frames=3)
    compositor = _compositor(poses)
    picture = compositor.draw(grey_frame(poses, 1))
    np.testing.assert_array_equal(picture[:, :320], 120)
    assert picture[:, 320:].std() > 3


def test_an_odd_row_and_column_are_repeated_and_nothing_is_resampled():
    poses = poses_of(width_px=33, height_px=21, frames=1)
    rgb = np.random.default_rng(0).integers(0, 256, (21, 33, 3), np.uint8)
    picture = _compositor(poses, "overlay").draw(Frame(0, 0.0, rgb))
    np.testing.assert_array_equal(picture[:21, :33], rgb)
    np.testing.assert_array_equal(picture[21, :33], rgb[20])
    np.testing.assert_array_equal(picture[:21, 33], rgb[:, 32])


def test_a_scaled_overlay_still_sits_on_the_person():
    poses = poses_of(Walker(), width_px=640, height_px=480)
    large = _compositor(poses, "overlay").draw(grey_frame(poses)).astype(int)
    small = _compositor(poses, "overlay", max_height_px=240).draw(grey_frame(poses)).astype(int)
    legs = [picture[picture.shape[0] * 3 // 5 :] for picture in (large, small)]  # no label there
    centres = [np.argwhere(np.abs(part - 120).max(axis=2) > 40).mean(axis=0) for part in legs]
    np.testing.assert_allclose(centres[1] * 2, centres[0], atol=4)


def test_poses_found_at_another_resolution_are_scaled_to_the_frame():
    poses = poses_of(Walker(), width_px=320, height_px=240)
    compositor = Compositor(640, 480, poses, room_of(poses), RenderSettings("overlay"))
    picture = compositor.draw(Frame(0, 0.0, np.full((480, 640, 3), 120, np.uint8)))
    expected = _compositor(big := poses_of(Walker(), width_px=640, height_px=480), "overlay").draw(grey_frame(big))
    np.testing.assert_allclose(picture.astype(int), expected.astype(int), atol=12)


def test_everyone_in_the_3d_view_has_their_own_hue():
    poses = poses_of(*TWO, width_px=480, height_px=480)
    picture = _compositor(poses, "3d").draw(grey_frame(poses)).astype(float)
    for track in (1, 2):
        middle = person_colours(track).sides[2]
        angle = (picture @ middle) / (np.linalg.norm(picture, axis=2) * np.linalg.norm(middle) + 1e-9)
        assert np.count_nonzero((angle > 0.998) & (picture.max(axis=2) > 120)) > 300


def test_in_the_3d_view_nearer_people_hide_farther_ones():
    near, far = Walker(1, z_m=4.0, heading=np.pi, speed_m_s=0), Walker(2, z_m=5.0, heading=np.pi, speed_m_s=0)
    poses = poses_of(near, far, width_px=480, height_px=480)
    picture = _compositor(poses, "3d").draw(grey_frame(poses)).astype(float)
    blue = (picture[..., 2] > picture[..., 0] + 40).sum()
    red = (picture[..., 0] > picture[..., 2] + 40).sum()
    assert blue > red


def test_the_floor_is_darker_under_a_person():
    poses = poses_of(Walker(1, speed_m_s=0), width_px=480, height_px=480)
    with_person = _compositor(poses, "3d").draw(grey_frame(poses)).astype(int)
    empty = _compositor(gone := moved(poses, 0, (np.nan, 0, 0)), "3d").draw(grey_frame(gone)).astype(int)
    darker = (empty - with_person).min(axis=2) > 5
    rows = np.flatnonzero(darker.sum(axis=1) > 10)
    assert len(rows)
    assert rows.min() > 240


def test_overlapping_shadows_do_not_depend_on_the_order_of_people():
    close = (Walker(1, x_m=0.0, z_m=4.5, heading=0.3), Walker(2, x_m=0.15, z_m=4.6, heading=2.0))
    scene, pictures = room_of(poses_of(*close)), []
    for order in (close, close[::-1]):
        poses = poses_of(*order)
        compositor = Compositor(poses.width_px, poses.height_px, poses, scene, RenderSettings("3d"))
        pictures.append(compositor.draw(grey_frame(poses)))
    np.testing.assert_array_equal(pictures[0], pictures[1])


def test_interpolated_people_are_paler_in_the_3d_view():
    poses = poses_of(Walker(2), width_px=480, height_px=480)
    ghost = replace(poses, observed=np.zeros_like(poses.observed))
    bright = [_compositor(p, "3d").draw(grey_frame(p)).max() for p in (poses, ghost)]
    saturated = [np.ptp(_compositor(p, "3d").draw(grey_frame(p)).astype(int), axis=2).max() for p in (poses, ghost)]
    assert saturated[1] < 0.8 * saturated[0]
    assert bright[1] <= bright[0]


@pytest.mark.parametrize("root", [(0.0, 0.0, -50.0), (np.nan, 0.0, 1.0), (8000.0, 0.0, 9000.0), (0.0, -9000.0, 0.01)])
def test_one_lost_person_spoils_no_picture(root):
    poses = poses_of(*TWO)
    assert _compositor(poses).draw(grey_frame(moved(poses, 0, root))).shape == (240, 560, 3)


@pytest.mark.parametrize(
    ("time_s", "text"), [(0.0, "0:00.00"), (65.2, "1:05.20"), (59.999, "1:00.00"), (3600, "60:00.00")]
)
def test_the_clock_shows_minutes_seconds_and_hundredths(time_s, text):
    assert clock(time_s) == text
