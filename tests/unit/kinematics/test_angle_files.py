"""Files of angles hold the table's numbers, and are read by others' readers."""

from __future__ import annotations

import csv
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.exports import export
from liftline.kinematics.angle_table import ANGLE_NAMES, angle_tables
from tests.unit.kinematics.bodies import ARM, LEVEL, limb, poses_of, standing, turned


@pytest.fixture
def bending() -> np.ndarray:
    poses = []
    for step in range(12):
        pose = standing()
        turned(pose, "right_elbow", limb("right", ARM[1:]), "z", 8 * step)
        poses.append(pose)
    return np.stack(poses)


def test_the_table_has_a_line_per_person_and_frame_and_empty_cells_where_nothing_is_known(
    bending: np.ndarray, tmp_path: Path
) -> None:
    poses = poses_of(bending, bending[:5])
    table, first, second = export(poses, LEVEL, tmp_path / "clip.npz", ["angles"])
    assert [table.name, first.name, second.name] == ["clip_angles.csv", "clip_angles.mot", "clip#2_angles.mot"]
    with table.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [line["track_id"] for line in lines] == ["1"] * 12 + ["2"] * 5
    assert float(lines[4]["right elbow"]) == pytest.approx(32, abs=0.01)
    assert float(lines[4]["isb_elbow_flexion_right"]) == pytest.approx(32, abs=0.01)
    assert lines[4]["isb_hip_internal_rotation_left"] == ""
    assert (lines[3]["frame"], lines[3]["time_s"], lines[3]["observed"]) == ("4", "0.100000", "1")


def test_motion_files_count_rows_and_columns_with_time(bending: np.ndarray, tmp_path: Path) -> None:
    _, path = export(poses_of(bending), LEVEL, tmp_path / "clip.npz", ["angles"])
    lines = path.read_text("utf-8").splitlines()
    header = lines[: lines.index("endheader") + 1]
    assert {"nRows=12", f"nColumns={len(ANGLE_NAMES) + 1}", "inDegrees=yes"} < set(header)
    assert lines[len(header)].split("\t")[:2] == ["time", SHOWN[0]]
    values = np.array([line.split("\t") for line in lines[len(header) + 1 :]], np.float64)
    (table,) = angle_tables(poses_of(bending), LEVEL)
    np.testing.assert_allclose(values[:, 1:], table.degrees, atol=1e-4)


SHOWN = ("right ankle",)


def test_opensim_reads_a_motion_file(bending: np.ndarray, tmp_path: Path) -> None:
    opensim = pytest.importorskip("opensim", reason="OpenSim isn't installed (extra opensim)")
    _, path = export(poses_of(bending), LEVEL, tmp_path / "clip.npz", ["angles"])
    table = opensim.TimeSeriesTable(str(path))
    assert table.getNumRows() == 12
    assert table.getNumColumns() == len(ANGLE_NAMES)


def test_plots_are_one_png_and_svg_for_each_person_and_equal_each_time(bending: np.ndarray, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib isn't installed (extra plots)")
    observed = np.ones(12, bool)
    observed[4:8] = False
    poses = replace(poses_of(bending), observed=observed)
    png, svg = export(poses, LEVEL, tmp_path / "clip.npz", ["angle-plots"])
    assert png.read_bytes().startswith(b"\x89PNG")
    text = svg.read_text("utf-8")
    assert "stroke-dasharray" in text
    export(poses, LEVEL, tmp_path / "again" / "clip.npz", ["angle-plots"])
    assert (tmp_path / "again" / svg.name).read_text("utf-8") == text
