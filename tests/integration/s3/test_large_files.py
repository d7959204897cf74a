"""Files of any size, in bounded memory."""

from __future__ import annotations

import errno
import hashlib
import resource
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from minio import Minio

from liftline.adapters.s3 import S3Store
from liftline.client.transfer import AddressExpiredError, Transfers
from liftline.errors import InvalidArtifactError, OutputError
from liftline.files.atomic import sha256_file
from liftline_cli.up.s3_server import S3Server
from tests.servers import s3_settings

SIZE = 300 << 20
MOST_MIB = 96
"""Four parts of 8 MiB, and what allocators keep."""


@pytest.fixture
def store(s3_server: S3Server) -> S3Store:
    made = S3Store(s3_settings(s3_server, bucket="large"))
    made.ensure_bucket()
    return made


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """13 MiB of noise."""
    path = tmp_path / "clip"
    path.write_bytes(np.random.default_rng(0).bytes((13 << 20) + 7))
    return path


def peak_mib() -> int:
    """Most memory since `forget_peak`."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) >> 10


def forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def test_a_large_file_takes_little_memory_in_both_directions(store: S3Store, tmp_path: Path) -> None:
    block = np.random.default_rng(0).bytes(1 << 20)
    with (tmp_path / "given").open("wb") as file:  # blocks that differ, so that a part in a wrong place is noticed
        for number in range(SIZE >> 20):
            file.write(number.to_bytes(4, "little"))
            file.write(block[4:])
    expected = sha256_file(tmp_path / "given")
    forget_peak()
    before = peak_mib()
    store.put_file("t/large", tmp_path / "given")
    store.get_file("t/large", tmp_path / "taken")
    with store.open("t/large") as stream:
        found = hashlib.file_digest(stream, "sha256").hexdigest()
    taken = peak_mib() - before
    store.remove("t/large")
    assert sha256_file(tmp_path / "taken") == expected
    assert found == expected
    assert taken < MOST_MIB


def test_a_form_brings_a_large_file_in_little_memory(store: S3Store, tmp_path: Path) -> None:
    block, path = np.random.default_rng(0).bytes(1 << 20), tmp_path / "given"
    with path.open("wb") as file:
        for number in range(SIZE >> 20):
            file.write(number.to_bytes(4, "little"))
            file.write(block[4:])
    form = store.upload_form("t/sent", size_bytes=SIZE, expires=timedelta(minutes=10))
    forget_peak()
    before = peak_mib()
    Transfers().upload(form, path)
    assert peak_mib() - before < 16
    store.get_file("t/sent", tmp_path / "taken")
    store.remove("t/sent")
    assert sha256_file(tmp_path / "taken") == sha256_file(path)


def test_a_form_that_has_expired_is_told_however_large_the_file_is(store: S3Store, tmp_path: Path) -> None:
    with (tmp_path / "given").open("wb") as file:
        file.truncate(SIZE)
    form = store.upload_form("t/late", size_bytes=SIZE, expires=timedelta(seconds=-1))
    with pytest.raises(AddressExpiredError):
        Transfers(retry_s=5).upload(form, tmp_path / "given")


def test_a_copy_is_equal(store: S3Store, clip: Path, tmp_path: Path) -> None:
    store.put_file("t/clip", clip)
    store.copy("t/clip", "t/copy")
    store.get_file("t/copy", tmp_path / "taken")
    assert sha256_file(tmp_path / "taken") == sha256_file(clip)


def test_an_object_that_is_replaced_while_it_is_read_is_not_mixed(store: S3Store, clip: Path) -> None:
    store.put_file("t/changed", clip)
    with store.open("t/changed") as stream:
        stream.read(1)
        store.put_bytes("t/changed", bytes(clip.stat().st_size))
        with pytest.raises(InvalidArtifactError, match="t/changed: it was replaced while it was read"):
            stream.read()


def test_an_object_that_is_removed_while_it_is_read_is_told(store: S3Store, clip: Path) -> None:
    store.put_file("t/gone", clip)
    with store.open("t/gone") as stream:
        stream.read(1)
        store.remove("t/gone")
        with pytest.raises(InvalidArtifactError, match="t/gone: not in the store"):
            stream.read()


def test_a_disk_that_takes_no_more_leaves_nothing(store: S3Store, clip: Path, tmp_path: Path) -> None:
    store.put_file("t/clip", clip)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4 << 20, limits[1]))
    try:
        with pytest.raises(OutputError, match="taken: can't be written") as caught:
            store.get_file("t/clip", tmp_path / "taken")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert isinstance(caught.value.__cause__, OSError)
    assert caught.value.__cause__.errno == errno.EFBIG
    assert list(tmp_path.iterdir()) == [clip]


def test_an_upload_that_takes_a_while_is_not_taken_for_one_that_nobody_finishes(
    s3_server: S3Server, store: S3Store
) -> None:  # fmt: skip
    """`store` made the bucket, with the rule that removes such uploads after days."""
    settings = s3_settings(s3_server, bucket="large")
    client = Minio(
        settings.endpoint.removeprefix("http://"), access_key=settings.access_key,
        secret_key=settings.secret_key.get_secret_value(), secure=False, region=settings.region,
    )  # fmt: skip
    upload = client._create_multipart_upload("large", "t/slow", {})
    time.sleep(7.0)
    assert client._upload_part("large", "t/slow", b"part", {}, upload, 1)
    client._abort_multipart_upload("large", "t/slow", upload)
