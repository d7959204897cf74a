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
from liftline_detector.blazepose.model_files import POSE_DETECTION, POSE_LANDMARK
from liftline_detector.keypoint_rcnn.model_zoo import KEYPOINT_RCNN_R101
from liftline_detector.movenet.model_files import MULTIPOSE, THUNDER

RTMPOSE_SIZES = ("t", "s", "m", "l", "m-384", "l-384", "x-384")
YOLOX_SIZES = ("nano", "tiny", "s", "m", "l", "x")
NEEDED = (POSE_DETECTION, POSE_LANDMARK)
BUNDLED = (THUNDER, MULTIPOSE)


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
    assert chosen(()) == chosen(["movenet"]) == (*NEEDED, *BUNDLED)
    assert chosen(["blazepose"]) == NEEDED


def test_names_stand_for_files_each_once():
    assert chosen(["detectron2", "videopose3d"]) == (KEYPOINT_RCNN_R101, VIDEOPOSE3D)
    assert chosen(["COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x.yaml", "detectron2"]) == (KEYPOINT_RCNN_R101,)
    assert [m.file_name for m in chosen(["keypoint_rcnn_X_101_32x8d_FPN_3x"])] == ["model_final_5ad38f.pkl"]


def test_every_model_goes_by_its_own_name():
    assert tuple(model for m in CATALOGUE for model in chosen([m.name])) == CATALOGUE


def test_an_unknown_name_is_answered_with_the_known_ones(folder):
    with pytest.raises(
        UsageError,
        match="Unknown model 'openpose'; choose from: "
        "blazepose, detectron2, movenet, rtmo, rtmpose, vitpose, keypoint_rcnn",
    ):
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
    assert {name for name, row in rows.items() if row["state"] == "ready"} == {m.name for m in BUNDLED}
    assert {row["state"] for row in rows.values()} == {"missing", "ready"}
    assert [name for name, row in rows.items() if not row["optional"]] == [m.name for m in (*NEEDED, *BUNDLED)]
    assert {name: row["checksum"] for name, row in rows.items()} == {
        "blazepose-detector": "pinned",
        "blazepose-landmarks": "pinned",
        "keypoint_rcnn_R_101_FPN_3x": "prefix",
        "keypoint_rcnn_R_50_FPN_1x": "prefix",
        "keypoint_rcnn_R_50_FPN_3x": "pinned",
        "keypoint_rcnn_X_101_32x8d_FPN_3x": "prefix",
        "movenet-multipose": "pinned",
        "movenet-thunder": "pinned",
        "videopose3d": "unknown",
        **{f"rtmo-{size}": "pinned" if size == "t" else "unknown" for size in "tsml"},
        **{f"rtmpose-{size}": "pinned" if size == "m" else "unknown" for size in RTMPOSE_SIZES},
        **{f"yolox-{size}": "pinned" if size == "m" else "unknown" for size in YOLOX_SIZES},
        **dict.fromkeys(("rtmdet-nano", "rtmdet-m", "vitpose-s", "vitpose-b", "vitpose-l"), "unknown"),
    }
    assert rows["videopose3d"]["sha256"] is None
    assert rows["videopose3d"]["terms"] == "for non-commercial use only"
    assert rows["videopose3d"]["path"] == str(folder / "pretrained_h36m_detectron_coco.bin")


def test_every_model_says_its_licence_its_training_data_its_size_and_whether_it_is_there(folder):
    rows = json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)["models"]
    assert len(rows) == len(CATALOGUE)
    for row in rows:
        assert row["licence"]
        assert row["training_data"] not in ("", "not stated")
        assert row["size"] > 0
        assert row["size_is"] in ("exact", "about", "up to")
        assert row["state"] in ("ready", "missing")
    rtmpose = next(row for row in rows if row["name"] == "rtmpose-m")
    assert "Halpe" in rtmpose["training_data"]
    assert "research only" in rtmpose["terms"]
    assert (rtmpose["size_is"], round(rtmpose["size"] / 1e6)) == ("about", 56)
    assert rtmpose["mirrors"] == [
        "https://huggingface.co/datasets/DavidPagnon/rtmlib_models/resolve/main/mmpose/rtmposev1/onnx_sdk/"
        "rtmpose-m_simcc-body7_pt-body7-halpe26_700e-256x192-4d3e73dd_20230605.onnx"
    ]
    text = " ".join(CliRunner().invoke(app, ["list"]).stdout.split())
    assert "- rtmdet-nano, rtmdet-m: COCO, Objects365 (its people)" in text


def test_a_detectors_name_stands_for_all_networks_that_it_needs():
    assert [model.name for model in chosen(["rtmpose"])] == ["rtmpose-m", "yolox-m"]
    assert [model.name for model in chosen(["vitpose"])] == ["vitpose-b", "yolox-m"]
    assert [model.name for model in chosen(["rtmo"])] == ["rtmo-m"]


def test_what_comes_with_liftline_says_so_with_its_limits(folder):
    rows = {row["name"]: row for row in json.loads(CliRunner().invoke(app, ["list", "--json"]).stdout)["models"]}
    assert {rows[model.name]["from"] for model in BUNDLED} == {"Liftline itself"}
    assert "surveillance and identity recognition" in rows[THUNDER.name]["terms"]
    assert models.path(THUNDER).parent.joinpath("LICENSE").read_text("utf-8").strip().startswith("Apache License")


def test_list_is_readable_too(folder):
    result = CliRunner().invoke(app, ["list"])
    text = " ".join(result.stdout.split())
    assert result.exit_code == 0
    assert text.count("missing") == len(NEEDED)
    assert text.count("(optional)") == len(CATALOGUE) - len(NEEDED) - len(BUNDLED)
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
