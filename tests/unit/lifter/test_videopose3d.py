"""VideoPose3D reads what we write, and we read what anyone wrote in its format."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from liftline import tracks as tracks_file
from liftline.errors import InvalidArtifactError, InvalidInputError, UsageError
from liftline.frames import VideoInfo
from liftline.plan import Plan, Segment
from liftline.skeletons import HALPE26_HANDS
from liftline.tracks import Tracks
from liftline_lifter.videopose3d.dataset import CustomSubject, read_custom_dataset, write_custom_dataset
from liftline_lifter.videopose3d.lift_input import load_keypoints, tracks_from_custom
from tests.unit.lifter.random_networks import random_keypoints, tracks_of


def plan_of(frames: int, width: int = 1280, height: int = 720) -> Plan:
    rate = Fraction(30000, 1001)
    info = VideoInfo(
        name="clip.mp4", container="mp4", codec="h264", pixel_format="yuv420p", width_px=width, height_px=height,
        coded_width_px=width, coded_height_px=height, rotation_deg=0, sample_aspect_ratio=Fraction(1),
        time_base=Fraction(1, 30000), average_rate=rate, duration_s=float(frames / rate), audio_codec=None,
        colour_range="", colour_space="",
    )  # fmt: skip
    return Plan(info, np.arange(frames) * 1001, (Segment(0, 0, frames, 0),))


def as_videopose3d_reads(path: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    """The two lines with which its run.py opens a dataset."""
    data = np.load(path, allow_pickle=True)
    return data["positions_2d"].item(), data["metadata"].item()


def foreign(path: Path, positions: object, **metadata: object) -> Path:
    facts = {"layout_name": "coco", "num_joints": 17, "video_metadata": {"a.mp4": {"w": 640, "h": 480}}, **metadata}
    np.savez_compressed(path, positions_2d=np.array(positions, object), metadata=np.array(facts, object))
    return path


def test_the_file_is_what_videopose3d_expects(tmp_path: Path) -> None:
    tracks = tracks_of([50, 20], starts=[10, 30])
    write_custom_dataset(tmp_path / "d.npz", tracks)
    positions, metadata = as_videopose3d_reads(tmp_path / "d.npz")
    assert list(positions) == ["clip.mp4", "clip.mp4#2"]
    assert metadata["video_metadata"]["clip.mp4"] == {"w": 1280, "h": 720}
    assert metadata["video_metadata"]["clip.mp4#2"] == {"w": 1280, "h": 720, "start_frame": 30}
    symmetry = [[1, 3, 5, 7, 9, 11, 13, 15], [2, 4, 6, 8, 10, 12, 14, 16]]
    assert (metadata["layout_name"], metadata["num_joints"], metadata["keypoints_symmetry"]) == ("coco", 17, symmetry)
    (first,), (second,) = positions["clip.mp4"]["custom"], positions["clip.mp4#2"]["custom"]
    assert (first.dtype, first.shape, second.shape) == (np.float32, (60, 17, 2), (20, 17, 2))
    np.testing.assert_array_equal(first[10:], tracks.keypoints_px[:50])
    np.testing.assert_array_equal(first[:10], np.repeat(tracks.keypoints_px[:1], 10, axis=0))


def test_a_video_without_people_has_no_subjects(tmp_path: Path) -> None:
    write_custom_dataset(tmp_path / "d.npz", tracks_of([]))
    positions, metadata = as_videopose3d_reads(tmp_path / "d.npz")
    assert positions == metadata["video_metadata"] == {}
    with pytest.raises(InvalidInputError, match="no subjects"):
        read_custom_dataset(tmp_path / "d.npz")


def test_our_tracks_come_back_from_a_custom_dataset(tmp_path: Path) -> None:
    tracks = tracks_of([60, 20], starts=[0, 30])
    write_custom_dataset(tmp_path / "d.npz", tracks)
    loaded = load_keypoints(tmp_path / "d.npz", fps=30)
    assert not loaded.native_rate
    assert loaded.warnings == ()
    np.testing.assert_array_equal(loaded.tracks.keypoints_px, tracks.keypoints_px)
    np.testing.assert_array_equal(loaded.tracks.frame_index, tracks.frame_index)
    np.testing.assert_allclose(loaded.tracks.frame_times_s, tracks.frame_times_s)
    assert np.all(loaded.tracks.keypoint_scores == 1)
    assert loaded.tracks.observed.all()


def test_a_tracks_file_is_recognised_and_keeps_its_times(tmp_path: Path) -> None:
    tracks = tracks_of([60])
    tracks_file.save(tmp_path / "t.npz", tracks)
    assert load_keypoints(tmp_path / "t.npz").warnings == ()
    loaded = load_keypoints(tmp_path / "t.npz", fps=99)
    assert "own frame times" in loaded.warnings[0]
    np.testing.assert_array_equal(loaded.tracks.frame_times_s, tracks.frame_times_s)


def test_a_dataset_without_times_is_lifted_at_native_rate_and_says_so(tmp_path: Path) -> None:
    write_custom_dataset(tmp_path / "d.npz", tracks_of([60]))
    loaded = load_keypoints(tmp_path / "d.npz")
    assert loaded.native_rate
    assert "native rate" in loaded.warnings[0]


def test_a_dataset_takes_the_times_of_its_video(tmp_path: Path) -> None:
    write_custom_dataset(tmp_path / "d.npz", tracks_of([60]))
    plan = plan_of(60)
    loaded = load_keypoints(tmp_path / "d.npz", plan=plan)
    np.testing.assert_array_equal(loaded.tracks.frame_times_s, plan.frame_times_s)
    assert not loaded.native_rate


def test_a_dataset_of_another_video_is_refused(tmp_path: Path) -> None:
    write_custom_dataset(tmp_path / "d.npz", tracks_of([60]))
    with pytest.raises(InvalidInputError, match="60 frames, the video 59"):
        load_keypoints(tmp_path / "d.npz", plan=plan_of(59))
    with pytest.raises(InvalidInputError, match="1280x720"):
        load_keypoints(tmp_path / "d.npz", plan=plan_of(60, 1920, 1080))


def test_missing_keypoints_of_a_foreign_dataset_are_interpolated() -> None:
    keypoints = random_keypoints(9)
    keypoints[4] = np.nan
    tracks = tracks_from_custom([CustomSubject("a.mp4", 640, 480, keypoints)], fps=25)
    np.testing.assert_allclose(tracks.keypoints_px[4], (keypoints[3] + keypoints[5]) / 2, rtol=1e-4)
    assert tracks.observed.tolist() == [True] * 4 + [False] + [True] * 4
    assert np.all(tracks.keypoint_scores[4] == 0)


def test_float64_keypoints_with_scores_are_accepted(tmp_path: Path) -> None:
    scored = np.dstack([random_keypoints(7).astype(np.float64), np.ones((7, 17))])
    path = foreign(tmp_path / "f.npz", {"a.mp4": {"custom": [scored]}})
    (subject,) = read_custom_dataset(path)
    assert (subject.keypoints_px.dtype, subject.keypoints_px.shape) == (np.float32, (7, 17, 2))
    assert (subject.width_px, subject.height_px) == (640, 480)


def test_one_video_of_several_has_to_be_named(tmp_path: Path) -> None:
    sizes = {name: {"w": 640, "h": 480} for name in ("a.mp4", "b.mp4")}
    positions = {name: {"custom": [random_keypoints(5)]} for name in sizes}
    path = foreign(tmp_path / "f.npz", positions, video_metadata=sizes)
    with pytest.raises(UsageError, match=r"a\.mp4, b\.mp4"):
        load_keypoints(path, fps=30)
    assert load_keypoints(path, fps=30, subject="b.mp4").tracks.video == "b.mp4"
    with pytest.raises(UsageError, match=r"no subject 'c\.mp4'"):
        load_keypoints(path, fps=30, subject="c.mp4")


def test_one_person_of_a_dataset_can_be_lifted_alone(tmp_path: Path) -> None:
    tracks = tracks_of([60, 20], starts=[0, 30])
    write_custom_dataset(tmp_path / "d.npz", tracks)
    assert len(load_keypoints(tmp_path / "d.npz", fps=30, subject="clip.mp4").tracks) == 2
    alone = load_keypoints(tmp_path / "d.npz", fps=30, subject="clip.mp4#2").tracks
    assert alone.frame_index.tolist() == list(range(30, 50))
    np.testing.assert_array_equal(alone.keypoints_px, tracks.keypoints_px[60:])


def test_a_tracks_file_has_no_subjects_to_choose_from(tmp_path: Path) -> None:
    tracks_file.save(tmp_path / "t.npz", tracks_of([60]))
    with pytest.raises(UsageError, match="only a custom dataset has subjects"):
        load_keypoints(tmp_path / "t.npz", subject="clip.mp4")


def test_arrays_go_by_names_that_every_numpy_knows(tmp_path: Path) -> None:
    write_custom_dataset(tmp_path / "d.npz", tracks_of([5]))
    with zipfile.ZipFile(tmp_path / "d.npz") as archive:
        content = archive.read("positions_2d.npy")
    assert b"numpy.core.multiarray" in content
    assert b"numpy._core" not in content


@pytest.mark.parametrize(
    ("positions", "metadata", "reason"),
    [
        ([1, 2], {}, "positions_2d is"),
        ({"a.mp4": [1]}, {}, "expected a dictionary"),
        ({"a.mp4": {"walking": [1]}}, {}, "no action 'custom'"),
        ({"a.mp4": {"custom": []}}, {}, "no action 'custom'"),
        ({"a.mp4": {"custom": ["text"]}}, {}, "holds no numbers"),
        ({"a.mp4": {"custom": [np.zeros((5, 13, 2))]}}, {}, r"shape \(5, 13, 2\)"),
        ({"a.mp4": {"custom": [np.zeros((0, 17, 2))]}}, {}, r"shape \(0, 17, 2\)"),
        ({"b.mp4": {"custom": [np.zeros((5, 17, 2))]}}, {}, "video_metadata of 'b.mp4'"),
        ({"a.mp4": {"custom": [np.zeros((5, 17, 2))]}}, {"video_metadata": {"a.mp4": {"w": 0, "h": 1}}}, "valid width"),
        ({"a.mp4": {"custom": [np.zeros((5, 17, 2))]}}, {"layout_name": "h36m"}, "'h36m'.*'halpe26' \\(26\\)"),
        ({"a.mp4": {"custom": [np.zeros((5, 17, 2))]}}, {"layout_name": "halpe26"}, r"expected \(frames, 26, 2\)"),
        ({"a.mp4": {"custom": [np.zeros((5, 17, 2))]}}, {"layout_name": ["coco"]}, "'coco'"),
        ({}, {}, "no subjects"),
    ],
)
def test_a_dataset_that_cannot_be_lifted_says_why(
    positions: object, metadata: dict[str, object], reason: str, tmp_path: Path
) -> None:
    path = foreign(tmp_path / "f.npz", positions, **metadata)
    with pytest.raises(InvalidInputError, match=reason):
        read_custom_dataset(path)


@pytest.mark.parametrize(
    ("layout", "count", "toe", "missing"),
    [("halpe26", 26, 20, {"left_index", "right_pinky"}), ("coco_wholebody", 133, 17, {"head", "neck", "hip"})],
)
def test_datasets_with_feet_keep_them_and_are_lifted_as_their_coco_keypoints_are(
    layout: str, count: int, toe: int, missing: set[str], tmp_path: Path
) -> None:
    keypoints = np.random.default_rng(0).uniform(100, 400, (20, count, 2)).astype(np.float32)
    keypoints[5, toe] = np.nan
    rich = load_keypoints(
        foreign(tmp_path / "rich.npz", {"a.mp4": {"custom": [keypoints]}}, layout_name=layout), fps=30
    ).tracks
    plain = load_keypoints(foreign(tmp_path / "coco.npz", {"a.mp4": {"custom": [keypoints[:, :17]]}}), fps=30).tracks
    assert rich.skeleton is HALPE26_HANDS
    np.testing.assert_array_equal(rich.coco17.keypoints_px, plain.keypoints_px)
    np.testing.assert_array_equal(rich.boxes_px, plain.boxes_px)
    ours = HALPE26_HANDS.index["left_big_toe"]
    np.testing.assert_array_equal(rich.keypoints_px[:, ours], keypoints[:, toe])
    assert rich.keypoint_scores[:, ours].tolist() == [1.0] * 5 + [0.0] + [1.0] * 14
    assert np.isnan(rich.keypoints_px[:, HALPE26_HANDS.indices(*missing)]).all()


@pytest.mark.parametrize("far_px", [1e38, -1e6])
def test_keypoints_far_from_the_picture_are_refused(far_px: float, tmp_path: Path) -> None:
    positions = np.full((5, 17, 2), 100.0)
    positions[3, 5, 0] = far_px
    positions[4, 6, 1] = np.nan
    path = foreign(tmp_path / "f.npz", {"a.mp4": {"custom": [positions]}})
    with pytest.raises(InvalidInputError, match=r"f\.npz: 1e\+\d+ is no place in or near a picture of \d+x\d+ pixels"):
        load_keypoints(path)


def test_tracks_far_from_the_picture_are_refused(tmp_path: Path) -> None:
    tracks = tracks_of([5])
    tracks_file.save(tmp_path / "t.npz", replace(tracks, keypoints_px=np.full_like(tracks.keypoints_px, 1e38)))
    with pytest.raises(InvalidInputError, match=r"t\.npz: 1e\+38 is no place in or near a picture"):
        load_keypoints(tmp_path / "t.npz")


def test_keypoints_that_are_all_missing_are_refused() -> None:
    with pytest.raises(InvalidInputError, match="no keypoints at all"):
        tracks_from_custom([CustomSubject("a.mp4", 640, 480, np.full((5, 17, 2), np.nan, np.float32))], fps=30)


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan"), float("inf")])
def test_an_impossible_frame_rate_is_refused(fps: float) -> None:
    with pytest.raises(UsageError, match="frame rate"):
        tracks_from_custom([CustomSubject("a.mp4", 640, 480, random_keypoints(5))], fps=fps)


def test_files_of_neither_kind_are_refused(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("hello")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(InvalidInputError, match="not a readable npz file"):
        load_keypoints(tmp_path / "text.npz")
    with pytest.raises(InvalidInputError, match="no such file"):
        load_keypoints(tmp_path / "missing.npz")
    with pytest.raises(InvalidArtifactError, match="expected a Liftline 'tracks' file"):
        load_keypoints(tmp_path / "other.npz")


def test_a_video_name_with_a_hash_is_kept() -> None:
    tracks = replace(tracks_of([5]), video="take #3 ü.mp4")
    assert isinstance(tracks, Tracks)
    assert CustomSubject("take #3 ü.mp4", 1, 1, tracks.keypoints_px).video == "take #3 ü.mp4"
    assert CustomSubject("take #3 ü.mp4#2", 1, 1, tracks.keypoints_px).video == "take #3 ü.mp4"
