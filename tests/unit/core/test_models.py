"""Model files: the catalogue, where they are, and that nothing is used whose checksum isn't the known one."""

from __future__ import annotations

import hashlib
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from liftline.errors import ModelError
from liftline.models import catalogue as models
from liftline.models.catalogue import Address, ModelFile, WheelMember
from liftline_cli.commands.models import CATALOGUE
from liftline_detector.blazepose.model_files import MEDIAPIPE_WHEEL
from liftline_detector.keypoint_rcnn.model_zoo import KEYPOINT_RCNN_R101, weights_of

CONTENT = b"a small model" * 100
SHA256 = hashlib.sha256(CONTENT).hexdigest()
MODEL = ModelFile(
    name="toy",
    file_name="toy.tflite",
    sha256=SHA256,
    licence="MIT",
    origin="this test",
    source=WheelMember(MEDIAPIPE_WHEEL, "toy/models/toy.tflite", len(CONTENT)),
)
UNPINNED = replace(
    MODEL, sha256=None, source=Address("https://example.org/toy.tflite", max_bytes=1 << 20), optional=True
)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """An empty model folder."""
    where = tmp_path / "model files é"
    where.mkdir()
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(where))
    return where


def test_the_folder_is_the_users_cache_unless_chosen(monkeypatch, tmp_path):
    monkeypatch.delenv("LIFTLINE_MODELS_DIR", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert models.models_dir() == tmp_path / "liftline" / "models"
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", "~/elsewhere")
    assert models.models_dir() == Path.home() / "elsewhere"


def test_a_missing_file_names_the_fix(folder):
    with pytest.raises(ModelError, match=r"toy\.tflite: the model file 'toy' isn't there; run `liftline models fetch`"):
        models.find(MODEL)
    with pytest.raises(ModelError, match="run `liftline models fetch toy`"):
        models.find(UNPINNED)


@pytest.mark.parametrize("use", [models.load, models.verify])
def test_an_altered_file_is_refused_by_its_hash(folder, use):
    models.path(MODEL).write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError, match="not the model file 'toy'"):
        use(MODEL)


def test_a_good_file_is_loaded(folder):
    models.path(MODEL).write_bytes(CONTENT)
    assert models.load(MODEL) == CONTENT
    assert models.verify(MODEL) == folder / "toy.tflite"


@pytest.mark.parametrize("use", [models.load, models.verify])
def test_a_file_nobody_published_a_hash_of_is_refused_until_one_is_recorded(folder, use):
    models.path(UNPINNED).write_bytes(CONTENT)
    with pytest.raises(ModelError, match=r"no record of this file's SHA-256.*run `liftline models fetch toy`"):
        use(UNPINNED)
    models.record(UNPINNED, SHA256)
    use(UNPINNED)
    models.path(UNPINNED).write_bytes(CONTENT + b"!")
    with pytest.raises(ModelError, match="not the model file 'toy'"):
        use(UNPINNED)


def test_a_record_never_overrules_the_catalogue(folder):
    models.path(MODEL).write_bytes(b"something else")
    models.record(MODEL, hashlib.sha256(b"something else").hexdigest())
    with pytest.raises(ModelError, match="not the model file 'toy'"):
        models.load(MODEL)


def test_sha256sum_reads_the_record(folder):
    models.path(UNPINNED).write_bytes(CONTENT)
    models.record(UNPINNED, SHA256)
    subprocess.run(["sha256sum", "--check", "--strict", "toy.tflite.sha256"], cwd=folder, check=True)


@pytest.mark.parametrize("text", ["", "no hash", "abc123  toy.tflite\n", "g" * 64, "é" * 64])
def test_a_damaged_record_is_a_model_error(folder, text):
    models.path(UNPINNED).write_bytes(CONTENT)
    models.record_path(UNPINNED).write_text(text, encoding="utf-8")
    with pytest.raises(ModelError, match=r"toy\.tflite\.sha256: holds no SHA-256; remove it"):
        models.verify(UNPINNED)


def test_catalogue_entries_are_complete_and_distinct():
    assert len({m.name for m in CATALOGUE}) == len({m.file_name for m in CATALOGUE}) == len(CATALOGUE)
    assert all(m.licence and m.origin and len(m.sha256 or "0" * 64) == 64 for m in CATALOGUE)


def test_what_liftline_needs_by_default_is_pinned():
    assert all(m.sha256 for m in CATALOGUE if not m.optional)


def test_every_address_is_encrypted_and_bounded():
    first = [model.source for model in CATALOGUE if isinstance(model.source, Address)]
    addresses = [address for one in first for address in (one, *one.mirrors)]
    assert len(addresses) > len(first) > 5
    assert all(one.url.startswith("https://") and 0 < one.max_bytes <= 2 << 30 for one in addresses)


def test_non_commercial_models_say_so():
    assert [(m.name, m.terms) for m in CATALOGUE if "NC" in m.licence] == [
        ("videopose3d", "for non-commercial use only")
    ]


@pytest.mark.parametrize("form", ["COCO-Keypoints/{}.yaml", "COCO-Keypoints/{}", "{}.yaml", "{}"])
def test_a_detectron2_config_has_its_weights_in_the_model_zoo(form):
    model = weights_of(form.format("keypoint_rcnn_R_101_FPN_3x"))
    assert model is KEYPOINT_RCNN_R101
    assert model.file_name == "model_final_997cc7.pkl"
    assert isinstance(model.source, Address)
    assert model.source.md5_prefix == "997cc7"
    assert model.source.url.endswith("/COCO-Keypoints/keypoint_rcnn_R_101_FPN_3x/138363331/model_final_997cc7.pkl")


@pytest.mark.parametrize(
    "config", ["", "COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", "my/keypoint_rcnn_R_101_FPN_3x.yaml", "videopose3d"]
)
def test_other_configs_have_no_weights_there(config):
    assert weights_of(config) is None
