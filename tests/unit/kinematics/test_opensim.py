"""OpenSim kinematics take files that they can take, and say of others what is wrong; with OpenSim they run."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from liftline.errors import InvalidInputError, LiftlineError, UsageError
from liftline.exports import export
from liftline.exports.biomechanics import opensim_ik
from liftline.exports.biomechanics.opensim_ik import opensim_kinematics
from liftline.exports.options import DEFAULTS, ExportOptions
from liftline.skeletons import COCO17
from tests.unit.kinematics.bodies import LEG, LEVEL, limb, poses_of, standing, turned


def walking(joints: int = 29) -> np.ndarray:
    frames = []
    for step in range(20):
        pose, swing = standing(), 25 * np.sin(step / 3)
        for side, sign in (("right", 1), ("left", -1)):
            turned(pose, f"{side}_knee", limb(side, LEG[1:]), "z", -20 - 10 * sign * np.cos(step / 3))
            turned(pose, f"{side}_hip", limb(side, LEG), "z", sign * swing)
        frames.append(pose[:joints] + np.array([0.03 * step, 0, -4]))
    return np.stack(frames)


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensim_ik, "find_spec", lambda name: object())


def trc(folder: Path, options: ExportOptions = DEFAULTS) -> Path:
    return export(poses_of(walking()), LEVEL, folder / "clip.npz", ["trc"], options)[0]


def test_what_to_install_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opensim_ik, "find_spec", lambda name: None)
    with pytest.raises(UsageError, match=r"need opensim: pip install 'liftline\[opensim\]'"):
        opensim_kinematics(trc(tmp_path), tmp_path)


@pytest.mark.usefixtures("installed")
def test_names_that_crash_opensim_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInputError, match=r"no markers Hip, LHip, .*--trc-names halpe26"):
        opensim_kinematics(trc(tmp_path, ExportOptions(trc_names="h36m")), tmp_path)
    (tmp_path / "other.trc").write_text("time,x\n")
    with pytest.raises(InvalidInputError, match="not a TRC file"):
        opensim_kinematics(tmp_path / "other.trc", tmp_path)


@pytest.mark.usefixtures("installed")
def test_markers_that_were_never_seen_are_left_out_and_a_body_without_knees_is_refused(tmp_path: Path) -> None:
    poses = poses_of(walking())  # feet and hands have no keypoints
    path = export(poses, LEVEL, tmp_path / "clip.npz", ["trc"])[0]
    assert "RHeel" in path.read_text("utf-8")
    lines = opensim_ik._usable(path).splitlines()
    assert lines[2].split("\t")[3] == "16"
    assert "RHeel" not in lines[3]
    cells = path.read_text("utf-8").splitlines()[6].split("\t")
    assert lines[6].split("\t") == [cell for cell in cells if cell]
    scores = poses.keypoint_scores.copy()
    scores[:, COCO17.index["left_knee"]] = 0
    path = export(replace(poses, keypoint_scores=scores), LEVEL, tmp_path / "clip.npz", ["trc"])[0]
    with pytest.raises(InvalidInputError, match="LKnee were never seen"):
        opensim_kinematics(path, tmp_path)


@pytest.mark.usefixtures("installed")
def test_a_crash_or_a_hang_of_opensim_is_an_error_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    monkeypatch.setattr(opensim_ik, "_CHILD", child)
    child.write_text("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    with pytest.raises(LiftlineError, match=r"clip\.trc: OpenSim failed \(exit code -11\): it crashed without a word"):
        opensim_kinematics(trc(tmp_path), tmp_path)
    child.write_text("import time; time.sleep(60)")
    with pytest.raises(LiftlineError, match=r"took longer than 0\.5 s"):
        opensim_kinematics(trc(tmp_path), tmp_path, longest_s=0.5)


@pytest.mark.usefixtures("installed")
def test_files_are_put_beside_under_their_own_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    child = tmp_path / "child.py"
    child.write_text(
        "import sys, pathlib\n"
        "folder, stem = pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[1]).stem\n"
        "(folder / f'{stem}.mot').write_text('Coordinates\\nendheader\\ntime\\tknee\\n0\\t1\\n1\\t2\\n')\n"
        "(folder / f'{stem}.osim').write_text('<model/>')\n"
        "head = 'time\\ttotal_squared_error\\tmarker_error_RMS\\tmarker_error_max\\n'\n"
        "rows = head + '0\\t1\\t0.03\\t1\\n1\\t1\\t0.04\\t1\\n'\n"
        "(folder / '_ik_marker_errors.sto').write_text('x\\nendheader\\n' + rows)\n"
    )
    monkeypatch.setattr(opensim_ik, "_CHILD", child)
    done = opensim_kinematics(trc(tmp_path), tmp_path / "out")
    assert [path.name for path in sorted((tmp_path / "out").iterdir())] == ["clip.osim", "clip_ik.mot"]
    assert (done.frames, done.columns) == (2, 2)
    assert done.marker_rms_m == pytest.approx(np.sqrt((0.03**2 + 0.04**2) / 2))


@pytest.mark.slow
def test_opensim_scales_and_fits_our_file(tmp_path: Path) -> None:
    for package in ("opensim", "Pose2Sim"):
        if opensim_ik.find_spec(package) is None:
            pytest.skip(f"{package} isn't installed in {sys.prefix} (extra opensim)")
    done = opensim_kinematics(trc(tmp_path), tmp_path, longest_s=1200)
    assert (done.frames, done.columns) == (20, 41)
    assert done.marker_rms_m < 0.05
