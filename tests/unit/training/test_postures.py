"""Made-up postures are bodies with the joint angles they were given, standing on the floor."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.kinematics.angles import JOINT_ANGLES, joint_angles, trunk_lean
from training.augmentation.posed_body import COLUMN, NAMES, posed
from training.augmentation.posture_kinds import KINDS
from training.augmentation.postures import draw
from training.motion.bones import ancestors
from training.motion.data import JOINTS
from training.samples.windows import POSE

UP = np.array([0, 0, 1])


def pose(**degrees: float) -> np.ndarray:
    """(29, 3) joints in the world of a body with these angles, the others 0."""
    angles = np.zeros((1, 1, len(NAMES)), np.float32)
    for name, value in degrees.items():
        angles[..., COLUMN[name]] = np.radians(value)
    made = posed(angles)
    joints = made.pelvis @ (made.bones @ ancestors()) + made.root_m[..., None]
    return np.swapaxes(joints, 2, 3)[0, 0, POSE]


def angles_of(joints: np.ndarray) -> dict[str, float]:
    return {angle.name: value for angle, value in zip(JOINT_ANGLES, joint_angles(joints).tolist(), strict=True)}


def test_a_body_without_angles_stands_straight_on_the_floor() -> None:
    joints = pose(left_flat=1, right_flat=1)
    assert all(
        angles_of(joints)[name] == pytest.approx(0, abs=0.1) for name in ("left_knee", "right_elbow", "left_hip")
    )
    assert joints[:23, 2].min() == pytest.approx(0, abs=1e-5)
    assert trunk_lean(joints, UP) == pytest.approx(0, abs=0.1)


@pytest.mark.parametrize("side", ["left", "right"])
def test_joints_have_the_angles_they_were_given(side: str) -> None:
    joints = pose(**{f"{side}_flex": 80, f"{side}_knee": 100, f"{side}_el": 90, f"{side}_elbow": 70, f"{side}_az": 90})
    own = angles_of(joints)
    assert own[f"{side}_hip"] == pytest.approx(80, abs=0.5)
    assert own[f"{side}_knee"] == pytest.approx(100, abs=0.1)
    assert own[f"{side}_shoulder"] == pytest.approx(90, abs=0.5)
    assert own[f"{side}_elbow"] == pytest.approx(70, abs=0.1)


def test_knees_bend_backward_elbows_and_thighs_forward() -> None:
    straight, bent = pose(), pose(left_knee=60, right_elbow=60, right_flex=60)
    at = {name: place for place, name in enumerate(JOINTS[i] for i in POSE)}
    hip = bent[0] - straight[0]
    moved = bent - straight - hip
    assert moved[at["left_foot"], 1] > 0.2, "back is +y"
    assert moved[at["right_wrist"], 1] < -0.1
    assert moved[at["right_knee"], 1] < -0.2


def test_feet_of_a_squat_stay_flat_and_where_they_are() -> None:
    angles = np.zeros((1, 20, len(NAMES)), np.float32)
    depth = np.radians(np.linspace(0, 90, 20))
    for side in ("left", "right"):
        angles[0, :, COLUMN[f"{side}_knee"]] = angles[0, :, COLUMN[f"{side}_flex"]] = depth
        angles[0, :, COLUMN[f"{side}_flat"]] = np.radians(1)
    angles[0, :, COLUMN["pitch"]] = depth / 3
    made = posed(angles)
    joints = np.swapaxes(made.pelvis @ (made.bones @ ancestors()) + made.root_m[..., None], 2, 3)[0]
    heel, toe = (joints[:, JOINTS.index(f"left_{part}")] for part in ("heel", "big_toe"))
    assert np.abs(heel[:, 2] - toe[:, 2]).max() < 0.01
    assert np.ptp(joints[:, JOINTS.index("left_foot")], axis=0).max() < 0.02
    assert np.ptp(joints[:, 0, 2]) > 0.2


def test_some_are_upside_down_some_lie_and_many_are_straight(rng: np.random.Generator) -> None:
    made = draw(300, 150, rng)
    joints = np.swapaxes(made.pelvis @ (made.bones @ ancestors()), 2, 3)
    assert np.isfinite(joints).all()
    lean = trunk_lean(joints[:, 75], UP)
    assert 0.02 < (lean > 130).mean() < 0.12
    assert 0.05 < ((lean > 60) & (lean < 130)).mean() < 0.3
    knees = joint_angles(joints[:, 75])[:, :2]
    assert (knees < 8).mean() > 0.2
    assert knees.max() < 155
    assert np.quantile(np.abs(np.diff(joints, 2, axis=1)), 0.999) < 0.01, "nobody jerks"


def test_every_kind_is_drawn() -> None:
    assert sum(share for share, _ in KINDS) == pytest.approx(1)
    rng = np.random.default_rng(0)
    for _, kind in KINDS:
        assert set(kind(rng)) <= set(NAMES)
