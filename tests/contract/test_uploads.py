"""What an upload form does on every S3 server: the announced bytes become its object, private, and nothing else."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
import urllib3

from liftline.adapters.s3 import S3Store
from liftline.adapters.s3.upload_probe import PREFIX, probe_uploads
from liftline.settings.services import S3Settings
from liftline.upload_form import UploadForm
from tests.forms import send, tricks
from tests.servers import s3_settings

COPY = "tenants/b/jobs/1/input/clip.mp4"
KEY, OTHER, SECRET = "tenants/b/uploads/1/clip.mp4", "tenants/b/uploads/2/clip.mp4", "tenants/a/jobs/1/outputs/x.npz"
SENT, HERS = b"what b sends, 40 bytes long, as announced", b"what a has stored, 40 bytes, as announced"
BUCKETS = (f"uploads-{number}" for number in itertools.count())


@dataclass(frozen=True)
class Uploads:
    """A bucket in which A has something, as B and everybody else reach it."""

    settings: S3Settings
    store: S3Store
    http: urllib3.PoolManager

    def form(self, key: str = KEY, *, size_bytes: int = len(SENT)) -> UploadForm:
        return self.store.upload_form(key, size_bytes=size_bytes, expires=timedelta(hours=1))

    def address(self, key: str) -> str:
        return f"{self.settings.endpoint}/{self.settings.bucket}/{quote(key)}"

    def check_nothing_else_happened(self, *, stored: bool | None = None) -> None:
        """`stored`: whether what was sent has to be there; None: that is the server's to choose."""
        found = self.store.get_bytes(KEY, at_most=9999) if self.store.size(KEY) is not None else None
        assert found in ((SENT, None) if stored is None else (SENT,) if stored else (None,))
        assert self.store.get_bytes(SECRET, at_most=9999) == HERS
        assert set(self.store.keys("")) <= {KEY, SECRET}
        for key in (KEY, SECRET):
            assert self.http.request("GET", self.address(key)).status == 403
        if found is not None:
            self._check_that_it_is_plain()
        self.store.remove(KEY)

    def _check_that_it_is_plain(self) -> None:
        """Nothing that was sent beside the bytes comes into the job: CreateJob copies the upload, and removes it."""
        self.store.copy(KEY, COPY)
        address = self.store.download_address(COPY, expires=timedelta(hours=1), file_name="x")
        answer = self.http.request("GET", address)
        self.store.remove(COPY)
        assert answer.data == SENT
        assert "html" not in answer.headers.get("content-type", "")
        odd = ("x-amz-website-redirect-location", "x-amz-tagging-count", "x-amz-meta-a", "content-encoding")
        assert not [name for name in odd if name in answer.headers]


@pytest.fixture(params=["s3_server"])
def uploads(request: pytest.FixtureRequest) -> Iterator[Uploads]:
    """On each S3 server that there is a fixture for."""
    settings = s3_settings(request.getfixturevalue(request.param), bucket=next(BUCKETS))
    store = S3Store(settings)
    store.ensure_bucket()
    store.put_bytes(SECRET, HERS)
    with urllib3.PoolManager(retries=False) as http:
        yield Uploads(settings, store, http)


NAMES = list(tricks("b", SECRET))


def test_a_form_stores_what_was_announced(uploads: Uploads) -> None:
    assert send(uploads.http, uploads.form(), SENT) // 100 == 2
    uploads.check_nothing_else_happened(stored=True)


@pytest.mark.parametrize(
    "name", ["Vidéo 動画\u202f1.mp4", "a+b&c=d?e#f%20.mp4", ".hidden", "a'b\"c", "~-_.!*()", "{}[]:,"]
)
def test_forms_name_keys_of_all_kinds(uploads: Uploads, name: str) -> None:
    key = f"tenants/b/uploads/3/{name}"
    assert send(uploads.http, uploads.form(key), SENT) // 100 == 2
    assert uploads.store.get_bytes(key, at_most=99) == SENT


@pytest.mark.parametrize("length", [0, 1, len(SENT) - 1, len(SENT) + 1, 200_000])
def test_other_lengths_are_refused(uploads: Uploads, length: int) -> None:
    assert send(uploads.http, uploads.form(), bytes(length)) // 100 != 2
    uploads.check_nothing_else_happened(stored=False)


def test_another_object_is_refused(uploads: Uploads) -> None:
    fields = uploads.form().fields
    for key in (OTHER, SECRET, f"{KEY}2", f"{KEY}/x", "tenants/b/uploads/2/${filename}"):
        assert send(uploads.http, replace(uploads.form(), fields={**fields, "key": key}), SENT) // 100 != 2
        uploads.check_nothing_else_happened(stored=False)
        for extra in ({"first": [("key", key)]}, {"last": [("key", key)]}, {"last": [("KEY", key)]}):
            send(uploads.http, uploads.form(), SENT, **extra)
            uploads.check_nothing_else_happened()


def test_another_policy_is_refused(uploads: Uploads) -> None:
    form, other = uploads.form(), uploads.form(OTHER)
    for name in form.fields.keys() - {"key"}:
        less = {field: value for field, value in form.fields.items() if field != name}
        for fields in (less, {**form.fields, name: other.fields[name] + "0"}, {**form.fields, name: ""}):
            assert send(uploads.http, replace(form, fields=fields), SENT) // 100 != 2
    for fields in ({"key": KEY}, {"key": KEY, "acl": "public-read"}, {**other.fields, "key": KEY}):
        assert send(uploads.http, replace(form, fields=fields), SENT) // 100 != 2
    uploads.check_nothing_else_happened(stored=False)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "doubled"])
def test_headers_do_nothing(uploads: Uploads, name: str, times: int) -> None:
    send(uploads.http, uploads.form(), SENT, headers=tricks(uploads.settings.bucket, SECRET)[name] * times)
    uploads.check_nothing_else_happened()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("times", [1, 2], ids=["once", "doubled"])
def test_more_fields_do_nothing(uploads: Uploads, name: str, times: int) -> None:
    extra = tricks(uploads.settings.bucket, SECRET)[name] * times
    for fields in ({"first": extra}, {"last": extra}, {"first": extra, "last": extra}):
        send(uploads.http, uploads.form(), SENT, headers=extra, **fields)
        uploads.check_nothing_else_happened()
        send(uploads.http, uploads.form(), SENT, **fields)
        uploads.check_nothing_else_happened()


def test_a_type_that_browsers_run_is_not_kept(uploads: Uploads) -> None:
    for name in ("Content-Type", "content-type", "x-amz-meta-content-type"):
        send(uploads.http, uploads.form(), SENT, first=[(name, "text/html")])
        uploads.check_nothing_else_happened()
    send(uploads.http, uploads.form(), SENT, headers=[("Content-Type", "text/html")])
    uploads.check_nothing_else_happened()


@pytest.mark.parametrize("query", ["acl", "uploads", "tagging", "x-amz-acl=public-read", "append&position=0", "delete"])
def test_queries_do_nothing(uploads: Uploads, query: str) -> None:
    form = uploads.form()
    for address in (form.address, f"{form.address}/{KEY}", f"{form.address}/{SECRET}"):
        send(uploads.http, replace(form, address=f"{address}?{query}"), SENT)
        uploads.check_nothing_else_happened()


@pytest.mark.parametrize("method", ["PUT", "GET", "HEAD", "DELETE", "POST"])
def test_what_signs_a_form_signs_nothing_else(uploads: Uploads, method: str) -> None:
    fields = dict(uploads.form().fields)
    as_query = {name.replace("x-amz-", "X-Amz-").title(): value for name, value in fields.items() if name != "key"}
    presigned = {**as_query, "X-Amz-Expires": "3600", "X-Amz-SignedHeaders": "host"}
    scope = f"Credential={fields['x-amz-credential']}, SignedHeaders=host, Signature={fields['x-amz-signature']}"
    signed = {
        "authorization": f"{fields['x-amz-algorithm']} {scope}", "x-amz-date": fields["x-amz-date"],
        "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    }  # fmt: skip
    body = SENT if method in ("PUT", "POST") else None
    for key in (KEY, SECRET):
        for query, headers in ((presigned, {}), (fields, {}), ({}, signed), ({}, {})):
            address = f"{uploads.address(key)}?{urlencode(query)}"
            for copy in ({}, {"x-amz-copy-source": f"/{uploads.settings.bucket}/{SECRET}", "x-amz-acl": "public-read"}):
                answer = uploads.http.request(method, address, body=body, headers={**headers, **copy})
                assert 400 <= answer.status < 500
    bucket = uploads.form().address
    assert uploads.http.request(method, f"{bucket}?{urlencode(presigned)}", body=body).status // 100 == 4
    uploads.check_nothing_else_happened(stored=False)


def test_a_gateway_may_use_it(uploads: Uploads) -> None:
    probe_uploads(uploads.settings)
    assert not list(uploads.store.keys(PREFIX))
