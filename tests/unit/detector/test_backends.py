"""Detectors by name, and what is said when one can't be built."""

from __future__ import annotations

import pytest

from liftline.errors import ExitCode, ModelError, UsageError
from liftline.models import catalogue as models
from liftline_detector.blazepose.detector import BlazePoseDetector
from liftline_detector.blazepose.litert import Network
from liftline_detector.registry import build_detector, detectors, model_files


def test_an_unknown_detector_is_a_usage_error_that_lists_the_known_ones():
    with pytest.raises(UsageError, match="Unknown detector 'openpose'; choose one of: auto, blazepose, detectron2"):
        build_detector("openpose")


def test_every_backend_says_what_is_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path))
    for name in ("auto", *detectors()):
        with pytest.raises(ModelError, match=r"liftline models fetch|make setup-detectron2") as caught:
            build_detector(name)
        assert caught.value.exit_code is ExitCode.MODEL


def test_an_altered_model_file_is_refused(tmp_path, monkeypatch):
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path))
    for model in model_files():
        models.path(model).write_bytes(b"something else")
    with pytest.raises(ModelError, match="not the model file"):
        BlazePoseDetector.load()


def test_a_detector_needs_a_thread():
    with pytest.raises(UsageError, match="at least one thread"):
        BlazePoseDetector(b"", b"", threads=0)


def test_bytes_that_are_no_model_are_a_model_error():
    with pytest.raises(ModelError, match=r"junk\.tflite: LiteRT can't load it"):
        Network(b"junk" * 100, name="junk.tflite", side_px=224, outputs=(), threads=1)
