"""People stand on one floor, and the floor is found under them, also where their sizes and their leaning mislead."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from liftline.poses import Poses
from liftline_lifter.scene._ground import ANKLE_HEIGHT_M, estimate_ground
from liftline_lifter.scene.person_height import scaled, standing_height_m
from tests.unit.lifter.test_scene_estimation import STANDING, poses_of, turn

_CAMERA_HEIGHT_M = 1.6
_ANKLES_M = 0.88


def together(*people: Poses) -> Poses:
    """Several people of one person each as one video."""
    rows = [len(person.frame_index) for person in people]
    arrays = ("frame_index", "joints_m", "root_cam_m", "keypoints_px", "keypoint_scores", "observed")
    return replace(
        people[0],
        track_ids=np.arange(1, len(people) + 1),
        row_offsets=np.concatenate([[0], np.cumsum(rows)]),
        frame_times_s=max((person.frame_times_s for person in people), key=len),
        **{name: np.concatenate([getattr(person, name) for person in people]) for name in arrays},
    )


def walker(
    rotation: np.ndarray, *, x_m: float, z_m: tuple[float, float], lean_deg: float = 0.0, size: float = 1.0
) -> Poses:
    """Someone who walks towards or away from the camera, 1.6 m above the floor, and may lean forward or back."""
    frames = 120
    hip_m = (_ANKLES_M + ANKLE_HEIGHT_M) * size
    world = np.stack(
        [np.full(frames, x_m), np.full(frames, _CAMERA_HEIGHT_M - hip_m), np.linspace(*z_m, frames)], axis=1
    )
    # A body that leans turns around its feet, so that the hip is before them and lower.
    feet = np.array([0, _ANKLES_M, 0.06])
    body = ((STANDING - feet) @ turn(lean_deg, 0).T + feet) * size
    joints = np.tile(body - body[0], (frames, 1, 1))
    return poses_of(joints @ rotation.T, (world + body[0]) @ rotation.T)


def tilt_deg(up: np.ndarray, rotation: np.ndarray) -> float:
    return float(np.degrees(np.arccos(np.clip(up @ rotation @ [0, -1, 0], -1, 1))))


def feet_heights_m(poses: Poses, rotation: np.ndarray) -> np.ndarray:
    """(P,) over the true floor, median over time."""
    joints = poses.joints_m[:, 3] + poses.root_cam_m
    above = joints @ (rotation @ [0, -1, 0]) + _CAMERA_HEIGHT_M
    return np.array([np.median(above[poses.rows(person)]) for person in range(len(poses))])


def nobody_known(poses: Poses) -> np.ndarray:
    return np.zeros(len(poses), np.bool_)


def test_someone_who_leans_but_walks_through_the_room_hardly_tilts_it() -> None:
    rotation = turn(20, 3)
    still = walker(rotation, x_m=0, z_m=(4, 4.01), lean_deg=6)
    walking = walker(rotation, x_m=0, z_m=(3, 7), lean_deg=6)
    fooled, found = (
        tilt_deg(estimate_ground(poses, sizes_known=nobody_known(poses)).up, rotation) for poses in (still, walking)
    )
    assert fooled > 4
    assert found < 1.5


def test_the_floor_is_an_ankle_below_the_feet() -> None:
    rotation = turn(12, -2)
    poses = walker(rotation, x_m=0.5, z_m=(3, 6))
    ground = estimate_ground(poses, sizes_known=nobody_known(poses))
    assert ground.floor_m == pytest.approx(-_CAMERA_HEIGHT_M, abs=0.03)
    assert ground.sizes.tolist() == [1.0]


def test_people_taken_for_too_large_or_small_come_to_one_floor() -> None:
    rotation = turn(20, 0)
    poses = together(*(walker(rotation, x_m=x, z_m=(3, 6)) for x in (-1.0, 0.0, 1.0)))
    wrong = scaled(poses, np.array([1.0, 1.06, 0.97]))
    ground = estimate_ground(wrong, sizes_known=nobody_known(wrong))
    right = scaled(wrong, ground.sizes)
    assert np.ptp(feet_heights_m(wrong, rotation)) > 0.12
    assert np.ptp(feet_heights_m(right, rotation)) < 0.06
    assert tilt_deg(ground.up, rotation) < 2


def test_a_known_size_stays_and_the_others_follow_it() -> None:
    rotation = turn(20, 0)
    poses = together(*(walker(rotation, x_m=x, z_m=(3, 6)) for x in (-0.2, 0.0, 0.2)))
    ground = estimate_ground(scaled(poses, np.array([1.0, 0.94, 0.94])), sizes_known=np.array([True, False, False]))
    assert ground.sizes[0] == 1
    assert (ground.sizes[1:] > 1.04).all()


def test_someone_on_a_stage_is_not_made_a_giant() -> None:
    rotation = turn(10, 0)
    crowd = [walker(rotation, x_m=x, z_m=(4, 6)) for x in (-1.0, 0.0, 1.0)]
    raised = walker(rotation, x_m=2, z_m=(5, 6))
    raised = replace(raised, root_cam_m=(raised.root_cam_m + rotation @ [0, -1.0, 0]).astype(np.float32))
    poses = together(*crowd, raised)
    ground = estimate_ground(poses, sizes_known=nobody_known(poses))
    np.testing.assert_allclose(ground.sizes, 1, atol=0.02)
    assert tilt_deg(ground.up, rotation) < 1


def test_feet_that_the_detector_did_not_see_tell_nothing() -> None:
    rotation = turn(20, 0)
    hidden = walker(rotation, x_m=1, z_m=(4, 6), size=0.9)
    hidden = replace(hidden, keypoint_scores=np.zeros_like(hidden.keypoint_scores))
    poses = together(walker(rotation, x_m=-1, z_m=(3, 5)), hidden)
    ground = estimate_ground(poses, sizes_known=nobody_known(poses))
    np.testing.assert_allclose(ground.sizes, 1, atol=1e-3)


def test_a_person_is_as_tall_as_their_bones_say_in_whatever_pose() -> None:
    height_m = standing_height_m(STANDING[None])
    assert 1.6 < height_m < 1.85
    bent = STANDING.copy()
    bent[8:] = (bent[8:] - bent[7]) @ turn(80, 0).T + bent[7]
    assert standing_height_m(bent[None]) == pytest.approx(height_m, rel=1e-6)
    assert standing_height_m(1.1 * STANDING[None]) == pytest.approx(1.1 * height_m, rel=1e-6)
