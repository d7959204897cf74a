"""Around the network: with every step off its output as it is, with them on the same rows, the same every time."""

from __future__ import annotations

from dataclasses import fields, replace

import numpy as np
import pytest

from liftline.camera import Camera
from liftline.poses import Poses
from liftline.progress import FrameCounter, StopFlag
from liftline.tracks import Tracks
from liftline_lifter.lifting.focal_length import focal_length
from liftline_lifter.lifting.inference import Lifter
from liftline_lifter.lifting.lift import LiftSettings, lift
from liftline_lifter.refine.bone_lengths import bone_lengths
from tests.unit.lifter.random_networks import random_checkpoint, tracks_of

OFF = LiftSettings(
    smooth="none", repair_sides=False, reject_outliers=False, constant_bones=False, lock_feet=False
)  # fmt: skip


def lifted(tracks: Tracks, settings: LiftSettings) -> Poses:
    checkpoint = random_checkpoint()
    focal = focal_length(tracks, checkpoint)
    return lift(tracks, checkpoint, focal=focal, settings=settings, stop=StopFlag(), progress=FrameCounter())


def test_with_every_step_off_the_joints_are_the_networks() -> None:
    tracks = tracks_of([60, 20], fps=50)
    camera = Camera.assumed(tracks.width_px, tracks.height_px)
    lifter = Lifter(random_checkpoint(), flip=True, batch_frames=4096, device="cpu")
    raw = lifter.lift(
        [tracks.keypoints_px[tracks.rows(0)], tracks.keypoints_px[tracks.rows(1)]],
        camera=camera, stop=StopFlag(), progress=FrameCounter(),
    )  # fmt: skip
    np.testing.assert_array_equal(lifted(tracks, OFF).joints_m, np.concatenate([one.joints_m for one in raw]))


@pytest.mark.parametrize("lengths", [[1], [2], [3], [80, 5]])
def test_everything_on_gives_the_same_numbers_every_time(lengths: list[int]) -> None:
    tracks = tracks_of(lengths)
    first, again = lifted(tracks, LiftSettings()), lifted(tracks, LiftSettings())
    for field in fields(Poses):
        np.testing.assert_array_equal(getattr(first, field.name), getattr(again, field.name))
    assert np.isfinite(first.joints_m).all()
    assert np.isfinite(first.root_cam_m).all()


def test_uneven_times_are_lifted_with_everything_on() -> None:
    times = np.cumsum(np.r_[0, np.random.default_rng(0).uniform(0.005, 0.2, 79)])
    poses = lifted(replace(tracks_of([80]), frame_times_s=times), LiftSettings())
    assert np.isfinite(poses.joints_m).all()
    assert np.isfinite(poses.root_cam_m).all()


def test_a_wild_keypoint_changes_the_pose_less_when_outliers_are_rejected_and_is_still_told() -> None:
    calm = replace(tracks_of([60], fps=50), keypoints_px=np.repeat(tracks_of([1]).keypoints_px, 60, axis=0))
    wild = calm.keypoints_px.copy()
    wild[30, 9] += 400
    tracks = replace(calm, keypoints_px=wild)
    rejecting = replace(OFF, reject_outliers=True)
    changed = {
        settings.reject_outliers: np.abs(lifted(tracks, settings).joints_m - lifted(calm, settings).joints_m).max()
        for settings in (OFF, rejecting)
    }
    assert changed[True] < 0.01 * changed[False]
    np.testing.assert_array_equal(lifted(tracks, rejecting).keypoints_px, wild)


def test_feet_are_locked_without_changing_anybodys_bones() -> None:
    tracks = tracks_of([80])
    on, off = (lifted(tracks, LiftSettings(lock_feet=lock)) for lock in (True, False))
    np.testing.assert_allclose(bone_lengths(on.joints_m), bone_lengths(off.joints_m), atol=1e-5)
