"""Detectors by name, and what is said when one can't be built."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import pytest

from liftline.errors import ExitCode, ModelError, UsageError
from liftline.models import catalogue as models
from liftline.models.devices import AUTO
from liftline.settings.job import DETECTOR_NAME
from liftline.skeletons import KEYPOINT_SKELETONS
from liftline_detector.blazepose.detector import BlazePoseDetector
from liftline_detector.blazepose.entry import BlazePoseChoices
from liftline_detector.blazepose.litert import Network
from liftline_detector.blazepose.model_files import POSE_DETECTION, POSE_LANDMARK
from liftline_detector.keypoint_rcnn import entry
from liftline_detector.keypoint_rcnn.options import KeypointRcnnOptions
from liftline_detector.registry import detectors, find_detector

ROOT = Path(__file__).resolve().parents[3]


def test_an_unknown_detector_is_a_usage_error_that_lists_the_known_ones():
    with pytest.raises(
        UsageError,
        match="Unknown detector 'openpose'; choose one of: "
        "auto, blazepose, detectron2, movenet, rtmo, rtmpose, vitpose",
    ):
        find_detector("openpose")


@pytest.mark.parametrize("name", detectors())
def test_an_entry_fits_what_is_elsewhere(name):
    known, project = detectors()[name], tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    assert known.name == name != AUTO
    assert re.fullmatch(DETECTOR_NAME, name)
    assert any(known.skeleton is skeleton for skeleton in KEYPOINT_SKELETONS)
    assert set(known.default_models) <= set(known.models)
    assert known.extra in project["project"]["optional-dependencies"]
    if not known.image:
        return
    stage = (ROOT / "services/detector/Dockerfile").read_text("utf-8").partition(f"FROM service AS {known.image}\n")[2]
    assert f"LIFTLINE_DETECTOR_BACKEND={name}\n" in stage.partition("\nFROM ")[0].replace(" \\", "")


def test_detectors_are_in_the_folders_that_have_an_entry():
    assert [(entry.name, type(entry.chosen({})).__module__) for entry in detectors().values()] == [
        ("blazepose", "liftline_detector.blazepose.entry"),
        ("detectron2", "liftline_detector.keypoint_rcnn.options"),
        ("movenet", "liftline_detector.movenet.entry"),
        ("rtmo", "liftline_detector.rtmo.options"),
        ("rtmpose", "liftline_detector.rtmpose.options"),
        ("vitpose", "liftline_detector.vitpose.options"),
    ]


def test_auto_is_the_one_that_is_wanted_most_with_the_options_given(monkeypatch, tmp_path):
    monkeypatch.setattr(entry, "is_installed", lambda: True)
    monkeypatch.setattr(entry, "resolve_device", lambda name: SimpleNamespace(type=name))
    weights = tmp_path / "mine.pkl"
    given = {"device": "cuda", "weights": weights, "threads": 2}
    assert find_detector("auto", given).name == "movenet"
    weights.touch()
    assert find_detector("auto", given).name == "detectron2"
    assert find_detector("auto", given | {"device": "cpu"}).name == "movenet"


def test_options_of_another_detector_never_reach_a_detector():
    given = vars(KeypointRcnnOptions(precision="bf16", score_threshold=0.5, device="cpu"))
    assert find_detector("blazepose").chosen(given) == BlazePoseChoices(score_threshold=0.5, device="cpu")
    with pytest.raises(UsageError, match="precision"):
        BlazePoseChoices(precision="bf16")


def test_names_are_known_without_any_detectors_libraries():
    code = "import sys, liftline_detector.registry as r; print(*r.names()); print(*sorted(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()
    assert told[0] == "auto blazepose detectron2 movenet rtmo rtmpose vitpose"
    assert not {"torch", "cv2", "ai_edge_litert", "detectron2", "onnxruntime", "scipy", "google.protobuf"} & set(
        told[1].split()
    )


def test_every_backend_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path))
    for name in ("auto", *detectors()):
        known = find_detector(name)
        with pytest.raises(ModelError, match=r"liftline models fetch|make setup-detectron2") as caught:
            known.build(known.chosen({}))
        assert caught.value.exit_code is ExitCode.MODEL


def test_an_altered_model_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path))
    for model in (POSE_DETECTION, POSE_LANDMARK):
        models.path(model).write_bytes(b"something else")
    with pytest.raises(ModelError, match="not the model file"):
        BlazePoseDetector.load()


def test_a_detector_needs_a_thread():
    with pytest.raises(UsageError, match="at least one thread"):
        BlazePoseDetector(b"", b"", threads=0)


def test_bytes_that_are_no_model_are_a_model_error():
    with pytest.raises(ModelError, match=r"junk\.tflite: LiteRT can't load it"):
        Network(b"junk" * 100, name="junk.tflite", side_px=224, outputs=(), threads=1)
