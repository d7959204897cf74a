"""Presigned addresses, used by a plain HTTP client that knows nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import urllib3

from liftline.s3 import S3Store
from liftline_cli.up.s3_server import S3Server
from tests.servers import other_s3, s3_settings

HOUR = timedelta(hours=1)
KEY = "tenants/a/uploads/1/my clip – 動画.mp4"


@pytest.fixture
def store(request: pytest.FixtureRequest) -> S3Store:
    made = S3Store(other_s3() or s3_settings(request.getfixturevalue("s3_server"), bucket="addresses"))
    made.ensure_bucket()
    made.remove_all("tenants/")
    return made


@pytest.fixture
def http() -> Iterator[urllib3.PoolManager]:
    with urllib3.PoolManager(retries=False) as pool:
        yield pool


def test_anyone_may_put_and_get_with_an_address(store: S3Store, http: urllib3.PoolManager) -> None:
    assert http.request("PUT", store.upload_address(KEY, size_bytes=45, expires=HOUR), body=b"video" * 9).status == 200
    assert store.get_bytes(KEY, at_most=99) == b"video" * 9
    answer = http.request("GET", store.download_address(KEY, expires=HOUR, file_name="clip.mp4"))
    assert (answer.status, answer.data) == (200, b"video" * 9)


@pytest.mark.parametrize("body", [b"", b"a", b"abc", b"a" * 100_000, [b"a"] * 9])
def test_no_more_and_no_less_than_was_announced_is_taken(
    store: S3Store, http: urllib3.PoolManager, body: bytes | list[bytes]
) -> None:
    upload = store.upload_address(KEY, size_bytes=2, expires=HOUR)
    assert http.request("PUT", upload, body=body).status == 403
    assert store.size(KEY) is None
    assert http.request("PUT", upload, body=b"ab").status == 200


def test_browsers_save_it_under_its_name(store: S3Store, http: urllib3.PoolManager) -> None:
    store.put_bytes(KEY, b"1")
    name = 'Vidéo "動画"; 100%\\.mp4'
    answer = http.request("GET", store.download_address(KEY, expires=HOUR, file_name=name))
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"Vid_o ____; 100__.mp4\"; filename*=UTF-8''"
        "Vid%C3%A9o%20%22%E5%8B%95%E7%94%BB%22%3B%20100%25%5C.mp4"
    )


def test_an_address_is_good_for_its_time_object_and_method_alone(store: S3Store, http: urllib3.PoolManager) -> None:
    store.put_bytes(KEY, b"1")
    upload = store.upload_address(KEY, size_bytes=1, expires=timedelta(seconds=1))
    download = store.download_address(KEY, expires=timedelta(seconds=1), file_name="x")
    good = store.download_address(KEY, expires=HOUR, file_name="x")
    refused = [
        http.request("PUT", good, body=b"2"),
        http.request("DELETE", good),
        http.request("GET", good.replace("/1/", "/2/")),
        http.request("GET", good.replace("filename%3D%22x", "filename%3D%22y")),
        http.request("GET", good.partition("?")[0]),
    ]
    time.sleep(2.1)
    refused += [http.request("PUT", upload, body=b"2"), http.request("GET", download)]
    assert [answer.status for answer in refused] == [403] * 7
    assert store.get_bytes(KEY, at_most=1) == b"1"


def test_addresses_are_of_the_place_that_clients_reach(s3_server: S3Server) -> None:
    public = {"public_endpoint": "https://videos.example:8443"}
    store = S3Store(s3_settings(s3_server, bucket="addresses").model_copy(update=public))
    upload = store.upload_address(KEY, size_bytes=1, expires=HOUR)
    assert upload.startswith("https://videos.example:8443/addresses/tenants/a/")
    assert store.download_address(KEY, expires=HOUR, file_name="x").startswith("https://videos.example:8443/")


def test_a_compressed_upload_comes_back_as_it_is_stored(store: S3Store, http: urllib3.PoolManager) -> None:
    """Whoever uploads may say that it is compressed; it must not be unpacked on its way, to whatever size."""
    headers = {"Content-Encoding": "gzip"}
    upload = store.upload_address(KEY, size_bytes=7, expires=HOUR)
    assert http.request("PUT", upload, body=b"no gzip", headers=headers).status == 200
    assert store.get_bytes(KEY, at_most=7) == b"no gzip"
    assert store.open(KEY).read() == b"no gzip"
