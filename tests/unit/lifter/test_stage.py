"""The two stages: whole videos in, valid artifacts out, also where there is next to nothing in them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import get_args

import numpy as np
import pytest

from liftline.camera import Camera
from liftline.detections import Detections
from liftline.errors import Cancelled, InvalidArtifactError, UsageError
from liftline.frames import VideoInfo
from liftline.plan import Plan, Segment
from liftline.poses import Poses
from liftline.progress import FrameCounter, StopFlag
from liftline.settings.job import Smoothing
from liftline.tracks import Tracks
from liftline_lifter.lifting.normalise import Normalisation
from liftline_lifter.scene.person_height import standing_height_m
from liftline_lifter.stage import LiftResult, LiftSettings, TrackResult, TrackSettings, lift_tracks, track_people
from tests.unit.lifter.random_networks import random_checkpoint, random_keypoints, tracks_of
from tests.unit.lifter.synthetic_people import detect, walker


def plan_of(frames: int) -> Plan:
    info = VideoInfo(
        name="clip.mp4", container="mp4", codec="h264", pixel_format="yuv420p", width_px=1280, height_px=720,
        coded_width_px=1280, coded_height_px=720, rotation_deg=0, sample_aspect_ratio=Fraction(1),
        time_base=Fraction(1, 30), average_rate=Fraction(30), duration_s=frames / 30, audio_codec=None,
        colour_range="", colour_space="",
    )  # fmt: skip
    return Plan(info, np.arange(frames), (Segment(0, 0, frames, 0),))


AS_THE_NETWORK_SAYS = {
    "smooth": "none", "repair_sides": False, "reject_outliers": False, "constant_bones": False, "lock_feet": False,
}  # fmt: skip


def lift(tracks: Tracks, *, trajectory: bool = False, **settings: object) -> LiftResult:
    checkpoint = random_checkpoint(trajectory=trajectory)
    chosen = LiftSettings(**settings)  # type: ignore[arg-type]
    return lift_tracks(tracks, checkpoint, settings=chosen, stop=StopFlag(), progress=FrameCounter())


def track(detections: Detections, plan: Plan, *, stop: StopFlag | None = None, **settings: int) -> TrackResult:
    return track_people(
        detections, plan, video="clip.mp4", settings=TrackSettings(**settings), stop=stop or StopFlag(),
        progress=FrameCounter(),
    )  # fmt: skip


def test_detections_become_tracks_of_the_planned_video() -> None:
    people = [walker(90, x_px=300 + 300 * n, speed_px_s=50) for n in range(2)]
    tracks = track(detect(people), plan_of(90)).tracks
    assert (tracks.video, tracks.width_px, tracks.height_px) == ("clip.mp4", 1280, 720)
    assert tracks.track_ids.tolist() == [1, 2]
    np.testing.assert_array_equal(tracks.frame_times_s, plan_of(90).frame_times_s)


def test_tracking_counts_every_frame_of_the_video_also_those_without_anyone() -> None:
    shown = np.ones(90, np.bool_)
    shown[20:50] = shown[80:] = False
    progress = FrameCounter()
    detections = detect([walker(90, x_px=300, speed_px_s=50)], [shown])
    track_people(
        detections, plan_of(90), video="clip.mp4", settings=TrackSettings(), stop=StopFlag(), progress=progress
    )  # fmt: skip
    assert progress.frames == 90


def test_tracking_stops_at_the_next_frame() -> None:
    stop, reached = StopFlag(), list[int]()

    def listener(frames: int) -> None:
        reached.append(frames)
        if frames == 30:
            stop.stop()

    with pytest.raises(Cancelled):
        track_people(
            detect([walker(90, x_px=300, speed_px_s=50)]), plan_of(90), video="clip.mp4", settings=TrackSettings(),
            stop=stop, progress=FrameCounter(listener),
        )  # fmt: skip
    assert reached[-1] == 30


def test_detections_of_another_range_are_refused() -> None:
    detections = detect([walker(90, x_px=300, speed_px_s=50)])
    with pytest.raises(InvalidArtifactError, match="frames 0 to 90 of a video of 91 frames"):
        track(detections, plan_of(91))


@pytest.mark.parametrize(("seen", "warned"), [(45, True), (60, False)])
def test_it_is_said_where_somebody_was_found_in_less_than_half_of_the_frames(seen: int, warned: bool) -> None:
    detections = detect([walker(seen, x_px=300, speed_px_s=50)])
    warnings = track(replace(detections, frame_stop=100), plan_of(100)).warnings
    assert [f"somebody was found in {seen} of 100 frames only" in one for one in warnings] == [True] * warned
    assert all("--score-threshold" in one for one in warnings)


@pytest.mark.parametrize("frames", [1, 2, 40])
def test_nobody_is_a_valid_result_of_both_stages(frames: int) -> None:
    nobody = Detections.from_frames([], start=0, stop=frames, detector="synthetic")
    tracks = track(nobody, plan_of(frames)).tracks
    result = lift(tracks)
    assert len(tracks) == len(result.poses) == 0
    assert len(result.poses.frame_times_s) == frames


@pytest.mark.parametrize("smooth", get_args(Smoothing))
@pytest.mark.parametrize("lengths", [[1], [2], [3], [1, 40, 7]])
def test_poses_have_the_rows_of_their_tracks(lengths: list[int], smooth: Smoothing) -> None:
    tracks = tracks_of(lengths)
    poses = lift(tracks, smooth=smooth).poses
    assert poses.joints_m.shape == (sum(lengths), 17, 3)
    assert np.isfinite(poses.joints_m).all()
    assert np.isfinite(poses.root_cam_m).all()
    for name in ("track_ids", "row_offsets", "frame_index", "keypoints_px", "keypoint_scores", "observed"):
        np.testing.assert_array_equal(getattr(poses, name), getattr(tracks, name))


def test_every_person_is_lifted_as_if_alone() -> None:
    together = lift(tracks_of([80, 20, 45]), batch_frames=64, common_floor=False).poses
    for position, length in enumerate([80, 20, 45]):
        tracks = tracks_of([length])
        alone = lift(replace(tracks, keypoints_px=random_keypoints(length, seed=position))).poses
        np.testing.assert_allclose(together.joints_m[together.rows(position)], alone.joints_m, atol=1e-5)
        np.testing.assert_allclose(together.root_cam_m[together.rows(position)], alone.root_cam_m, atol=1e-3)


def test_native_rate_lifts_the_frames_as_they_are() -> None:
    slow, fast = tracks_of([60], fps=25), tracks_of([60], fps=50)
    as_they_are = lift(slow, native_rate=True, **AS_THE_NETWORK_SAYS).poses.joints_m
    np.testing.assert_array_equal(as_they_are, lift(fast, **AS_THE_NETWORK_SAYS).poses.joints_m)
    assert np.abs(as_they_are - lift(slow, **AS_THE_NETWORK_SAYS).poses.joints_m).max() > 1e-3


def test_poses_come_back_at_the_videos_own_uneven_times() -> None:
    tracks = tracks_of([50])
    times = np.cumsum(np.r_[0, np.random.default_rng(0).uniform(0.01, 0.08, 49)])
    poses = lift(replace(tracks, frame_times_s=times)).poses
    assert len(poses.joints_m) == 50
    np.testing.assert_array_equal(poses.frame_times_s, times)


def test_the_given_focal_length_is_used_and_told() -> None:
    result = lift(tracks_of([30]), focal_px=1234.0)
    assert result.poses.focal_px == result.scene.focal_px == 1234.0


def test_a_trajectory_network_gives_the_root_and_its_cameras_focal_length() -> None:
    tracks = tracks_of([30], fps=50)
    poses = lift(tracks, trajectory=True, **AS_THE_NETWORK_SAYS).poses
    assert poses.focal_px == pytest.approx(1.145 * 1280)
    longer = lift(tracks, trajectory=True, **AS_THE_NETWORK_SAYS, focal_px=2 * poses.focal_px).poses
    np.testing.assert_allclose(longer.root_cam_m, poses.root_cam_m * [1, 1, 2], rtol=1e-5)


@pytest.mark.parametrize("normalisation", list(Normalisation))
def test_both_normalisations_are_lifted(normalisation: Normalisation) -> None:
    checkpoint = random_checkpoint(normalisation=normalisation)
    tracks = tracks_of([25])
    result = lift_tracks(tracks, checkpoint, settings=LiftSettings(), stop=StopFlag(), progress=FrameCounter())
    assert np.isfinite(result.poses.joints_m).all()


def test_progress_counts_rows_and_stopping_is_heeded() -> None:
    progress, stop = FrameCounter(), StopFlag()
    tracks = tracks_of([70, 30])
    lift_tracks(tracks, random_checkpoint(), settings=LiftSettings(), stop=stop, progress=progress)
    assert progress.frames == 100
    stop.stop()
    with pytest.raises(Cancelled):
        lift_tracks(tracks, random_checkpoint(), settings=LiftSettings(), stop=stop, progress=progress)


def test_people_are_as_tall_as_told_and_seen_as_before() -> None:
    usual = lift(tracks_of([40, 30]), common_floor=False).poses
    told = lift(tracks_of([40, 30]), person_height_m=1.5, person_heights_m=((2, 1.9),)).poses
    for position, height_m in enumerate((1.5, 1.9)):
        rows = told.rows(position)
        assert standing_height_m(told.joints_m[rows]) == pytest.approx(height_m, rel=1e-5)
        np.testing.assert_allclose(_seen(told, rows), _seen(usual, rows), rtol=1e-3)


def test_a_height_for_somebody_who_is_not_there_is_refused() -> None:
    with pytest.raises(UsageError, match="person 5, but there is nobody of that number; there are 1, 2"):
        lift(tracks_of([40, 30]), person_heights_m=((5, 1.7),))


def test_the_scene_tells_where_the_focal_length_is_from() -> None:
    given = lift(tracks_of([5]), fov_deg=90.0)
    assert given.scene.focal_px == given.poses.focal_px == pytest.approx(given.poses.width_px / 2)
    assert given.scene.focal_source == "given"
    assert lift(tracks_of([5])).scene.focal_source == "assumed"
    assert lift(tracks_of([5]), trajectory=True).scene.focal_source == "network"


def _seen(poses: Poses, rows: slice) -> np.ndarray:
    return Camera(poses.width_px, poses.height_px, poses.focal_px).project(
        poses.joints_m[rows] + poses.root_cam_m[rows, None]
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"smooth": "kalman"},
        {"focal_px": 0.0},
        {"focal_px": -5.0},
        {"fov_deg": 0.0},
        {"fov_deg": 180.0},
        {"fov_deg": 60.0, "focal_px": 900.0},
        {"person_height_m": 0.0},
        {"person_height_m": 175.0},
        {"person_height_m": float("nan")},
        {"person_heights_m": ((1, 1.7), (1, 1.8))},
        {"batch_frames": 0},
    ],
)
def test_unusable_settings_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        LiftSettings(**wrong)  # type: ignore[arg-type]
