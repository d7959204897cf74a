"""The value objects check themselves once and survive a trip through a file."""

from __future__ import annotations

import json
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from liftline import detections as detections_file
from liftline import plan as plan_file
from liftline import poses as poses_file
from liftline import scene as scene_file
from liftline import tracks as tracks_file
from liftline.camera import Camera
from liftline.detections import Detections, People
from liftline.errors import InvalidArtifactError, UsageError
from liftline.frames import VideoInfo
from liftline.plan import Plan, Segment
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.skeletons import BLAZEPOSE33, BLAZEPOSE33_TO_COCO17, COCO17, H36M17, HALPE26_HANDS, LIMB_JOINTS
from liftline.thumbnails import SIDE, Thumbnails
from liftline.tracks import Tracks

INFO = VideoInfo(
    name="clip.mp4", container="mp4", codec="h264", pixel_format="yuv420p", width_px=64, height_px=48,
    coded_width_px=64, coded_height_px=48, rotation_deg=0, sample_aspect_ratio=Fraction(1),
    time_base=Fraction(1, 30000), average_rate=Fraction(30000, 1001), duration_s=1.0, audio_codec=None,
    colour_range="tv", colour_space="bt709",
)  # fmt: skip


def people(n: int, value: float = 1.0) -> People:
    return People(
        np.full((n, 4), value, np.float32), np.full(n, 0.9, np.float32),
        np.full((n, 17, 2), value, np.float32), np.full((n, 17), 0.8, np.float32),
    )  # fmt: skip


def tracks() -> Tracks:
    rows = 5
    return Tracks(
        video="clip.mp4", width_px=64, height_px=48, detector="fake", frame_times_s=np.arange(4) / 25.0,
        track_ids=np.array([7, 3]), row_offsets=np.array([0, 3, 5]), frame_index=np.array([0, 1, 2, 2, 3]),
        boxes_px=np.zeros((rows, 4), np.float32), scores=np.ones(rows, np.float32),
        keypoints_px=np.zeros((rows, 17, 2), np.float32), keypoint_scores=np.ones((rows, 17), np.float32),
        observed=np.array([True, False, True, True, True]),
    )  # fmt: skip


def poses() -> Poses:
    t = tracks()
    rng = np.random.default_rng(0)
    return Poses(
        video="clip.mp4", width_px=64, height_px=48, focal_px=80.0, frame_times_s=t.frame_times_s,
        track_ids=t.track_ids, row_offsets=t.row_offsets, frame_index=t.frame_index,
        joints_m=rng.normal(size=(5, 17, 3)).astype(np.float32), root_cam_m=np.full((5, 3), 4, np.float32),
        keypoints_px=t.keypoints_px, keypoint_scores=t.keypoint_scores, observed=t.observed,
    )  # fmt: skip


@pytest.mark.parametrize("skeleton", [COCO17, H36M17, BLAZEPOSE33], ids=lambda s: s.name)
def test_mirroring_twice_is_the_identity_and_swaps_sides(skeleton: object) -> None:
    assert isinstance(skeleton, type(COCO17))
    order = skeleton.mirrored
    np.testing.assert_array_equal(order[order], np.arange(len(skeleton)))
    for left, right in zip(skeleton.left, skeleton.right, strict=True):
        assert "left" in skeleton.joints[left]
        assert skeleton.joints[order[left]] == skeleton.joints[right]


def test_h36m_is_a_tree_rooted_at_the_hip() -> None:
    assert H36M17.joints[0] == "hip"
    assert len(H36M17.edges) == 16
    assert all(parent < joint for joint, parent in enumerate(H36M17.parents))


def test_blazepose_landmarks_map_to_coco_joints_of_the_same_name() -> None:
    assert [BLAZEPOSE33.joints[i] for i in BLAZEPOSE33_TO_COCO17] == list(COCO17.joints)


def test_limb_joints_are_the_twelve_of_human36m() -> None:
    assert len(H36M17.indices(*LIMB_JOINTS)) == 12


def test_people_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match="boxes_px has shape"):
        replace(people(2), boxes_px=np.zeros((3, 4), np.float32))


def test_detections_keep_people_per_frame() -> None:
    found = Detections.from_frames([(4, people(2)), (5, people(0)), (6, people(1, 5.0))], start=4, stop=7, detector="x")
    assert [len(found.people(i)) for i in (4, 5, 6)] == [2, 0, 1]
    assert found.people(6).boxes_px[0, 0] == 5.0


def test_detections_of_an_empty_segment_are_valid(tmp_path: Path) -> None:
    found = Detections.from_frames([(0, people(0))], start=0, stop=1, detector="x")
    detections_file.save(tmp_path / "d.npz", found)
    assert len(detections_file.load(tmp_path / "d.npz")) == 0


def test_segments_concatenate_in_order_and_gaps_are_refused() -> None:
    first = Detections.from_frames([(0, people(1))], start=0, stop=2, detector="x")
    second = Detections.from_frames([(3, people(2))], start=2, stop=4, detector="x")
    assert Detections.concatenate([first, second]).frame_index.tolist() == [0, 3, 3]
    with pytest.raises(ValueError, match="don't meet"):
        Detections.concatenate([second, first])


def test_detections_survive_a_file(tmp_path: Path) -> None:
    found = Detections.from_frames([(0, people(2))], start=0, stop=1, detector="x")
    detections_file.save(tmp_path / "d.npz", found)
    loaded = detections_file.load(tmp_path / "d.npz")
    np.testing.assert_array_equal(loaded.keypoints_px, found.keypoints_px)
    assert (loaded.frame_start, loaded.frame_stop, loaded.detector) == (0, 1, "x")


def test_thumbnails_go_with_detections_into_a_file_and_join_with_them(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    grey = rng.integers(0, 256, (4, SIDE, SIDE), np.uint8)
    parts = [
        Detections.from_frames(
            [(start, people(1))], start=start, stop=start + 3, detector="x",
            thumbnails=Thumbnails.from_frames([(start + n, grey[start // 3 * 2 + n]) for n in range(2)]),
        )
        for start in (0, 3)
    ]  # fmt: skip
    detections_file.save(tmp_path / "d.npz", Detections.concatenate(parts))
    loaded = detections_file.load(tmp_path / "d.npz").thumbnails
    assert loaded.frame_index.tolist() == [0, 1, 3, 4]
    np.testing.assert_array_equal(loaded.grey, grey)


def test_thumbnails_of_other_frames_than_the_detections_are_refused() -> None:
    elsewhere = Thumbnails.from_frames([(5, np.zeros((SIDE, SIDE), np.uint8))])
    with pytest.raises(ValueError, match="inside"):
        Detections.from_frames([(0, people(1))], start=0, stop=2, detector="x", thumbnails=elsewhere)


def test_detections_between_two_frames_are_those_of_these_frames() -> None:
    found = Detections.from_frames([(0, people(2)), (1, people(1)), (3, people(2, 5.0))], start=0, stop=4, detector="x")
    part = found.between(1, 4)
    assert (part.frame_start, part.frame_stop, part.frame_index.tolist()) == (1, 4, [1, 3, 3])
    assert part.people(3).boxes_px[0, 0] == 5.0


def test_a_track_with_a_hole_is_refused() -> None:
    with pytest.raises(ValueError, match="consecutive"):
        replace(tracks(), frame_index=np.array([0, 2, 3, 2, 3]))


def test_tracks_survive_a_file(tmp_path: Path) -> None:
    tracks_file.save(tmp_path / "t.npz", tracks())
    loaded = tracks_file.load(tmp_path / "t.npz")
    assert loaded.rows(1) == slice(3, 5)
    np.testing.assert_array_equal(loaded.observed, tracks().observed)


def test_tracks_that_do_not_fit_together_are_refused_when_read(tmp_path: Path) -> None:
    tracks_file.save(tmp_path / "t.npz", tracks())
    with np.load(tmp_path / "t.npz") as stored:
        arrays = dict(stored)
    arrays["row_offsets"] = np.array([0, 4, 5])
    np.savez(tmp_path / "bad.npz", **arrays)
    with pytest.raises(InvalidArtifactError, match=r"bad\.npz.*fit together"):
        tracks_file.load(tmp_path / "bad.npz")


def test_dense_poses_are_nan_where_the_person_is_absent() -> None:
    dense = poses().dense(3)
    assert dense.shape == (4, 17, 3)
    assert np.isnan(dense[:2]).all()
    np.testing.assert_array_equal(dense[2:], poses().joints_m[3:])


def test_an_unknown_track_is_named() -> None:
    with pytest.raises(UsageError, match="no track 99"):
        poses().dense(99)


def test_poses_survive_a_file(tmp_path: Path) -> None:
    poses_file.save(tmp_path / "p.npz", poses())
    loaded = poses_file.load(tmp_path / "p.npz")
    np.testing.assert_array_equal(loaded.joints_m, poses().joints_m)
    assert loaded.focal_px == 80.0


def _with_meta(path: Path, **changes: str | None) -> None:
    """Change entries of a file's metadata; None takes one away."""
    with np.load(path) as stored:
        arrays = dict(stored)
    meta = {**json.loads(str(arrays["meta"])), **changes}
    told = {key: value for key, value in meta.items() if value is not None}
    np.savez(path, **{**arrays, "meta": np.array(json.dumps(told))})


def test_poses_of_files_that_do_not_name_their_keypoints_have_cocos(tmp_path: Path) -> None:
    poses_file.save(tmp_path / "p.npz", poses())
    _with_meta(tmp_path / "p.npz", keypoint_skeleton=None)
    loaded = poses_file.load(tmp_path / "p.npz")
    assert loaded.keypoint_skeleton is COCO17
    np.testing.assert_array_equal(loaded.keypoints_px, poses().keypoints_px)


def test_poses_with_keypoints_of_another_skeleton_are_refused(tmp_path: Path) -> None:
    poses_file.save(tmp_path / "p.npz", poses())
    _with_meta(tmp_path / "p.npz", keypoint_skeleton=BLAZEPOSE33.name)
    with pytest.raises(InvalidArtifactError, match="'blazepose33', expected coco17 or halpe26_hands"):
        poses_file.load(tmp_path / "p.npz")


def test_segments_of_which_only_some_have_feet_and_hands_get_them_all_the_other_way_round_too() -> None:
    body = Detections.from_frames([(0, people(1))], start=0, stop=1, detector="x")
    nobody = Detections.from_frames([(1, People.empty(HALPE26_HANDS))], start=1, stop=2, detector="x")
    joined = Detections.concatenate([body, nobody])
    assert joined.skeleton is HALPE26_HANDS
    assert np.isnan(joined.keypoints_px[0, 17:]).all()
    np.testing.assert_array_equal(joined.people(0).coco17.keypoints_px, people(1).keypoints_px)


def test_a_detector_that_gives_two_kinds_of_keypoints_is_told() -> None:
    with pytest.raises(ValueError, match="two skeletons, coco17 and halpe26_hands"):
        Detections.from_frames([(0, people(1)), (1, People.empty(HALPE26_HANDS))], start=0, stop=2, detector="x")


def detections() -> Detections:
    return Detections.from_frames([(0, people(2))], start=0, stop=1, detector="x")


FILES = {
    "detections": (detections_file.save, detections_file.load, detections),
    "tracks": (tracks_file.save, tracks_file.load, tracks),
    "poses": (poses_file.save, poses_file.load, poses),
}


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("says", ["body_25", "blazepose33", None])
def test_a_file_of_another_skeleton_or_of_none_is_refused(kind: str, says: str | None, tmp_path: Path) -> None:
    save, load, made = FILES[kind]
    save(tmp_path / "file.npz", made())  # type: ignore[operator]
    _rename_skeleton(tmp_path / "file.npz", says)
    expected = rf"file\.npz: .*{says or 'which'}.*, expected (coco17 or halpe26_hands|h36m17 or h36m17_feet_hands); use"
    with pytest.raises(InvalidArtifactError, match=expected):
        load(tmp_path / "file.npz")  # type: ignore[operator]


def test_tracks_of_the_poses_skeleton_are_refused_though_it_has_as_many_joints(
    tmp_path: Path,
) -> None:
    tracks_file.save(tmp_path / "t.npz", tracks())
    _rename_skeleton(tmp_path / "t.npz", H36M17.name)
    with pytest.raises(InvalidArtifactError, match="'h36m17', expected coco17"):
        tracks_file.load(tmp_path / "t.npz")


def _rename_skeleton(path: Path, name: str | None) -> None:
    with np.load(path) as stored:
        arrays = dict(stored)
    meta = json.loads(str(arrays["meta"]))
    for named in (meta, arrays):
        if named.pop("skeleton", None) is not None and name is not None:
            named["skeleton"] = np.array(name) if named is arrays else name
    np.savez(path, **{**arrays, "meta": np.array(json.dumps(meta))})


@pytest.mark.parametrize("kind", FILES)
def test_a_loaded_file_says_which_skeleton_its_joints_are_of(kind: str, tmp_path: Path) -> None:
    save, load, made = FILES[kind]
    save(tmp_path / "file.npz", made())  # type: ignore[operator]
    loaded = load(tmp_path / "file.npz")  # type: ignore[operator]
    assert loaded.skeleton == (H36M17 if kind == "poses" else COCO17)


def test_people_and_detections_have_as_many_keypoints_as_their_skeleton() -> None:
    joints = len(BLAZEPOSE33)
    one = People(
        np.zeros((1, 4), np.float32), np.ones(1, np.float32), np.zeros((1, joints, 2), np.float32),
        np.ones((1, joints), np.float32), BLAZEPOSE33,
    )  # fmt: skip
    found = Detections.from_frames([(0, one), (1, People.empty(BLAZEPOSE33))], start=0, stop=2, detector="x")
    joined = Detections.concatenate([found.between(0, 1), found.between(1, 2)])
    assert joined.skeleton is BLAZEPOSE33
    assert joined.people(0).take([0]).skeleton is BLAZEPOSE33
    with pytest.raises(ValueError, match="keypoints_px has shape"):
        replace(one, skeleton=COCO17)
    with pytest.raises(ValueError, match="two skeletons, blazepose33 and coco17"):
        Detections.from_frames([(0, one), (1, people(1))], start=0, stop=2, detector="x")


def test_a_plan_survives_a_file_with_exact_fractions(tmp_path: Path) -> None:
    plan = Plan(INFO, np.array([0, 1001, 2002]), (Segment(0, 0, 2, 0), Segment(1, 2, 3, 1)), warnings=("cut short",))
    plan_file.save(tmp_path / "plan.npz", plan)
    loaded = plan_file.load(tmp_path / "plan.npz")
    assert loaded.info == INFO
    assert loaded.segments == plan.segments
    assert loaded.warnings == ("cut short",)
    np.testing.assert_allclose(loaded.frame_times_s, np.array([0, 1001, 2002]) / 30000)


def test_a_plan_whose_segments_leave_a_gap_is_refused() -> None:
    with pytest.raises(ValueError, match="without gaps"):
        Plan(INFO, np.array([0, 1, 2]), (Segment(0, 0, 1, 0), Segment(1, 2, 3, 1)))


def test_a_scene_survives_a_file(tmp_path: Path) -> None:
    scene = Scene(up=(0.0, -1.0, 0.0), floor_m=-1.5, centre_m=(0.0, 1.5, 4.0), extent_m=2.0, focal_px=900.0)
    scene_file.save(tmp_path / "s.json", scene)
    assert scene_file.load(tmp_path / "s.json") == scene


@pytest.mark.parametrize("text", ["", "[]", '{"schema_version": 1, "up": [0, -1, 0]}', '{"schema_version": 9}'])
def test_a_scene_file_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "s.json").write_text(text)
    with pytest.raises(InvalidArtifactError, match=r"s\.json"):
        scene_file.load(tmp_path / "s.json")


def test_projection_puts_the_optical_axis_in_the_middle_and_back() -> None:
    camera = Camera.assumed(640, 480)
    points = np.array([[0.0, 0.0, 3.0], [0.5, -0.25, 2.0]])
    pixels = camera.project(points)
    np.testing.assert_allclose(pixels[0], [320, 240])
    np.testing.assert_allclose(camera.rays(pixels)[1], [0.25, -0.125])
    assert np.isnan(camera.project(np.array([0.0, 0.0, -1.0]))).all()
