"""Exports hold the same numbers as the poses, in the form other programs expect."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.exports import EXPORTERS, export
from liftline.poses import Poses
from liftline.scene import Scene, world_axes

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
    assert lines[2].split("\t")[2:5] == ["3", "17", "m"]
    hip = [float(v) for v in lines[6].split("\t")[2:5]]
    camera = two_people.joints_m[0, 0] + 4
    np.testing.assert_allclose(hip, [camera[0], 1 - camera[1], -camera[2]], atol=1e-4)
    assert len(lines[6].split("\t")) == 2 + 17 * 3


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


@pytest.mark.parametrize("name", EXPORTERS)
def test_nobody_is_exported_without_error(name: str, tmp_path: Path) -> None:
    empty = Poses(
        video="clip.mp4", width_px=64, height_px=48, focal_px=80.0, frame_times_s=np.arange(4) / 25.0,
        track_ids=np.zeros(0, np.int64), row_offsets=np.zeros(1, np.int64), frame_index=np.zeros(0, np.int64),
        joints_m=np.zeros((0, 17, 3), np.float32), root_cam_m=np.zeros((0, 3), np.float32),
        keypoints_px=np.zeros((0, 17, 2), np.float32), keypoint_scores=np.zeros((0, 17), np.float32),
        observed=np.zeros(0, bool),
    )  # fmt: skip
    for path in export(empty, SCENE, tmp_path / "clip.npz", [name]):
        assert path.exists()
