"""A joint is as sure as the keypoints that it stands on."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.kinematics.person import people
from liftline.kinematics.scores import joint_scores, seen_joints
from liftline.skeletons import COCO17, H36M17, H36M17_FEET_HANDS, HALPE26_HANDS
from tests.unit.kinematics.bodies import LEVEL, poses_of, standing


def test_trunk_joints_have_the_weakest_and_the_head_the_best_score() -> None:
    poses = poses_of(standing(17)[None])
    scores = poses.keypoint_scores.copy()
    scores[0, COCO17.indices("left_hip", "right_knee", "nose")] = (0.3, 0.2, 0.0)
    told = dict(zip(H36M17.joints, joint_scores(replace(poses, keypoint_scores=scores))[0].tolist(), strict=True))
    told = {name: round(value, 3) for name, value in told.items() if value < 1}
    assert told == {"hip": 0.3, "left_hip": 0.3, "spine": 0.3, "right_knee": 0.2}


def test_interpolated_rows_and_feet_without_keypoints_have_none() -> None:
    poses = replace(poses_of(standing()[None].repeat(2, axis=0)), observed=np.array([True, False]))
    scores = joint_scores(poses)
    assert scores[1].max() == 0
    assert not seen_joints(scores)[H36M17_FEET_HANDS.index["left_heel"]]
    wide = replace(
        poses, keypoint_skeleton=HALPE26_HANDS, keypoints_px=np.zeros((2, 32, 2), np.float32),
        keypoint_scores=np.full((2, 32), 0.7, np.float32),
    )  # fmt: skip
    assert (joint_scores(wide)[0] == np.float32(0.7)).all()


def test_a_person_is_upright_and_where_the_poses_are() -> None:
    body = standing()[None].repeat(3, axis=0) + np.array([1, 0, -4])
    (one,) = people(poses_of(body, rate_hz=25), LEVEL)
    np.testing.assert_allclose(one.joints_m, body, atol=1e-5)
    assert one.rate_hz == 25


def test_a_leg_under_a_table_that_scores_in_single_frames_was_never_seen() -> None:
    scores = np.full((60, 3), 0.9, np.float32)
    scores[2:, 1] = 0.03
    scores[4:, 2] = 0.03
    assert seen_joints(scores).tolist() == [True, False, True]


@pytest.mark.slow
@pytest.mark.shared_data
def test_legs_out_of_the_picture_are_marked_and_empty(tmp_path: Path) -> None:
    """`upper_body_only.mp4` of ../shared/cases, through the whole command."""
    case = Path(__file__).resolve().parents[4] / "shared" / "cases" / "upper_body_only.mp4"
    if not case.exists():
        pytest.skip("../shared/cases isn't here")
    arguments = ["process", str(case), "-o", str(tmp_path), "--export", "csv,trc,json"]
    subprocess.run([sys.executable, "-m", "liftline_cli.main", *arguments], check=True)
    person = json.loads((tmp_path / "poses_3d" / "upper_body_only.json").read_text("utf-8"))["people"][0]
    assert set(person["never_seen"]) == {"left_knee", "right_knee", "left_foot", "right_foot"}
    lines = (tmp_path / "poses_3d" / "upper_body_only.trc").read_text("utf-8").splitlines()
    ankle, wrist = (lines[3].split("\t").index(name) for name in ("LAnkle", "LWrist"))
    assert {line.split("\t")[ankle] for line in lines[6:]} == {""}
    assert "" not in {line.split("\t")[wrist] for line in lines[6:]}
