"""Exports hold the same numbers as the poses, in the form other programs expect."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.errors import UsageError
from liftline.exports import EXPORTERS, check_installed, export
from liftline.exports.options import ExportOptions
from liftline.kinematics.markers import MARKERS
from liftline.poses import Poses
from liftline.scene import Scene, world_axes
from liftline.skeletons import COCO17, H36M17_FEET_HANDS

SCENE = Scene(up=(0.0, -1.0, 0.0), floor_m=-1.0, centre_m=(0.0, 1.0, 4.0), extent_m=2.0, focal_px=80.0)


@pytest.fixture
def two_people() -> Poses:
    rng = np.random.default_rng(0)
    return Poses(
        video="clip.mp4", width_px=64, height_px=48, focal_px=80.0, frame_times_s=np.arange(4) / 25.0,
        track_ids=np.array([7, 3]), row_offsets=np.array([0, 3, 5]), frame_index=np.array([0, 1, 2, 2, 3]),
        joints_m=rng.normal(size=(5, 17, 3)).astype(np.float32), root_cam_m=np.full((5, 3), 4, np.float32),
        keypoints_px=np.zeros((5, 17, 2), np.float32), keypoint_scores=np.ones((5, 17), np.float32),
        observed=np.array([True, False, True, True, True]),
    )  # fmt: skip


def test_npy_is_videopose3d_shaped_and_nan_where_the_person_is_absent(two_people: Poses, tmp_path: Path) -> None:
    first, second = export(two_people, SCENE, tmp_path / "clip.npz", ["npy"])
    assert [first.name, second.name] == ["clip.npy", "clip#2.npy"]
    dense = np.load(second, allow_pickle=False)
    assert dense.dtype == np.float32
    np.testing.assert_array_equal(dense[2:], two_people.joints_m[3:])
    assert np.isnan(dense[:2]).all()


def test_csv_has_a_line_per_person_frame_and_joint(two_people: Poses, tmp_path: Path) -> None:
    (path,) = export(two_people, SCENE, tmp_path / "clip.npz", ["csv"])
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert len(lines) == 5 * 17
    assert lines[0]["joint"] == "hip"
    assert [line["frame"] for line in lines[::17]] == ["1", "2", "3", "3", "4"]
    assert float(lines[17]["x_cam_m"]) - float(lines[17]["x_m"]) == pytest.approx(4, abs=1e-4)
    assert lines[17]["observed"] == "0"


def test_json_names_joints_and_people(two_people: Poses, tmp_path: Path) -> None:
    (path,) = export(two_people, SCENE, tmp_path / "clip.npz", ["json"])
    data = json.loads(path.read_text())
    assert [person["track_id"] for person in data["people"]] == [7, 3]
    assert data["skeleton"]["joints"][0] == "hip"
    frame = data["people"][1]["frames"][0]
    assert frame["frame"] == 3
    np.testing.assert_allclose(frame["joints_m"], two_people.joints_m[3], atol=1e-5)


def test_trc_is_upright_with_the_floor_at_zero(two_people: Poses, tmp_path: Path) -> None:
    first, _ = export(two_people, SCENE, tmp_path / "clip.npz", ["trc"])
    lines = first.read_text().splitlines()
    assert lines[0].startswith("PathFileType\t4\t(X/Y/Z)")
    assert lines[2].split("\t")[2:5] == ["3", "16", "m"]
    hip = [float(v) for v in lines[6].split("\t")[2:5]]
    camera = two_people.joints_m[0, 0] + 4
    np.testing.assert_allclose(hip, [camera[0], 1 - camera[1], -camera[2]], atol=1e-4)
    assert len(lines[6].split("\t")) == 2 + 16 * 3


def test_every_format_with_a_world_has_the_same_one(two_people: Poses, tmp_path: Path) -> None:
    up = (0.48, -0.8, -0.36)
    tilted = replace(SCENE, up=up)
    trc, _, table, tree = export(two_people, tilted, tmp_path / "clip.npz", ["trc", "csv", "json"])
    hip = two_people.root_cam_m[0] + two_people.joints_m[0, 0]
    x, y, z = json.loads(tree.read_text())["people"][0]["frames"][0]["joints_world_m"][0]
    assert z == pytest.approx(np.dot(up, hip) - tilted.floor_m, abs=1e-4)
    assert np.hypot(x, y) ** 2 + (z + tilted.floor_m) ** 2 == pytest.approx(np.dot(hip, hip), abs=1e-3)
    with table.open(newline="", encoding="utf-8") as file:
        line = next(csv.DictReader(file))
    assert [float(line[f"{axis}_world_m"]) for axis in "xyz"] == [x, y, z]
    marker = [float(v) for v in trc.read_text().splitlines()[6].split("\t")[2:5]]
    np.testing.assert_allclose(marker, [x, z, -y], atol=1e-5)


@pytest.mark.parametrize("up", [(0.0, -1.0, 0.0), (0.6, -0.8, 0.0), (0.0, -0.8, -0.6), (0.0, 0.0, -1.0)])
def test_the_world_is_right_handed_and_upright(up: tuple[float, float, float]) -> None:
    axes = world_axes(replace(SCENE, up=up))
    np.testing.assert_allclose(axes @ axes.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(axes) == pytest.approx(1)
    np.testing.assert_allclose(axes @ np.array(up), [0, 0, 1], atol=1e-12)
    assert axes[1] @ [0, -0.01, 1] > 0


@pytest.mark.parametrize("straight", [-1.0, 1.0], ids=["down", "up"])
@pytest.mark.parametrize("off", [1e-2, 2e-3, 1.1e-3, 9e-4, 5e-4, 1e-5, 1e-7, 0.0])
def test_a_camera_tilted_until_it_looks_straight_down_or_up_keeps_its_right(straight: float, off: float) -> None:
    up = (0.0, -float(np.sin(off)), straight * float(np.cos(off)))
    axes = world_axes(replace(SCENE, up=up))
    np.testing.assert_allclose(axes[0], [1, 0, 0], atol=1e-9)
    np.testing.assert_allclose(axes[1], [0, straight, 0], atol=1.5 * off + 1e-9)


@pytest.mark.parametrize("straight", [-1.0, 1.0], ids=["down", "up"])
def test_noise_in_a_vertical_that_is_nearly_the_line_of_sight_does_not_turn_the_world(straight: float) -> None:
    for angle in np.linspace(0, 2 * np.pi, 16):
        off = 5e-4 * np.array([np.cos(angle), np.sin(angle)])
        axes = world_axes(replace(SCENE, up=(float(off[0]), float(off[1]), straight * float(np.sqrt(1 - off @ off)))))
        np.testing.assert_allclose(axes, [[1, 0, 0], [0, straight, 0], [0, 0, straight]], atol=1e-3)


@pytest.mark.parametrize("name", EXPORTERS)
def test_nobody_is_exported_without_error(name: str, tmp_path: Path) -> None:
    try:
        check_installed([name])
    except UsageError as error:
        pytest.skip(str(error))
    empty = Poses(
        video="clip.mp4", width_px=64, height_px=48, focal_px=80.0, frame_times_s=np.arange(4) / 25.0,
        track_ids=np.zeros(0, np.int64), row_offsets=np.zeros(1, np.int64), frame_index=np.zeros(0, np.int64),
        joints_m=np.zeros((0, 17, 3), np.float32), root_cam_m=np.zeros((0, 3), np.float32),
        keypoints_px=np.zeros((0, 17, 2), np.float32), keypoint_scores=np.zeros((0, 17), np.float32),
        observed=np.zeros(0, bool),
    )  # fmt: skip
    for path in export(empty, SCENE, tmp_path / "clip.npz", [name]):
        assert path.exists()


HEADER = (
    "PathFileType\t4\t(X/Y/Z)\tclip.trc",
    "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames",
    "25\t25\t3\t16\tm\t25\t1\t3",
)


def test_trc_has_halpe_26_names_and_the_tabs_that_pose2sim_edits(two_people: Poses, tmp_path: Path) -> None:
    first, _ = export(two_people, SCENE, tmp_path / "clip.npz", ["trc"])
    lines = first.read_text().split("\n")
    assert tuple(lines[:3]) == HEADER
    assert lines[3].startswith("Frame#\tTime\tHip\t\t\tNeck\t\t\tNose\t\t\tHead\t\t\tRHip\t\t\tLHip\t\t\t")
    assert lines[3].endswith("LWrist\t\t\t")
    assert lines[4].endswith("\tX16\tY16\tZ16\t")


def test_trc_has_our_joints_names_where_they_are_asked_for(two_people: Poses, tmp_path: Path) -> None:
    options = ExportOptions(trc_names="h36m")
    first, _ = export(two_people, SCENE, tmp_path / "clip.npz", ["trc"], options)
    assert first.read_text().splitlines()[3].split("\t")[2::3][:3] == ["hip", "right_hip", "right_knee"]


def test_trc_markers_that_were_never_seen_are_empty(two_people: Poses, tmp_path: Path) -> None:
    scores = two_people.keypoint_scores.copy()
    scores[:, COCO17.index["left_knee"]] = 0.02
    first, _ = export(replace(two_people, keypoint_scores=scores), SCENE, tmp_path / "clip.npz", ["trc"])
    lines = first.read_text().splitlines()
    column = lines[3].split("\t").index("LKnee")
    assert lines[6].split("\t")[column : column + 3] == ["", "", ""]
    assert all(len(line.split("\t")) == 2 + 16 * 3 for line in lines[6:])


def test_halpe_26_has_a_marker_for_every_joint_but_the_spine() -> None:
    assert set(H36M17_FEET_HANDS.joints) - set(MARKERS.values()) == {"spine"}
    assert len(set(MARKERS.values())) == len(MARKERS)


def half_seen(two_people: Poses) -> Poses:
    scores = two_people.keypoint_scores.copy()
    scores[:3, COCO17.index["left_knee"]] = 0.02
    return replace(two_people, keypoint_scores=scores)


def test_csv_leaves_joints_empty_that_were_never_seen_and_has_scores(two_people: Poses, tmp_path: Path) -> None:
    (path,) = export(half_seen(two_people), SCENE, tmp_path / "clip.npz", ["csv"])
    with path.open(newline="", encoding="utf-8") as file:
        knees = [line for line in csv.DictReader(file) if line["joint"] == "left_knee"]
    assert [line["x_m"] == line["y_cam_m"] == line["z_world_m"] == "" for line in knees] == [True] * 3 + [False] * 2
    assert [line["score"] for line in knees] == ["0.020", "0.000", "0.020", "1.000", "1.000"]


def test_json_names_joints_never_seen_and_has_scores_and_camera_space(two_people: Poses, tmp_path: Path) -> None:
    (path,) = export(half_seen(two_people), SCENE, tmp_path / "clip.npz", ["json"])
    first, second = json.loads(path.read_text())["people"]
    assert (first["never_seen"], second["never_seen"]) == (["left_knee"], [])
    frame = first["frames"][2]
    assert frame["scores"][5] == 0.02
    np.testing.assert_allclose(np.array(frame["joints_cam_m"]) - frame["joints_m"], 4, atol=3e-5)


def test_old_columns_of_csv_are_what_they_were(two_people: Poses, tmp_path: Path) -> None:
    (path,) = export(two_people, SCENE, tmp_path / "clip.npz", ["csv"])
    lines = path.read_text().splitlines()
    assert lines[0].removesuffix(",score") == (
        "track_id,frame,time_s,joint,x_m,y_m,z_m,x_cam_m,y_cam_m,z_cam_m,observed,x_world_m,y_world_m,z_world_m"
    )
    joint = two_people.joints_m[0, 0]
    numbers = [f"{v:.5f}" for v in (*joint, *(joint + 4), joint[0] + 4, joint[2] + 4, 1 - (joint[1] + 4))]
    cells = lines[1].split(",")
    assert [*cells[4:10], *cells[11:14]] == numbers


def test_what_a_format_lacks_is_said_before_anything_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    check_installed(["json", "trc", "angles", "bvh"])
    monkeypatch.setattr("liftline.exports.find_spec", lambda name: None)
    check_installed(["json", "trc", "angles", "bvh"])
    with pytest.raises(UsageError, match=r"--export parquet needs pyarrow.*pip install 'liftline\[parquet\]'"):
        check_installed(["json", "parquet"])
