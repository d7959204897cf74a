"""The split of the motion capture, and bodies taken apart into bones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from training.motion.bones import ancestors, to_bones
from training.motion.data import (
    COCO_IN_JOINTS,
    JOINTS,
    MIRRORED,
    at_speed,
    held_out_split,
    joined,
    load_motion,
    training_split,
)


def test_training_sees_neither_hdm05_nor_the_held_out_subject(mocap: Path) -> None:
    motion = training_split(load_motion(mocap))
    assert motion.subjects.tolist() == ["cmu_01", "cmu_05"]
    assert set(motion.sources.tolist()) == {"CMU"}
    assert len(motion.joints_m) == motion.lengths.sum() == 300


def test_results_are_measured_on_the_rest(mocap: Path) -> None:
    assert held_out_split(load_motion(mocap)).subjects.tolist() == ["cmu_02", "hdm_bd", "hdm_tr"]


@pytest.mark.shared_data
def test_the_real_data_is_split_as_its_readme_says(shared_data: Path) -> None:
    motion = load_motion(shared_data / "mocap" / "cmu_hdm05_50hz.npz")
    assert len(training_split(motion).joints_m) == 113_656
    held_out = held_out_split(motion)
    assert set(held_out.subjects.tolist()) == {"cmu_02", "hdm_bd", "hdm_bk", "hdm_dg", "hdm_mm", "hdm_tr"}
    assert len(held_out.joints_m) + 113_656 == len(motion.joints_m)


def test_a_split_takes_its_frames_along(mocap: Path) -> None:
    whole = load_motion(mocap)
    last = whole.only(whole.subjects == "hdm_tr")
    np.testing.assert_array_equal(last.joints_m, whole.joints_m[-150:])
    np.testing.assert_array_equal(last.root_m, whole.root_m[-150:])
    assert last.starts.tolist() == [0]
    assert last.clips.tolist() == ["walk_4"]


def test_a_split_without_clips_is_refused(mocap: Path) -> None:
    whole = load_motion(mocap)
    with pytest.raises(ValueError, match="no clip"):
        whole.only(whole.subjects == "nobody")


def test_other_joints_are_refused(tmp_path: Path, mocap: Path) -> None:
    with np.load(mocap) as file:
        content = dict(file)
    content["joints"] = content["joints"][::-1]
    np.savez(tmp_path / "other.npz", **content)
    with pytest.raises(ValueError, match="other joints"):
        load_motion(tmp_path / "other.npz")


def test_motion_at_twice_the_speed_is_every_second_frame(mocap: Path) -> None:
    motion = load_motion(mocap)
    fast = at_speed(motion, 2.0)
    assert fast.lengths.tolist() == [75] * 5
    np.testing.assert_array_equal(fast.joints_m[:75], motion.joints_m[:150:2])


def test_slow_motion_stays_between_its_frames(mocap: Path) -> None:
    motion = load_motion(mocap)
    slow = at_speed(motion, 0.5)
    np.testing.assert_allclose(slow.joints_m[1], (motion.joints_m[0] + motion.joints_m[1]) / 2, atol=1e-6)
    np.testing.assert_allclose(slow.joints_m[: slow.lengths[0] : 2], motion.joints_m[:150], atol=1e-6)


def test_joined_clips_keep_their_frames(mocap: Path) -> None:
    motion = load_motion(mocap)
    both = joined([motion, at_speed(motion, 1.5)])
    assert both.starts[5] == 750
    assert both.clips.tolist() == 2 * [f"walk_{i}" for i in range(5)]
    np.testing.assert_array_equal(both.joints_m[:750], motion.joints_m)
    assert len(both.frames) == len(both.joints_m)


def test_bones_put_together_give_the_joints_back(mocap: Path) -> None:
    motion = load_motion(mocap)
    body = to_bones(motion)
    rebuilt = np.swapaxes(body.pelvis @ (body.bones @ ancestors()), 1, 2)
    np.testing.assert_allclose(rebuilt, motion.joints_m, atol=1e-6)


def test_the_pelvis_frame_looks_left_back_and_up(mocap: Path) -> None:
    body = to_bones(load_motion(mocap))
    hips, knee, nose = JOINTS.index("left_hip"), JOINTS.index("left_knee"), JOINTS.index("nose")
    assert (body.bones[:, 0, hips] > 0.08).all()
    assert body.bones[:, 2, knee].mean() < -0.3
    assert (body.bones[:, 1, nose] < -0.05).all()
    np.testing.assert_allclose(np.linalg.det(body.pelvis), 1, atol=1e-5)


def test_every_keypoint_sits_on_the_joint_of_its_name() -> None:
    names = [JOINTS[joint] for joint in COCO_IN_JOINTS]
    assert names[:7] == ["nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder"]
    assert names[-2:] == ["left_foot", "right_foot"]


def test_mirroring_swaps_left_and_right() -> None:
    assert [JOINTS[i] for i in MIRRORED[:7]] == [
        "hip", "left_hip", "left_knee", "left_foot", "right_hip", "right_knee", "right_foot",
    ]  # fmt: skip
    assert MIRRORED[MIRRORED].tolist() == list(range(22))
