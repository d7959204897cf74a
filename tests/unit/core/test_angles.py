"""Joint angles are what their definitions say, on poses whose angles are known."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.kinematics.angles import (
    ANKLE_ANGLES,
    JOINT_ANGLES,
    angle_error,
    angle_errors,
    between,
    joint_angles,
    mean_of_eight,
    pose_of_limbs,
    trunk_lean,
)
from liftline.skeletons import H36M17, H36M17_FEET_HANDS, LIMB_JOINTS

AT = H36M17_FEET_HANDS.index
NAMES = [angle.name for angle in JOINT_ANGLES]


def standing() -> np.ndarray:
    """(29, 3) somebody who stands straight, z up, looking along -y, arms hanging."""
    pose = np.zeros((29, 3))
    up = {"spine": 0.25, "thorax": 0.5, "neck": 0.6, "head": 0.7}
    for name, z in up.items():
        pose[AT[name]] = (0, 0, z)
    for side, x in (("left", 0.1), ("right", -0.1)):
        for name, z in {"hip": 0, "knee": -0.4, "foot": -0.8}.items():
            pose[AT[f"{side}_{name}"]] = (x, 0, z)
        for name, z in {"shoulder": 0.5, "elbow": 0.2, "wrist": -0.05}.items():
            pose[AT[f"{side}_{name}"]] = (2 * x, 0, z)
        pose[AT[f"{side}_heel"]], pose[AT[f"{side}_big_toe"]] = (x, 0.05, -0.88), (x, -0.18, -0.88)
    return pose


def test_somebody_who_stands_straight_has_no_angles() -> None:
    np.testing.assert_allclose(joint_angles(standing()), 0, atol=1e-9)
    np.testing.assert_allclose(joint_angles(standing(), ANKLE_ANGLES), 0, atol=1e-9)
    assert trunk_lean(standing(), np.array([0, 0, 1])) == pytest.approx(0)


@pytest.mark.parametrize(
    ("joint", "place", "angle", "degrees"),
    [
        ("left_foot", (0.1, 0.4, -0.4), "left_knee", 90),
        ("right_knee", (-0.1, -0.4, 0), "right_hip", 90),
        ("right_wrist", (-0.2, -0.25, 0.2), "right_elbow", 90),
        ("left_elbow", (0.5, 0, 0.5), "left_shoulder", 90),
        ("left_elbow", (0.2, 0, 0.8), "left_shoulder", 180),
    ],
)
def test_a_bent_joint_has_the_angle_of_its_bend(
    joint: str, place: tuple[float, ...], angle: str, degrees: float
) -> None:
    pose = standing()
    pose[AT[joint]] = place
    assert joint_angles(pose)[NAMES.index(angle)] == pytest.approx(degrees)


def test_ankles_are_positive_where_toes_are_raised_and_need_feet() -> None:
    pose = standing()
    pose[AT["left_big_toe"]] = pose[AT["left_heel"]] + (0, -0.2, 0.2)
    pose[AT["right_big_toe"]] = pose[AT["right_heel"]] + (0, -0.2, -0.2)
    np.testing.assert_allclose(joint_angles(pose, ANKLE_ANGLES), [45, -45], atol=1e-9)
    assert [angle.needs_feet for angle in (*JOINT_ANGLES, *ANKLE_ANGLES)] == [False] * 8 + [True] * 2


def test_seventeen_joints_are_enough_and_frames_may_be_many() -> None:
    poses = np.stack([standing()[: len(H36M17)]] * 4)[None]
    assert joint_angles(poses).shape == (1, 4, 8)


def test_angles_do_not_depend_on_place_turn_or_size() -> None:
    rng = np.random.default_rng(3)
    pose = standing() + rng.normal(0, 0.1, (29, 3))
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    np.testing.assert_allclose(joint_angles(1.3 * pose @ turn + 5), joint_angles(pose), atol=1e-8)


def test_sides_mirror_each_other() -> None:
    pose = standing() + np.random.default_rng(0).normal(0, 0.1, (29, 3))
    mirrored = pose[H36M17_FEET_HANDS.mirrored] * [-1, 1, 1]
    own, other = (dict(zip(NAMES, joint_angles(each), strict=True)) for each in (pose, mirrored))
    for angle in JOINT_ANGLES:
        assert other[angle.mirrored] == pytest.approx(own[angle.name])


def test_missing_joints_make_their_angles_missing() -> None:
    pose = standing()
    pose[AT["left_wrist"]] = np.nan
    missing = {name for name, value in zip(NAMES, joint_angles(pose), strict=True) if np.isnan(value)}
    assert missing == {"left_elbow"}


def test_a_reference_of_limbs_alone_has_all_eight_angles() -> None:
    pose = standing()
    pose[AT["left_elbow"]] = (0.5, 0, 0.5)
    limbs = pose[H36M17.indices(*LIMB_JOINTS)]
    np.testing.assert_allclose(joint_angles(pose_of_limbs(limbs)), joint_angles(pose), atol=1e-9)


def test_errors_of_poses_are_told_by_angle_and_on_the_whole() -> None:
    true = np.stack([standing()] * 3)
    predicted = true.copy()
    predicted[:, AT["left_foot"]] = (0.1, 0.4, -0.4)
    errors = angle_errors(predicted, true)
    assert errors["left_knee"].bias_deg == pytest.approx(90)
    assert errors["right_knee"].mae_deg == pytest.approx(0, abs=1e-9)
    assert mean_of_eight(errors).mae_deg == pytest.approx(90 / 8)


def test_a_leaning_trunk_has_its_lean() -> None:
    pose = standing()
    assert trunk_lean(pose, np.array([0, np.sin(0.2), np.cos(0.2)])) == pytest.approx(np.degrees(0.2))


def test_small_angles_are_exact() -> None:
    one = np.array([1.0, 0, 0])
    assert between(one, np.array([1.0, 1e-5, 0])) == pytest.approx(np.degrees(1e-5), rel=1e-6)


def test_errors_are_those_of_their_names() -> None:
    true = np.array([0.0, 10, 20, 30, np.nan])
    error = angle_error(true + np.array([4.0, 6, 4, 6, 0]), true)
    assert (error.mae_deg, error.bias_deg, error.offset_free_deg) == (5, 5, 1)
    assert error.rmse_deg == pytest.approx(np.sqrt(26))
    assert error.correlation > 0.99
    assert np.isnan(angle_error(np.full(3, np.nan), np.zeros(3)).mae_deg)
    assert np.isnan(angle_error(np.arange(3.0), np.zeros(3)).correlation)
