"""Upload forms and presigned addresses, used by a plain HTTP client that knows nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import urllib3
from pydantic import SecretStr

from liftline.adapters.s3 import S3Store
from liftline.settings.services import S3Settings
from liftline_cli.up.s3_server import S3Server
from tests.forms import send
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


def test_anyone_may_put_with_a_form_and_get_with_an_address(store: S3Store, http: urllib3.PoolManager) -> None:
    assert send(http, store.upload_form(KEY, size_bytes=45, expires=HOUR), b"video" * 9) == 204
    assert store.get_bytes(KEY, at_most=99) == b"video" * 9
    answer = http.request("GET", store.download_address(KEY, expires=HOUR, file_name="clip.mp4"))
    assert (answer.status, answer.data) == (200, b"video" * 9)


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
    upload = store.upload_form(KEY, size_bytes=1, expires=timedelta(seconds=1))
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
    refused.append(http.request("GET", download))
    assert [answer.status for answer in refused] == [403] * 6
    assert send(http, upload, b"2") == 403
    assert store.get_bytes(KEY, at_most=1) == b"1"


def test_addresses_are_of_the_place_that_clients_reach(s3_server: S3Server) -> None:
    public = {"public_endpoint": "https://videos.example:8443"}
    store = S3Store(s3_settings(s3_server, bucket="addresses").model_copy(update=public))
    upload = store.upload_form(KEY, size_bytes=1, expires=HOUR)
    assert (upload.address, upload.fields["key"]) == ("https://videos.example:8443/addresses", KEY)
    assert store.download_address(KEY, expires=HOUR, file_name="x").startswith("https://videos.example:8443/")


@pytest.mark.parametrize(
    ("endpoint", "address"),
    [
        ("https://s3.eu-central-1.amazonaws.com", "https://videos.s3.eu-central-1.amazonaws.com/"),
        ("https://[2001:db8::1]:8333", "https://[2001:db8::1]:8333/videos"),
    ],
)
def test_a_form_goes_to_the_bucket_in_the_style_of_its_server(endpoint: str, address: str) -> None:
    settings = S3Settings(
        endpoint=endpoint, access_key="a", secret_key=SecretStr("b"), bucket="videos", region="eu-central-1"
    )
    assert S3Store(settings).upload_form(KEY, size_bytes=1, expires=HOUR).address == address
