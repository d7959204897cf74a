"""Files are whole or absent, hashed, versioned, and read without pickle."""

from __future__ import annotations

import os
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

import numpy as np
import pytest

from liftline.errors import InvalidArtifactError, OutputError
from liftline.files.artifacts import array, load_npz, save_npz
from liftline.files.atomic import atomic_path, sha256_file, write_json


def test_a_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    target = tmp_path / "new" / "result.mp4"
    with atomic_path(target) as temporary:
        temporary.write_bytes(b"whole")
        assert not target.exists()
        assert temporary.suffix == ".mp4"
    assert target.read_bytes() == b"whole"


def test_an_error_leaves_the_earlier_file_and_no_partial_one(tmp_path: Path) -> None:
    target = tmp_path / "result.json"
    target.write_text("earlier")
    with pytest.raises(ZeroDivisionError), atomic_path(target) as temporary:
        temporary.write_text(str(1 / 0))
    assert target.read_text() == "earlier"
    assert [p.name for p in tmp_path.iterdir()] == ["result.json"]


def test_a_folder_that_cannot_be_made_is_an_output_error_naming_the_file(tmp_path: Path) -> None:
    (tmp_path / "blocked").write_text("a file where a folder should be")
    with (
        pytest.raises(OutputError, match=r"result\.json.*--output-dir"),
        atomic_path(tmp_path / "blocked" / "result.json"),
    ):
        pass


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs Linux's /dev/full")
def test_a_full_disk_is_said_in_plain_words(tmp_path: Path) -> None:
    target = tmp_path / "result.bin"
    with (
        pytest.raises(OutputError, match="disk is full"),
        atomic_path(target),
        Path("/dev/full").open("wb", buffering=0) as full,
    ):
        full.write(b"x")
    assert list(tmp_path.iterdir()) == []


def test_new_files_follow_the_umask(tmp_path: Path) -> None:
    previous = os.umask(0o027)
    try:
        write_json(tmp_path / "a.json", {"a": 1})
    finally:
        os.umask(previous)
    assert (tmp_path / "a.json").stat().st_mode & 0o777 == 0o640


def test_json_refuses_numbers_that_json_does_not_have(tmp_path: Path) -> None:
    with pytest.raises(ValueError):
        write_json(tmp_path / "a.json", {"a": float("nan")})
    assert list(tmp_path.iterdir()) == []


def test_npz_round_trip_keeps_arrays_and_meta(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", artifact="thing", schema_version=3, arrays={"x": np.arange(4.0)}, meta={"näme": "ü"})
    loaded = load_npz(tmp_path / "a.npz", artifact="thing", schema_version=3)
    assert loaded.meta == {"näme": "ü"}
    np.testing.assert_array_equal(loaded.arrays["x"], np.arange(4.0))


def test_equal_contents_have_equal_hashes(tmp_path: Path) -> None:
    for name in ("a.npz", "b.npz"):
        save_npz(tmp_path / name, artifact="thing", schema_version=1, arrays={"x": np.ones(3)}, meta={"b": 1, "a": 2})
    assert sha256_file(tmp_path / "a.npz") == sha256_file(tmp_path / "b.npz")


def test_numpy_itself_reads_our_npz(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", artifact="thing", schema_version=1, arrays={"x": np.ones(3)})
    with np.load(tmp_path / "a.npz", allow_pickle=False) as loaded:
        assert loaded["x"].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("kind", "version", "message"),
    [("other", 1, "expected a Liftline 'other'"), ("thing", 2, "schema version 1, this Liftline reads 2")],
)
def test_another_kind_or_version_is_refused_in_words(tmp_path: Path, kind: str, version: int, message: str) -> None:
    save_npz(tmp_path / "a.npz", artifact="thing", schema_version=1, arrays={})
    with pytest.raises(InvalidArtifactError, match=message):
        load_npz(tmp_path / "a.npz", artifact=kind, schema_version=version)


def test_pickled_arrays_are_never_loaded(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InvalidArtifactError, match="not a readable npz"):
        load_npz(tmp_path / "a.npz", artifact="thing", schema_version=1)


@pytest.mark.parametrize("content", [b"", b"text", b"PK\x03\x04" + bytes(40)])
def test_damaged_files_are_refused_in_words(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.npz").write_bytes(content)
    with pytest.raises(InvalidArtifactError, match=r"a\.npz"):
        load_npz(tmp_path / "a.npz", artifact="thing", schema_version=1)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidArtifactError, match=r"gone\.npz: no such file"):
        load_npz(tmp_path / "gone.npz", artifact="thing", schema_version=1)


def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liftline.files.artifacts.MAX_ARTIFACT_BYTES", 1000)
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.npy", bytes(10_000))
    with pytest.raises(InvalidArtifactError, match="unpacks to"):
        load_npz(tmp_path / "a.npz", artifact="thing", schema_version=1)


def test_arrays_of_the_wrong_shape_are_refused(tmp_path: Path) -> None:
    save_npz(tmp_path / "a.npz", artifact="thing", schema_version=1, arrays={"x": np.ones((3, 2))})
    loaded = load_npz(tmp_path / "a.npz", artifact="thing", schema_version=1)
    with pytest.raises(InvalidArtifactError, match=r"'x' has shape \(3, 2\)"):
        array(loaded, "x", shape=(None, 3), dtype=np.float32, name="a.npz")
    with pytest.raises(InvalidArtifactError, match="'y' is missing"):
        array(loaded, "y", shape=(None,), dtype=np.float32, name="a.npz")


def test_headers_are_parsed_by_one_thread_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """CPython 3.11 may raise SystemError ("AST constructor recursion depth mismatch") where several do."""
    parsing, most = [], []
    parse = np.lib.format.read_array_header_1_0

    def watched(stream: IO[bytes]) -> object:
        parsing.append(stream)
        time.sleep(0.001)
        most.append(len(parsing))
        parsing.remove(stream)
        return parse(stream)

    monkeypatch.setattr(np.lib.format, "read_array_header_1_0", watched)
    save_npz(tmp_path / "x.npz", artifact="test", schema_version=1, arrays={"a": np.arange(5)})
    with ThreadPoolExecutor(4) as pool:
        read = pool.map(lambda _: load_npz(tmp_path / "x.npz", artifact="test", schema_version=1), range(20))
        assert all(npz.arrays["a"].tolist() == [0, 1, 2, 3, 4] for npz in read)
    assert (max(most), len(most)) == (1, 80)
