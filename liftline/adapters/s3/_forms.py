"""Forms by which so many bytes can be put under one key, and nothing else: S3's POST policies.

A presigned PUT won't do: headers that aren't part of its signature still count on some servers, and one of them copies
any object of the bucket there (ADR 0014). A form's fields are all signed or refused, and its headers mean nothing.
Policies: https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from minio import Minio
from minio.datatypes import PostPolicy

from liftline.upload_form import UploadForm

_ANY_KEY = "x"


def signed_form(signer: Minio, bucket: str, key: str, *, size_bytes: int, expires: timedelta) -> UploadForm:
    """A form that takes `size_bytes` as `key` until the time is over. Nothing is sent."""
    policy = PostPolicy(bucket, datetime.now(UTC) + expires)
    policy.add_equals_condition("key", key)
    policy.add_content_length_range_condition(size_bytes, size_bytes)
    fields = {"key": key, **signer.presigned_post_policy(policy)}
    return UploadForm(_bucket_address(signer, bucket), fields, size_bytes)


def _bucket_address(signer: Minio, bucket: str) -> str:
    """In the host's name or in the path, as the client would have it."""
    place = urlsplit(signer.presigned_get_object(bucket, _ANY_KEY))
    return place._replace(path=place.path.removesuffix(f"/{_ANY_KEY}") or "/", query="").geturl()
