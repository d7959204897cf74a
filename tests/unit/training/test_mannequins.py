"""Synthetic people have the angles of their postures, and cameras see them where they are."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.kinematics.angles import JOINT_ANGLES, joint_angles, trunk_lean
from liftline.skeletons import COCO17, H36M17
from liftline_lifter.lifting.normalise import Normalisation
from tests.unit.lifter.random_networks import random_checkpoint
from training.reporting.postures import PARTS, posture_errors
from training.samples.mannequins import BODIES, FRAMES, POSTURES, YAWS_DEG, Seen, everybody, points_of


@pytest.fixture(scope="module")
def people() -> list[Seen]:
    """All of them."""
    return list(everybody())


def joints(posture: str, body: str = "mannequin") -> np.ndarray:
    points = points_of(BODIES[body], POSTURES[posture])
    return np.stack([points[name] for name in H36M17.joints])


@pytest.mark.parametrize(
    ("posture", "angles"),
    [
        ("standing", {"left_knee": 2, "right_elbow": 4}),
        ("squat", {"left_knee": 108, "right_elbow": 8}),
        ("sitting", {"right_knee": 88, "left_elbow": 62}),
        ("lunge", {"left_knee": 84, "right_knee": 58}),
        ("arms up", {"left_elbow": 3}),
    ],
)
@pytest.mark.parametrize("body", list(BODIES))
def test_limbs_are_bent_as_written_down(posture: str, angles: dict[str, float], body: str) -> None:
    own = {angle.name: value for angle, value in zip(JOINT_ANGLES, joint_angles(joints(posture, body)), strict=True)}
    assert {name: own[name] for name in angles} == pytest.approx(angles, abs=1e-6)


def test_knees_bend_backward_elbows_forward_and_hands_carry() -> None:
    at = H36M17.index
    squat, standing, handstand = joints("squat"), joints("standing"), joints("handstand")
    assert squat[at["left_knee"], 0] > 0.3, "thighs are raised forward"
    assert squat[at["left_foot"], 0] < squat[at["left_knee"], 0]
    assert joints("sitting")[at["left_wrist"], 0] > joints("sitting")[at["left_elbow"], 0]
    assert standing[at["left_hip"], 1] > 0, "left is left"
    assert handstand[:, 2].min() == pytest.approx(handstand[[at["left_wrist"], at["right_wrist"]], 2].min())
    assert trunk_lean(squat, np.array([0, 0, 1])) == pytest.approx(30, abs=8)


def test_everybody_is_seen_upright_from_every_yaw_and_whole(people: list[Seen]) -> None:
    assert {seen.yaw_deg for seen in people} == set(YAWS_DEG)
    assert {seen.posture for seen in people} == set(POSTURES)
    for seen in people:
        inside = (seen.tracks.keypoints_px > 0) & (
            seen.tracks.keypoints_px < [seen.camera.width_px, seen.camera.height_px]
        )
        assert inside.mean() > 0.97, (seen.posture, seen.yaw_deg)
        assert len(seen.tracks.keypoints_px) == FRAMES
        head, hip = seen.joints_m[H36M17.index["head"]], seen.joints_m[0]
        assert (head[1] < hip[1]) is np.bool_(seen.posture != "handstand"), "y is down"


def test_at_yaw_0_they_look_into_the_camera(people: list[Seen]) -> None:
    front = next(seen for seen in people if (seen.posture, seen.yaw_deg) == ("standing", 0))
    shoulders = front.tracks.keypoints_px[0, COCO17.indices("left_shoulder", "right_shoulder"), 0]
    assert shoulders[0] > shoulders[1] + 20, "their left is on the picture's right"
    reaching = next(seen for seen in people if (seen.posture, seen.yaw_deg) == ("arms forward", 0))
    assert reaching.joints_m[H36M17.index["left_wrist"], 2] < -0.4


def test_keypoints_show_the_joints(people: list[Seen]) -> None:
    for seen in people[::23]:
        rays = seen.camera.rays(seen.tracks.keypoints_px.mean(axis=0))
        rows = []
        for name in ("left_knee", "right_elbow", "left_shoulder", "right_hip", "left_wrist"):
            x, y, z = seen.joints_m[H36M17.index[name]]
            u, v = rays[COCO17.index[name]]
            rows += [([1, 0, -u], u * z - x), ([0, 1, -v], v * z - y)]
        matrix, right = (np.array(column) for column in zip(*rows, strict=True))
        assert np.linalg.lstsq(matrix, right, rcond=None)[1][0] < 1e-3


def test_a_lifters_errors_are_told_by_posture_and_part(people: list[Seen]) -> None:
    views = len(people) // len(POSTURES)
    one_body = [seen for number, seen in enumerate(people) if number % views < len(YAWS_DEG)]
    errors = posture_errors(random_checkpoint(normalisation=Normalisation.PERSON_FEATURES), one_body)
    assert set(errors) == set(POSTURES)
    for own in errors.values():
        assert set(own) == set(PARTS)
        assert all(0 < one.mean_deg <= one.worst_yaw_deg < 180 for one in own.values())
