"""Anatomical angles have their signs and zeros, and are absent where joint centres don't determine them."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.kinematics.anatomical import ANATOMICAL_ANGLES, anatomical_angles
from liftline.skeletons import H36M17, H36M17_FEET_HANDS
from tests.unit.kinematics.bodies import ARM, AT, LEG, about, limb, standing, turned


def angles(pose: np.ndarray) -> dict[str, float]:
    skeleton = H36M17 if len(pose) == 17 else H36M17_FEET_HANDS
    values = anatomical_angles(pose[None], skeleton)[0].tolist()
    return dict(zip((name.removeprefix("isb_") for name in ANATOMICAL_ANGLES), values, strict=True))


UNDETERMINED_STANDING = {
    f"{name}_{side}"
    for name in ("hip_internal_rotation", "shoulder_plane_of_elevation", "shoulder_internal_rotation")
    for side in ("left", "right")
}


def test_standing_straight_is_zero_and_axial_turns_of_straight_limbs_are_unknown() -> None:
    told = angles(standing())
    assert {name for name, value in told.items() if np.isnan(value)} == UNDETERMINED_STANDING
    np.testing.assert_allclose([value for value in told.values() if not np.isnan(value)], 0, atol=1e-6)


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(
    ("axis", "degrees", "name", "expected"),
    [("z", 40, "hip_flexion", 40), ("z", -20, "hip_flexion", -20), ("x", -25, "hip_adduction", -25)],
)
def test_hips_flex_forward_and_adduct_inward(side: str, axis: str, degrees: float, name: str, expected: float) -> None:
    pose = standing()
    outward = {"right": 1, "left": -1}[side] if axis == "x" else 1
    turned(pose, f"{side}_hip", limb(side, LEG), axis, outward * degrees)
    assert angles(pose)[f"{name}_{side}"] == pytest.approx(expected)


@pytest.mark.parametrize("side", ["right", "left"])
def test_a_hip_in_three_turns_has_each_of_them(side: str) -> None:
    pose, sign = standing(), {"right": 1, "left": -1}[side]
    turned(pose, f"{side}_knee", limb(side, LEG[1:]), "z", -70)
    turn = about("z", 35) @ about("x", sign * 12) @ about("y", sign * 18)
    hip = pose[AT[f"{side}_hip"]].copy()
    for name in limb(side, LEG):
        pose[AT[name]] = hip + turn @ (pose[AT[name]] - hip)
    told = angles(pose)
    found = [told[f"{name}_{side}"] for name in ("hip_flexion", "hip_adduction", "hip_internal_rotation")]
    np.testing.assert_allclose(found, [35, 12, 18], atol=1e-9)
    assert told[f"knee_flexion_{side}"] == pytest.approx(70)


def test_an_overstretched_knee_is_negative() -> None:
    pose = standing()
    turned(pose, "right_knee", limb("right", LEG[1:]), "z", 8)
    turned(pose, "left_knee", limb("left", LEG[1:]), "z", -8)
    told = angles(pose)
    assert (told["knee_flexion_right"], told["knee_flexion_left"]) == (pytest.approx(-8), pytest.approx(8))


def test_a_knee_that_bends_further_never_jumps() -> None:
    told = []
    for bend in np.linspace(-9, 60, 200):
        pose = standing()
        turned(pose, "right_knee", limb("right", LEG[1:]), "z", -bend)
        turned(pose, "right_knee", limb("right", LEG[1:]), "y", 100)
        told.append(angles(pose)["knee_flexion_right"])
    assert np.abs(np.diff(told)).max() < 2
    assert told[-1] == pytest.approx(60)


def test_ankles_need_feet_and_are_positive_with_raised_toes() -> None:
    pose = standing()
    turned(pose, "left_foot", ("left_heel", "left_big_toe"), "z", 15)
    assert angles(pose)["ankle_dorsiflexion_left"] == pytest.approx(15)
    assert np.isnan(angles(standing(17))["ankle_dorsiflexion_left"])


@pytest.mark.parametrize("side", ["right", "left"])
@pytest.mark.parametrize(("axis", "degrees", "plane"), [("z", 60, 90), ("z", -40, -90), ("x", -70, 0)])
def test_arms_are_raised_in_a_plane(side: str, axis: str, degrees: float, plane: float) -> None:
    pose = standing()
    outward = {"right": 1, "left": -1}[side] if axis == "x" else 1
    turned(pose, f"{side}_shoulder", limb(side, ARM), axis, outward * degrees)
    told = angles(pose)
    assert told[f"shoulder_elevation_{side}"] == pytest.approx(abs(degrees))
    assert told[f"shoulder_plane_of_elevation_{side}"] == pytest.approx(plane)
    assert np.isnan(told[f"shoulder_internal_rotation_{side}"])


@pytest.mark.parametrize("side", ["right", "left"])
def test_an_abducted_arm_with_the_forearm_up_is_turned_outward(side: str) -> None:
    pose, sign = standing(), {"right": 1, "left": -1}[side]
    turned(pose, f"{side}_elbow", limb(side, ARM[1:]), "z", 90)
    turned(pose, f"{side}_shoulder", limb(side, ARM), "x", -90 * sign)
    assert angles(pose)[f"shoulder_internal_rotation_{side}"] == pytest.approx(0, abs=1e-9)
    turned(pose, f"{side}_shoulder", limb(side, ARM), "z", 90)
    told = angles(pose)
    assert told[f"shoulder_internal_rotation_{side}"] == pytest.approx(-90)
    assert told[f"elbow_flexion_{side}"] == pytest.approx(90)


def test_the_trunk_leans_turns_and_heads_as_its_names_say() -> None:
    pose = standing() @ about("y", 30).T
    assert angles(pose)["pelvis_rotation"] == pytest.approx(30)
    upper = [AT[name] for name in H36M17_FEET_HANDS.joints if AT[name] >= 7 and AT[name] < 17]
    pose = standing()
    pose[upper] = (pose[upper] - pose[0]) @ about("z", -20).T + pose[0]
    assert angles(pose)["trunk_lean_forward"] == pytest.approx(20)
    pose = standing()
    pose[upper] = (pose[upper] - pose[0]) @ about("x", 10).T + pose[0]
    assert angles(pose)["trunk_lean_right"] == pytest.approx(10)
    pose = standing()
    pose[upper] = pose[upper] @ about("y", 25).T
    assert angles(pose)["trunk_rotation"] == pytest.approx(25)


def test_singular_positions_are_unknown() -> None:
    pose = standing()
    turned(pose, "right_knee", limb("right", LEG[1:]), "z", -60)
    turned(pose, "right_hip", limb("right", LEG), "x", -85)
    told = angles(pose)
    assert np.isnan([told["hip_flexion_right"], told["hip_internal_rotation_right"]]).all()
    assert told["hip_adduction_right"] == pytest.approx(-85)
    lying = angles(standing() @ about("z", 90).T)
    assert np.isnan(lying["pelvis_rotation"])


def test_angles_do_not_depend_on_place_or_heading() -> None:
    pose = standing() + np.random.default_rng(2).normal(0, 0.04, (29, 3))
    moved = pose @ about("y", 77).T + [3, 0.1, -2]
    own, other = angles(pose), angles(moved)
    del own["pelvis_rotation"], other["pelvis_rotation"]
    np.testing.assert_allclose(list(own.values()), list(other.values()), atol=1e-8)
