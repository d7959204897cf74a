"""Feet and hands go through tracking and lifting beside COCO's keypoints, and change nothing of what comes of those."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline import detections as detections_file
from liftline import poses as poses_file
from liftline import tracks as tracks_file
from liftline.detections import Detections
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import COCO17, COCO17_TO_HALPE26_HANDS, HALPE26_HANDS, remap_joints
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.stage import LiftSettings, TrackSettings, lift_tracks, track_people
from liftline_lifter.videopose3d.dataset import write_custom_dataset
from liftline_lifter.videopose3d.detectron import write_detectron_file
from tests.unit.lifter.random_networks import random_checkpoint
from tests.unit.lifter.synthetic_people import detect, walker
from tests.unit.lifter.test_stage import plan_of

FRAMES, COCO = 90, len(COCO17)
HEELS, HANDS = HALPE26_HANDS.indices("left_heel", "right_heel"), HALPE26_HANDS.indices("left_index", "right_index")
HEAD = HALPE26_HANDS.index["head"]


@pytest.fixture
def seen() -> Detections:
    """Two who cross, one away for a while; now and then a keypoint is missing, and once all sides are exchanged."""
    walkers = [walker(FRAMES, x_px=300, speed_px_s=90), walker(FRAMES, x_px=700, speed_px_s=-80, phase=1.0)]
    shown = [np.ones(FRAMES, np.bool_), np.ones(FRAMES, np.bool_)]
    shown[1][30:45] = False
    found = detect(walkers, shown)
    rng = np.random.default_rng(1)
    points, scores = found.keypoints_px.copy(), rng.uniform(0.05, 1, found.keypoint_scores.shape).astype(np.float32)
    points[50:54], scores[50:54] = points[50:54][:, COCO17.mirrored], scores[50:54][:, COCO17.mirrored]
    missing = rng.uniform(size=scores.shape) < 0.05
    return replace(
        found, keypoints_px=np.where(missing[..., None], np.float32(np.nan), points),
        keypoint_scores=np.where(missing, np.float32(0), scores),
    )  # fmt: skip


@pytest.fixture
def richer(seen: Detections) -> Detections:
    """The same people with heels below the ankles and, in every other row, fingers beyond the wrists."""
    points = remap_joints(seen.keypoints_px, COCO17_TO_HALPE26_HANDS, missing=np.nan)
    scores = remap_joints(seen.keypoint_scores, COCO17_TO_HALPE26_HANDS, missing=0)
    for joints, beyond, rows in (
        (HEELS, COCO17.indices("left_ankle", "right_ankle"), slice(None)),
        (HANDS, COCO17.indices("left_wrist", "right_wrist"), slice(None, None, 2)),
    ):
        points[rows, joints] = points[rows, beyond] + 8
        scores[rows, joints] = np.where(np.isfinite(points[rows, joints]).all(axis=-1), 0.7, 0)
    return replace(seen, keypoints_px=points, keypoint_scores=scores, skeleton=HALPE26_HANDS)


def track(found: Detections) -> tracks_file.Tracks:
    return track_people(
        found, plan_of(FRAMES), video="clip.mp4", settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).tracks


def lift(tracks: tracks_file.Tracks, checkpoint: LifterCheckpoint) -> poses_file.Poses:
    return lift_tracks(tracks, checkpoint, settings=LiftSettings(), stop=StopFlag(), progress=FrameCounter()).poses


def test_who_is_who_and_cocos_keypoints_are_the_same_to_the_bit(seen: Detections, richer: Detections) -> None:
    plain, rich = track(seen), track(richer)
    assert (plain.skeleton, rich.skeleton) == (COCO17, HALPE26_HANDS)
    assert len(plain) == 2
    for name in ("track_ids", "row_offsets", "frame_index", "boxes_px", "scores", "observed"):
        np.testing.assert_array_equal(getattr(rich, name), getattr(plain, name))
    np.testing.assert_array_equal(rich.coco17.keypoints_px, plain.keypoints_px)
    np.testing.assert_array_equal(rich.coco17.keypoint_scores, plain.keypoint_scores)


def test_what_was_not_seen_of_feet_and_hands_is_missing_and_the_rest_is_where_it_was(richer: Detections) -> None:
    tracks = track(richer)
    present = np.isfinite(tracks.keypoints_px).all(axis=-1)
    assert present[:, :COCO].all()
    assert not tracks.keypoint_scores[~present].any()
    assert not present[~tracks.observed, COCO:].any()
    assert not present[:, HEAD].any()
    assert 0.8 < present[tracks.observed][:, HEELS].mean() < 1
    assert 0.4 < present[tracks.observed][:, HANDS].mean() < 0.6
    ankles = tracks.keypoints_px[:, COCO17.indices("left_ankle", "right_ankle")]
    sure = present[:, HEELS] & (tracks.keypoint_scores[:, COCO17.indices("left_ankle", "right_ankle")] > 0)
    np.testing.assert_allclose((tracks.keypoints_px[:, HEELS] - ankles)[sure], 8, atol=1e-3)


def test_what_videopose3d_and_detectron_read_is_the_same_file(
    seen: Detections, richer: Detections, tmp_path: Path
) -> None:
    for name, found in (("plain", seen), ("rich", richer)):
        write_custom_dataset(tmp_path / f"{name}_custom.npz", track(found))
        write_detectron_file(tmp_path / f"{name}_detectron.npz", found, width_px=1280, height_px=720)
    for kind in ("custom", "detectron"):
        assert (tmp_path / f"rich_{kind}.npz").read_bytes() == (tmp_path / f"plain_{kind}.npz").read_bytes()


def test_poses_are_the_same_to_the_bit_and_keep_feet_and_hands_beside_them(
    seen: Detections, richer: Detections, tmp_path: Path
) -> None:
    checkpoint = random_checkpoint()
    plain, rich = lift(track(seen), checkpoint), lift(track(richer), checkpoint)
    np.testing.assert_array_equal(rich.joints_m, plain.joints_m)
    np.testing.assert_array_equal(rich.root_cam_m, plain.root_cam_m)
    poses_file.save(tmp_path / "poses.npz", rich)
    loaded = poses_file.load(tmp_path / "poses.npz")
    assert loaded.keypoint_skeleton is HALPE26_HANDS
    np.testing.assert_array_equal(loaded.keypoints_px, track(richer).keypoints_px)
    np.testing.assert_array_equal(loaded.keypoints_px[:, :COCO], plain.keypoints_px)


def test_files_keep_what_is_missing(richer: Detections, tmp_path: Path) -> None:
    detections_file.save(tmp_path / "d.npz", richer)
    tracks_file.save(tmp_path / "t.npz", track(richer))
    for loaded, made in (
        (detections_file.load(tmp_path / "d.npz"), richer), (tracks_file.load(tmp_path / "t.npz"), track(richer)),
    ):  # fmt: skip
        assert loaded.skeleton is HALPE26_HANDS
        np.testing.assert_array_equal(loaded.keypoints_px, made.keypoints_px)
        np.testing.assert_array_equal(loaded.keypoint_scores, made.keypoint_scores)


def test_segments_of_an_older_detector_join_those_that_have_feet_and_hands(
    seen: Detections, richer: Detections
) -> None:
    joined = Detections.concatenate([richer.between(0, 40), seen.between(40, FRAMES)])
    assert joined.skeleton is HALPE26_HANDS
    np.testing.assert_array_equal(joined.keypoints_px[:, :COCO], seen.keypoints_px)
    later = joined.frame_index >= 40
    assert np.isnan(joined.keypoints_px[later, COCO:]).all()
    assert not joined.keypoint_scores[later, COCO:].any()
    np.testing.assert_array_equal(joined.keypoints_px[~later], richer.between(0, 40).keypoints_px)
