"""`liftline models`: which files a name stands for, and what is said of each."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from liftline.errors import ExitCode, UsageError
from liftline.models import catalogue as models
from liftline.models.catalogue import VIDEOPOSE3D, ModelFile
from liftline_cli.commands.models import CATALOGUE, State, app, chosen, state
from liftline_detector.blazepose.entry import POSE_DETECTION, POSE_LANDMARK
from liftline_detector.keypoint_rcnn.entry import KEYPOINT_RCNN_R101

NEEDED = (POSE_DETECTION, POSE_LANDMARK)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty model folder, and a pip that finds nothing."""
    where = tmp_path / "model files é"
    where.mkdir()
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(where))
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    return where


@pytest.fixture
def fetched() -> dict[ModelFile, Path]:
    """Where this machine's default files are; skips where they have not been fetched."""
    if any(state(model) is not State.READY for model in NEEDED):
        pytest.skip("the model files are not there; run `liftline models fetch`")
    return {model: models.path(model) for model in NEEDED}


@pytest.fixture
def needed(fetched, folder) -> Path:
    """A model folder with links to the default files."""
    for model, where in fetched.items():
        models.path(model).symlink_to(where)
    return folder


def test_without_a_name_only_what_is_needed_is_fetched():
    assert chosen(()) == chosen(["blazepose"]) == NEEDED


def test_names_stand_for_files_each_once():
    assert chosen(["detectron2", "videopose3d"]) == (KEYPOINT_RCNN_R101, VIDEOPOSE3D)
    assert chosen(["COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml", "detectron2"]) == (KEYPOINT_RCNN_R101,)
    assert [m.file_name for m in chosen(["keypoint_rcnn_X_101_32x8d_FPN_3x"])] == ["model_final_5ad38f.pkl"]


def test_every_model_goes_by_its_own_name():
    assert tuple(model for m in CATALOGUE for model in chosen([m.name])) == CATALOGUE


def test_an_unknown_name_is_answered_with_the_known_ones(folder):
    with pytest.raises(UsageError, match="Unknown model 'openpose'; choose from: blazepose, detectron2, keypoint_rcnn"):
        chosen(["detectron2", "openpose"])
    result = CliRunner().invoke(app, ["fetch", "openpose", "--json"])
    assert result.exit_code == ExitCode.USAGE
    assert json.loads(result.stdout)["kind"] == "UsageError"
    assert not list(folder.iterdir())


def test_states(folder):
    assert state(VIDEOPOSE3D) is State.MISSING
    models.path(VIDEOPOSE3D).write_bytes(b"weights")
    assert state(VIDEOPOSE3D) is State.UNRECORDED
    models.record(VIDEOPOSE3D, "0" * 64)
    assert state(VIDEOPOSE3D) is State.ALTERED
    models.record_path(VIDEOPOSE3D).write_text("damaged")
    assert state(VIDEOPOSE3D) is State.ALTERED
    models.record(VIDEOPOSE3D, hashlib.sha256(b"weights").hexdigest())
    assert state(VIDEOPOSE3D) is State.READY


def test_list_works_without_any_file(folder):
    result = CliRunner().invoke(app, ["list", "--json"])
    rows = {row["name"]: row for row in json.loads(result.stdout)["models"]}
    assert result.exit_code == 0
    assert {row["state"] for row in rows.values()} == {"missing"}
    assert [name for name, row in rows.items() if not row["optional"]] == [m.name for m in NEEDED]
    assert {name: row["checksum"] for name, row in rows.items()} == {
        "blazepose-detector": "pinned",
        "blazepose-landmarks": "pinned",
        "keypoint_rcnn_R_101_FPN_3x": "prefix",
        "keypoint_rcnn_R_50_FPN_1x": "prefix",
        "keypoint_rcnn_R_50_FPN_3x": "pinned",
        "keypoint_rcnn_X_101_32x8d_FPN_3x": "prefix",
        "videopose3d": "unknown",
    }
    assert rows["videopose3d"]["sha256"] is None
    assert rows["videopose3d"]["terms"] == "for non-commercial use only"
    assert rows["videopose3d"]["path"] == str(folder / "pretrained_h36m_detectron_coco.bin")


def test_list_is_readable_too(folder):
    result = CliRunner().invoke(app, ["list"])
    text = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert text.count("missing") == len(NEEDED)
    assert text.count("(optional)") == len(CATALOGUE) - len(NEEDED)
    assert "keypoint_rcnn_X_101_32x8d_FPN_3x" in text
    assert "only six digits of the MD5" in text


def test_verify_ends_with_the_exit_code_of_models(folder):
    result = CliRunner().invoke(app, ["verify", "--json"])
    assert result.exit_code == ExitCode.MODEL
    assert json.loads(result.stdout)["kind"] == "ModelError"


def test_verify_asks_for_optional_files_only_where_they_are_there(needed):
    assert CliRunner().invoke(app, ["verify"]).exit_code == 0
    models.path(VIDEOPOSE3D).write_bytes(b"weights")
    assert CliRunner().invoke(app, ["verify"]).exit_code == ExitCode.MODEL
    models.record(VIDEOPOSE3D, "0" * 64)
    result = CliRunner().invoke(app, ["verify"])
    assert result.exit_code == ExitCode.MODEL
    assert "not the model file 'videopose3d'" in result.output


def test_fetch_says_what_went_wrong_and_ends_with_the_exit_code_of_models(folder):
    result = CliRunner().invoke(app, ["fetch"])
    assert result.exit_code == ExitCode.MODEL
    assert "mediapipe==0.10.21: pip couldn't download it" in result.output


def test_fetch_leaves_valid_files_alone(needed):
    before = [models.path(m).stat().st_mtime_ns for m in NEEDED]
    result = CliRunner().invoke(app, ["fetch", "--json"])
    assert result.exit_code == 0
    assert not any(row["fetched"] for row in json.loads(result.stdout)["models"])
    assert [models.path(m).stat().st_mtime_ns for m in NEEDED] == before


@pytest.mark.parametrize("command", ["list", "fetch", "verify"])
def test_help_gives_an_example(command):
    result = CliRunner().invoke(app, [command, "--help"])
    assert result.exit_code == 0
    assert f"liftline models {command}" in result.stdout
