"""C3D, Parquet, Rerun, OpenPose and calibrations, read by other people's readers, hold the poses' numbers."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
import zipfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.errors import UsageError
from liftline.exports import export
from liftline.exports.tables.calibration import read_cameras
from liftline.exports.tables.openpose import BODY_25
from liftline.kinematics.markers import MARKERS
from liftline.kinematics.person import people
from liftline.poses import Poses
from liftline.scene import to_world
from liftline.skeletons import COCO17
from tests.unit.kinematics.bodies import LEVEL, poses_of
from tests.unit.kinematics.walking import walking


@pytest.fixture
def walkers() -> Poses:
    """Two people; the second's left knee was never seen, and three of the first one's frames are missing."""
    poses = poses_of(walking(30, 17), walking(20, 17) + np.array([1, 0, 0]))
    scores = poses.keypoint_scores.copy()
    scores[30:, COCO17.index["left_knee"]] = 0.01
    kept = np.r_[:10, 13:50]
    observed = poses.observed.copy()
    observed[4] = False
    return replace(
        poses, keypoint_scores=scores[kept], frame_index=poses.frame_index[kept], joints_m=poses.joints_m[kept],
        root_cam_m=poses.root_cam_m[kept], keypoints_px=poses.keypoints_px[kept] + 5, observed=observed[kept],
        row_offsets=np.array([0, 27, 47]),
    )  # fmt: skip


def world_m(poses: Poses, position: int) -> np.ndarray:
    rows = poses.rows(position)
    return to_world(poses.joints_m[rows] + poses.root_cam_m[rows, None], LEVEL)


def test_ezc3d_reads_c3d_with_gaps_as_missing(walkers: Poses, tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d reads C3D")
    first, second = export(walkers, LEVEL, tmp_path / "clip.npz", ["c3d"])
    read = ezc3d.c3d(str(first))
    point = read["parameters"]["POINT"]
    labels = point["LABELS"]["value"]
    assert point["UNITS"]["value"] == ["mm"]
    assert point["RATE"]["value"][0] == pytest.approx(30)
    assert (point["X_SCREEN"]["value"], point["Y_SCREEN"]["value"]) == (["+X"], ["+Z"])
    points = read["data"]["points"][:3].transpose(2, 1, 0) / 1000
    assert points.shape == (30, 16, 3)
    assert np.isnan(points[10:13]).all()
    joints = walkers.skeleton.indices(*(MARKERS[label] for label in labels))
    np.testing.assert_allclose(points[np.r_[:10, 13:30]], world_m(walkers, 0)[:, joints], atol=1e-4)
    other = ezc3d.c3d(str(second))["data"]["points"][:3]
    assert np.isnan(other[:, labels.index("LKnee")]).all()
    assert np.isfinite(other[:, labels.index("RKnee")]).all()


@pytest.mark.filterwarnings("ignore:No analog data found in file")
def test_python_c3d_reads_the_same(walkers: Poses, tmp_path: Path) -> None:
    c3d = pytest.importorskip("c3d", reason="the package c3d reads C3D")
    first, _ = export(walkers, LEVEL, tmp_path / "clip.npz", ["c3d"])
    with first.open("rb") as file:
        reader = c3d.Reader(file)
        frames = [points.copy() for _, points, _ in reader.read_frames()]
        labels = [label.strip() for label in reader.point_labels]
    assert len(frames) == 30
    joints = walkers.skeleton.indices(*(MARKERS[label] for label in labels))
    np.testing.assert_allclose(frames[0][:, :3] / 1000, world_m(walkers, 0)[0, joints], atol=1e-4)
    assert (frames[0][:, 3] == 0).all()
    assert (frames[11][:, 3] == -1).all()


def test_c3d_counts_more_frames_than_its_header_can(tmp_path: Path) -> None:
    ezc3d = pytest.importorskip("ezc3d", reason="ezc3d reads C3D")
    poses = poses_of(np.tile(walking(1, 17), (70_000, 1, 1)))
    (path,) = export(poses, LEVEL, tmp_path / "clip.npz", ["c3d"])
    read = ezc3d.c3d(str(path))
    assert read["parameters"]["TRIAL"]["ACTUAL_END_FIELD"]["value"].astype(np.uint16).tolist() == [70_000 - 65_536, 1]


def test_pyarrow_reads_a_row_per_person_frame_and_joint(walkers: Poses, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet", reason="pyarrow reads Parquet")
    (path,) = export(walkers, LEVEL, tmp_path / "clip.npz", ["parquet"])
    file = parquet.ParquetFile(path)
    assert file.num_row_groups == 2
    assert b"metres" in file.schema_arrow.metadata[b"liftline.world"]
    first = file.read_row_group(0).to_pydict()
    assert first["joint"][:2] == ["hip", "right_hip"]
    assert first["frame"][17 * 10] == 14
    assert not first["observed"][17 * 4]
    places = np.stack([first[axis] for axis in "xyz"], axis=-1).reshape(27, 17, 3)
    np.testing.assert_allclose(places, world_m(walkers, 0), atol=1e-5)
    second = file.read_row_group(1).to_pydict()
    missing = {joint for joint, x in zip(second["joint"], second["x"], strict=True) if x is None}
    assert missing == {"left_knee"}


def test_rerun_verifies_its_recording(walkers: Poses, tmp_path: Path) -> None:
    pytest.importorskip("rerun", reason="rerun-sdk reads its recordings")
    (path,) = export(walkers, LEVEL, tmp_path / "clip.npz", ["rrd"])
    told = subprocess.run(
        [sys.executable, "-m", "rerun", "rrd", "print", "-v", str(path)], capture_output=True, text=True, timeout=120
    )
    assert told.returncode == 0, told.stderr
    for part in ("/world/people/1", "/world/people/2", "/world/camera", "/scores/2", "Points3D"):
        assert part in told.stdout


def test_openpose_files_hold_body_25_of_whom_was_seen(walkers: Poses, tmp_path: Path) -> None:
    (path,) = export(walkers, LEVEL, tmp_path / "clip.npz", ["openpose"])
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        frames = [json.loads(archive.read(name)) for name in names]
    assert names[3] == "clip_000000000003_keypoints.json"
    assert [[one["person_id"][0] for one in frame["people"]] for frame in frames[3:5]] == [[1, 2], [2]]
    points = np.array(frames[0]["people"][1]["pose_keypoints_2d"]).reshape(25, 3)
    assert points[BODY_25.index("neck")].tolist() == [5, 5, 1]
    assert points[BODY_25.index("left_heel")].tolist() == [0, 0, 0]


def test_a_calibration_takes_the_world_back_to_the_camera(walkers: Poses, tmp_path: Path) -> None:
    scene = replace(LEVEL, up=(0.0, -0.8, -0.6))
    (path,) = export(walkers, scene, tmp_path / "clip.npz", ["calibration"])
    camera = tomllib.loads(path.read_text())["cam_01"]
    point = np.array([0.3, -0.2, 4.0])
    x, y, z = camera["rotation"]
    angle = np.linalg.norm(camera["rotation"])
    skew = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]]) / angle
    turn = np.eye(3) + np.sin(angle) * skew + (1 - np.cos(angle)) * skew @ skew
    back = turn @ to_world(point, scene) + camera["translation"]
    np.testing.assert_allclose(back, point, atol=1e-12)
    (read,) = read_cameras(path)
    assert read.focal_px(1280) == pytest.approx(2 * scene.focal_px)


@pytest.mark.parametrize("text", ["not toml [", "[metadata]\nerror = 0.0\n", "[cam]\nsize = [1, 2]\nmatrix = [[1]]\n"])
def test_what_is_no_calibration_is_refused_by_name(text: str, tmp_path: Path) -> None:
    (tmp_path / "cameras.toml").write_text(text)
    with pytest.raises(UsageError, match=r"cameras\.toml: (not a calibration|holds no camera)"):
        read_cameras(tmp_path / "cameras.toml")


def test_a_format_whose_package_is_missing_says_how_to_get_it(
    walkers: Poses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UsageError, match=r"pip install 'liftline\[parquet\]'"):
        export(walkers, LEVEL, tmp_path / "clip.npz", ["parquet"])
    assert list(tmp_path.iterdir()) == []


def test_everyone_is_exported_in_the_order_of_their_numbers(walkers: Poses) -> None:
    assert [person.track_id for person in people(walkers, LEVEL)] == [1, 2]
