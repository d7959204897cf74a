"""Upload forms as plain HTTP clients send them, and as small servers read them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from email.message import Message

import urllib3

from liftline.upload_form import UploadForm, form_body
from liftline.v1.job_service_pb2 import Upload

Pairs = Iterable[tuple[str, str]]
_EVERYBODY = 'uri="http://acs.amazonaws.com/groups/global/AllUsers"'


def form_of(upload: Upload, *, size_bytes: int) -> UploadForm:
    """What CreateUpload answered."""
    assert upload.upload_method == "POST"
    return UploadForm(upload.upload_uri, dict(upload.upload_fields), size_bytes)


def send(
    http: urllib3.PoolManager,
    form: UploadForm,
    file: bytes,
    *,
    headers: Pairs = (),
    first: Pairs = (),
    last: Pairs = (),
) -> int:
    """Status of the answer. Headers may come several times; `first`, `last`: fields before and after the form's."""
    around = form_body([*first, *form.fields.items(), *last])
    sent = urllib3.HTTPHeaderDict({"Content-Type": around.content_type})
    for name, value in headers:
        sent.add(name, value)
    return http.request("POST", form.address, body=around.before + file + around.after, headers=sent).status


def read_form(content_type: str, body: bytes) -> tuple[Mapping[str, str], bytes]:
    """Fields, and the file. Raises ValueError where it isn't whole."""
    said = Message()
    said["content-type"] = content_type
    boundary = str(said.get_param("boundary")).encode()
    before, *parts, after = body.split(b"--" + boundary)
    if before or after.strip() != b"--":
        raise ValueError("no form, or not all of it")
    fields: dict[str, str] = {}
    for part in parts:
        head, _, content = part.removeprefix(b"\r\n").partition(b"\r\n\r\n")
        name = head.split(b'name="', 1)[1].split(b'"', 1)[0].decode()
        if name == "file":
            return fields, content.removesuffix(b"\r\n")
        fields[name] = content.removesuffix(b"\r\n").decode()
    raise ValueError("a form without a file")


def tricks(bucket: str, secret: str) -> dict[str, tuple[tuple[str, str], ...]]:
    """Headers and fields that mean something in other requests: each alone, and several at once.

    secret: the key of somebody else's object.
    """
    source = ("x-amz-copy-source", f"/{bucket}/{secret}")
    acl, grant = ("x-amz-acl", "public-read"), ("x-amz-grant-read", _EVERYBODY)
    single = [
        source,
        ("x-amz-copy-source", f"{bucket}/{secret}"),
        acl,
        grant,
        ("x-amz-grant-full-control", _EVERYBODY),
        ("acl", "public-read"),
        ("x-amz-metadata-directive", "REPLACE"),
        ("x-amz-copy-source-range", "bytes=0-9"),
        ("x-amz-tagging", "a=b"),
        ("tagging", "<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>"),
        ("x-amz-meta-a", "b"),
        ("x-amz-storage-class", "STANDARD"),
        ("x-amz-website-redirect-location", "https://other.example/"),
        ("x-amz-object-lock-mode", "COMPLIANCE"),
        ("x-amz-server-side-encryption", "AES256"),
        ("x-http-method-override", "PUT"),
        ("content-encoding", "gzip"),
        ("content-disposition", "inline"),
        ("cache-control", "public"),
        ("success_action_redirect", "https://other.example/"),
    ]
    several = [(source, acl), (source, grant), (source, acl, single[6]), tuple(dict(single).items())]
    return {"+".join(name for name, _ in one): one for one in [*((pair,) for pair in single), *several]}
