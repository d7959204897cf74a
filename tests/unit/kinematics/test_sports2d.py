"""Sports2D's angles: its names, its zeros, its signs in a side view."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.kinematics.angle_table import ANGLE_NAMES, angle_table
from liftline.kinematics.markers import MARKERS
from liftline.kinematics.sports2d import SPORTS2D_ANGLES, sports2d_angles
from liftline.skeletons import H36M17, H36M17_FEET_HANDS
from tests.unit.kinematics.bodies import ARM, LEG, limb, person, standing, turned


def told(pose: np.ndarray) -> dict[str, float]:
    values = sports2d_angles(pose[None], H36M17 if len(pose) == 17 else H36M17_FEET_HANDS)[0]
    return dict(zip((angle.name for angle in SPORTS2D_ANGLES), values.tolist(), strict=True))


def test_the_names_are_sports2ds() -> None:
    assert len(SPORTS2D_ANGLES) == 12 + 16
    assert {"right ankle", "left wrist", "right foot", "pelvis", "trunk", "shoulders", "head", "left hand"} < {
        angle.name for angle in SPORTS2D_ANGLES
    }


def test_somebody_standing_to_the_right_has_sports2ds_zeros() -> None:
    angles = told(standing())
    for part in ("ankle", "knee", "hip", "shoulder", "elbow"):
        assert [angles[f"right {part}"], angles[f"left {part}"]] == pytest.approx([0, 0], abs=1e-6)
    assert (angles["trunk"], angles["right thigh"], angles["left foot"]) == pytest.approx((90, -90, 0))


@pytest.mark.parametrize("side", ["right", "left"])
def test_flexion_is_positive(side: str) -> None:
    pose = standing()
    turned(pose, f"{side}_foot", (f"{side}_heel", f"{side}_big_toe"), "z", 10)
    turned(pose, f"{side}_knee", limb(side, LEG[1:]), "z", -50)
    turned(pose, f"{side}_hip", limb(side, LEG), "z", 30)
    turned(pose, f"{side}_elbow", limb(side, ARM[1:]), "z", 40)
    turned(pose, f"{side}_shoulder", limb(side, ARM), "z", 20)
    angles = told(pose)
    wanted = {"ankle": 10, "knee": 50, "hip": 30, "elbow": 40, "shoulder": 20, "thigh": -60, "shank": -110, "foot": -10}
    assert {part: angles[f"{side} {part}"] for part in wanted} == pytest.approx(wanted)


def test_axes_without_direction_stay_within_ninety_degrees() -> None:
    pose = standing() @ np.array([[0, 0, 1], [0, 1, 0], [-1, 0, 0]])
    pose[H36M17.index["left_hip"], 1] += 0.02
    for one in (pose, pose * [-1, 1, 1]):
        assert abs(told(one)["pelvis"]) == pytest.approx(np.degrees(np.arctan2(0.02, 0.2)))


def test_without_feet_and_hands_their_angles_are_absent_and_the_others_are_not() -> None:
    angles = told(standing(17))
    absent = {name for name, value in angles.items() if np.isnan(value)}
    assert absent == {f"{side} {part}" for part in ("ankle", "foot", "wrist", "hand") for side in ("left", "right")}


def test_angles_of_joints_never_seen_are_absent() -> None:
    table = angle_table(person(standing()[None].repeat(3, axis=0), unseen=("left_foot",)))
    assert table.degrees.shape == (3, len(ANGLE_NAMES))
    assert np.isnan(table["left knee"]).all()
    assert np.isnan(table["isb_knee_flexion_left"]).all()
    assert np.isfinite(table["right knee"]).all()


def test_pose2sim_has_the_same_sizes() -> None:
    common = pytest.importorskip("Pose2Sim.common", reason="Pose2Sim isn't installed (extra opensim)")
    poses = np.stack([standing() + np.random.default_rng(seed).normal(0, 0.05, (29, 3)) for seed in range(5)])
    own = sports2d_angles(poses, H36M17_FEET_HANDS)
    for column, angle in enumerate(SPORTS2D_ANGLES):
        if angle.is_segment or angle.name == "left wrist":
            continue
        points = [poses[:, H36M17_FEET_HANDS.index[MARKERS[name]]] for name in common.angle_dict[angle.name][0]]
        theirs = common.fixed_angles(points, angle.name)
        if "ankle" in angle.name:
            theirs = 180 - np.abs(theirs)
        np.testing.assert_allclose(np.abs(theirs), np.abs(own[:, column]), atol=1e-9, err_msg=angle.name)
        assert tuple(common.angle_dict[angle.name][0]) == angle.points
    segments = [angle for angle in SPORTS2D_ANGLES if angle.is_segment]
    assert all(tuple(common.angle_dict[angle.name][0]) == angle.points for angle in segments)
    flat = poses[..., :2] * [1, -1]
    for angle in segments:
        ends = [flat[:, H36M17_FEET_HANDS.index[MARKERS[name]]] for name in angle.points]
        theirs = [common.fixed_angles([one, other], angle.name) for one, other in zip(*ends, strict=True)]
        np.testing.assert_allclose(theirs, own[:, SPORTS2D_ANGLES.index(angle)], atol=1e-9, err_msg=angle.name)
