from __future__ import annotations

from dataclasses import replace

import numpy as np

from liftline_renderer.drawing.frame_poses import PosesByFrame
from tests.unit.renderer.walking_poses import Walker, moved, poses_of


def test_each_frame_has_its_own_people_whatever_the_order_of_rows():
    poses = poses_of(Walker(7), Walker(3, x_m=1.0), frames=5)
    index = poses.frame_index.copy()
    index[5:] = index[5:][::-1]
    people = PosesByFrame(replace(poses, frame_index=index)).at(1)
    assert people.track_ids.tolist() == [7, 3]
    np.testing.assert_allclose(people.joints_cam_m[1], poses.joints_m[8] + poses.root_cam_m[8], rtol=1e-5)


def test_frames_without_people_and_frames_past_the_end_are_empty():
    poses = poses_of(Walker(), frames=4)
    poses = replace(poses, frame_times_s=np.arange(6) / 25)
    by_frame = PosesByFrame(poses)
    assert [len(by_frame.at(index)) for index in (3, 4, 5, 6, 1000)] == [1, 0, 0, 0, 0]


def test_people_with_missing_or_absurd_joints_are_left_out():
    poses = poses_of(Walker(1), Walker(2), Walker(3), frames=1)
    poses = moved(poses, 0, (np.nan, 0.0, 4.0))
    poses = moved(poses, 1, (1e9, 0.0, 4.0))
    assert PosesByFrame(poses).at(0).track_ids.tolist() == [3]


def test_what_was_seen_is_there_without_a_3d_pose_and_what_was_filled_in_is_not():
    poses = moved(poses_of(Walker(1), Walker(2), frames=2), 0, (np.nan, 0.0, 4.0))
    poses = replace(poses, observed=np.array([True, True, False, True]))
    by_frame = PosesByFrame(poses)
    assert [by_frame.seen_at(index).track_ids.tolist() for index in (0, 1, 2)] == [[1], [1, 2], []]
    np.testing.assert_array_equal(by_frame.seen_at(1).keypoints_px[1], poses.keypoints_px[3])
