"""The split of the motion capture, and bodies taken apart into bones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.training.mocap import write_feet_and_more, write_mocap
from training.motion._balance import SHARES, posture_weights, postures
from training.motion.bones import ancestors, to_bones
from training.motion.data import (
    COCO_IN_JOINTS,
    JOINTS,
    MIRRORED,
    at_speed,
    held_out_split,
    joined,
    load_motion,
    load_training,
    training_split,
)


def test_training_sees_neither_hdm05_nor_the_held_out_subject(mocap: Path) -> None:
    motion = training_split(load_motion(mocap))
    assert motion.subjects.tolist() == ["cmu_01", "cmu_05"]
    assert set(motion.sources.tolist()) == {"CMU"}
    assert len(motion.joints_m) == motion.lengths.sum() == 300


def test_results_are_measured_on_the_rest(mocap: Path) -> None:
    assert held_out_split(load_motion(mocap)).subjects.tolist() == ["cmu_02", "hdm_bd", "hdm_tr"]


def test_more_clips_are_learned_from_and_rebuilt_ones_beside_what_they_were_before(tmp_path: Path) -> None:
    path = write_mocap(tmp_path / "mocap.npz")
    assert load_training(path).subjects.tolist() == ["cmu_01", "cmu_05"]
    write_feet_and_more(path)
    motion = load_training(path)
    assert motion.subjects.tolist() == ["cmu_01", "cmu_05", "cmu_09", "cmu_05 on its own bones"], (
        "nobody of another rig"
    )
    assert np.isfinite(motion.joints_m).all()


def test_feet_lie_on_the_right_side_and_some_have_none(tmp_path: Path) -> None:
    path = write_mocap(tmp_path / "mocap.npz")
    write_feet_and_more(path)
    motion = load_motion(path)
    feet = {name: motion.joints_m[0, JOINTS.index(name)] for name in JOINTS if name.endswith(("toe", "heel"))}
    assert feet["left_small_toe"][0] > feet["left_heel"][0] > feet["left_big_toe"][0], "left is +x here"
    assert feet["right_small_toe"][0] < feet["right_heel"][0] < feet["right_big_toe"][0]
    assert feet["left_big_toe"][1] < feet["left_small_toe"][1] < feet["left_heel"][1], "forward is -y here"
    assert np.isnan(motion.joints_m[-1, JOINTS.index("left_heel")]).all()
    known = to_bones(motion).feet_known
    assert known[:450].all()
    assert not known[450:].any()


def test_rare_postures_are_drawn_more_often() -> None:
    joints = np.zeros((100, len(JOINTS), 3), np.float32)
    joints[:, JOINTS.index("thorax"), 2] = 0.5
    for side in ("left", "right"):
        joints[:, JOINTS.index(f"{side}_knee"), 2], joints[:, JOINTS.index(f"{side}_foot"), 2] = -0.4, -0.8
        joints[:, JOINTS.index(f"{side}_wrist"), 2] = -0.1
    joints[90:, JOINTS.index("thorax")] = (0.5, 0, 0)
    joints[95:, JOINTS.index("thorax")] = (0, 0, -0.5)
    joints[80:90, JOINTS.index("left_foot")] = (0, 0.3, -0.4)
    names = [list(SHARES)[number] for number in postures(joints)]
    assert [names[i] for i in (0, 85, 92, 97)] == ["upright", "one leg", "lying", "inverted"]
    weights = posture_weights(joints)
    assert weights[0] < weights[97]
    assert weights[92] == pytest.approx(SHARES["lying"] / 0.05)


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
    np.testing.assert_allclose(rebuilt[:, :22], motion.joints_m[:, :22], atol=1e-6)
    assert not body.feet_known.any()


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
    assert MIRRORED[MIRRORED].tolist() == list(range(34))
