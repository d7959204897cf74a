"""Poses with feet and hands go through the whole stage, and files for VideoPose3D keep its seventeen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from liftline import poses
from liftline.exports import csv_rows, json_people, npy_videopose3d, trc_markers
from liftline.poses import Poses
from liftline.progress import FrameCounter, StopFlag
from liftline.scene import Scene
from liftline.skeletons import H36M17, H36M17_FEET_HANDS, pose_skeleton
from liftline_lifter.lifting.lift import LiftSettings
from liftline_lifter.lifting.normalise import Normalisation
from liftline_lifter.refine.bone_lengths import bone_lengths
from liftline_lifter.refine.feet import FEET, lock_track
from liftline_lifter.stage import lift_tracks
from tests.unit.lifter.random_networks import random_checkpoint, tracks_of

HEELS = H36M17_FEET_HANDS.indices("left_heel", "right_heel")


@pytest.fixture(scope="module")
def lifted() -> tuple[Poses, Scene]:
    """Two people, lifted by a random network with feet and hands."""
    checkpoint = random_checkpoint(normalisation=Normalisation.PERSON_FEATURES)
    result = lift_tracks(
        tracks_of([40, 30]), checkpoint, settings=LiftSettings(), stop=StopFlag(), progress=FrameCounter()
    )
    return result.poses, result.scene


def test_poses_have_all_joints_and_bones_of_one_length(lifted: tuple[Poses, Scene], tmp_path: Path) -> None:
    people, _ = lifted
    assert people.skeleton is H36M17_FEET_HANDS
    assert people.joints_m.shape == (70, 29, 3)
    assert np.isfinite(people.joints_m).all()
    feet = bone_lengths(people.joints_m[people.rows(0)])[:, HEELS]
    np.testing.assert_allclose(feet, feet[:1].repeat(40, axis=0), rtol=1e-3)
    poses.save(tmp_path / "people.npz", people)
    again = poses.load(tmp_path / "people.npz")
    assert again.skeleton == H36M17_FEET_HANDS
    np.testing.assert_array_equal(again.joints_m, people.joints_m)


def test_exports_name_their_joints_and_videopose3d_gets_its_own(lifted: tuple[Poses, Scene], tmp_path: Path) -> None:
    people, scene = lifted
    base = tmp_path / "clip"
    assert np.load(npy_videopose3d.write(people, scene, base)[0]).shape[1:] == (17, 3)
    assert "left_heel" in csv_rows.write(people, scene, base)[0].read_text("utf-8")
    assert "RPinky" in trc_markers.write(people, scene, base)[0].read_text("utf-8").splitlines()[3]
    told = json.loads(json_people.write(people, scene, base)[0].read_text("utf-8"))
    assert told["skeleton"]["joints"] == list(H36M17_FEET_HANDS.joints)
    assert len(told["people"][0]["frames"][0]["joints_m"]) == 29


def test_heels_and_toes_go_where_a_locked_ankle_goes() -> None:
    frames = 60
    joints = np.zeros((frames, 29, 3))
    for name, place in {"left_hip": (0.1, 0, 0), "left_knee": (0.1, 0.4, -0.05), "left_foot": (0.1, 0.8, 0)}.items():
        joints[:, H36M17.index[name]] = place
        joints[:, H36M17.index[name.replace("left", "right")]] = np.array(place) * [-1, 1, 1]
    joints[:, H36M17.index["thorax"]] = (0, -0.5, 0)
    joints[:, HEELS] = joints[:, FEET] + [0, 0.08, 0.05]
    roots = np.array([0, 0, 4.0]) + np.random.default_rng(0).normal(0, 0.002, (frames, 3))
    moved, _ = lock_track(joints, roots, np.array([0.0, -1, 0]), np.arange(frames) / 50)
    assert np.abs(moved[:, FEET] - joints[:, FEET]).max() > 1e-4
    np.testing.assert_allclose(moved[:, HEELS] - moved[:, FEET], joints[:, HEELS] - joints[:, FEET], atol=1e-9)


def test_only_known_numbers_of_joints_make_a_skeleton() -> None:
    assert pose_skeleton(17) is H36M17
    with pytest.raises(ValueError, match="18 joints"):
        pose_skeleton(18)
