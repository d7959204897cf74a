"""`liftline.ports.ArtifactStore` in a bucket of any S3 server."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import quote

from minio.commonconfig import REPLACE, CopySource
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from minio.helpers import DictType
from urllib3.exceptions import HTTPError

from liftline.adapters.s3 import _buckets as buckets
from liftline.adapters.s3._download import ObjectRange
from liftline.adapters.s3._forms import signed_form
from liftline.adapters.s3.client import client, signer
from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.files.atomic import atomic_path
from liftline.files.range_reader import RangeReader
from liftline.files.store_keys import check_key, check_prefix, check_upload_key
from liftline.net.retrying import S3_REQUEST
from liftline.ports import ArtifactStore
from liftline.settings.services import S3Settings
from liftline.upload_form import UploadForm

ANSWER_S = 20.0
_PART_BYTES, _PARTS_AT_ONCE, _MOST_PARTS = 8 << 20, 3, 10_000

_ABSENT = ("NoSuchKey", "NoSuchBucket")
_PLAIN: DictType = {"Content-Type": "application/octet-stream"}


class S3Store(ArtifactStore):
    """Artifacts in a bucket, which `ensure_bucket` creates. It connects when it is used.

    retry_s: a request that finds no server is repeated for so long before UnavailableError.
    answer_s: a server that is silent for so long in the middle of a request is taken for gone.
    """

    def __init__(
        self,
        settings: S3Settings,
        *,
        retry_s: float = S3_REQUEST.timeout_s,
        answer_s: float = ANSWER_S,
    ) -> None:
        """Raises UsageError where settings make no sense, such as an unencrypted address that isn't this machine."""
        self._client = client(settings, retry_s=retry_s, answer_s=answer_s)
        self._signer = signer(settings)
        self._bucket, self._settings = settings.bucket, settings

    def ensure_bucket(self) -> None:
        """Create the bucket if it is absent. Raises UsageError where the server refuses keys, name or region."""
        with self._telling(self._bucket):
            buckets.ensure(self._client, self._settings)

    def put_file(self, key: str, path: Path) -> None:
        """See `ArtifactStore.put_file`; large files in parts, a few at a time in memory."""
        size = path.stat().st_size
        with self._telling(check_key(key)), path.open("rb") as file:
            if size <= _PART_BYTES:
                self._client.put_object(self._bucket, key, file, size)
                return
            try:
                self._put_parts(key, file, size)
            except S3Error as error:  # it was put together, and the answer got lost on its way
                if error.code != "NoSuchUpload":
                    raise
                file.seek(0)
                self._put_parts(key, file, size)
            self._check_size(key, size)

    def put_bytes(self, key: str, data: bytes) -> None:
        with self._telling(check_key(key)):
            self._client.put_object(self._bucket, key, io.BytesIO(data), len(data))

    def get_file(self, key: str, path: Path) -> None:
        """See `ArtifactStore.get_file`. Raises OutputError where the disk is full."""
        with atomic_path(path) as temporary, temporary.open("wb") as file, self._telling(check_key(key)):
            ObjectRange(self._client, self._bucket, key).read(file.write)

    def get_bytes(self, key: str, *, at_most: int) -> bytes:
        buffer = io.BytesIO()
        with self._telling(check_key(key)):
            ObjectRange(self._client, self._bucket, key, at_most=at_most).read(buffer.write)
        return buffer.getvalue()

    def open(self, key: str) -> BinaryIO:
        """See `ArtifactStore.open`. Reading raises InvalidArtifactError where it is replaced meanwhile."""
        with self._telling(check_key(key)):
            stat = self._client.stat_object(self._bucket, key)
        read_range = partial(self._read_range, key, f'"{stat.etag}"')
        return cast(BinaryIO, RangeReader(read_range, stat.size or 0))

    def size(self, key: str) -> int | None:
        with self._telling(check_key(key)):
            try:
                return self._client.stat_object(self._bucket, key).size
            except S3Error as error:
                if error.code in _ABSENT:
                    return None
                raise

    def copy(self, source: str, target: str) -> None:
        """See `ArtifactStore.copy`; the client does it in parts where S3 can't at once.

        Bytes alone are copied: types, tags and encodings that an uploader gave them stay behind.
        """
        check_key(target)
        with self._telling(check_key(source)):
            if source == target:
                self._client.stat_object(self._bucket, source)
            else:
                self._client.copy_object(
                    self._bucket, target, CopySource(self._bucket, source),
                    metadata=_PLAIN, metadata_directive=REPLACE, tagging_directive=REPLACE,
                )  # fmt: skip

    def remove(self, key: str) -> None:
        with self._telling(check_key(key)):
            try:
                self._client.remove_object(self._bucket, key)
            except S3Error as error:
                if error.code not in _ABSENT:
                    raise

    def remove_all(self, prefix: str) -> None:
        """See `ArtifactStore.remove_all`; a thousand at a time."""
        objects = (DeleteObject(key) for key in self.keys(check_prefix(prefix)))
        with self._telling(prefix):
            for error in self._client.remove_objects(self._bucket, objects):
                raise UnavailableError(f"{error.name}: the artifact store doesn't remove it ({error.message}).")

    def keys(self, prefix: str) -> Iterator[str]:
        """See `ArtifactStore.keys`; sorted, a thousand at a time."""
        with self._telling(prefix):
            for item in self._client.list_objects(self._bucket, prefix, recursive=True):
                yield cast(str, item.object_name)

    def upload_form(self, key: str, *, size_bytes: int, expires: timedelta) -> UploadForm:
        return signed_form(self._signer, self._bucket, check_upload_key(key), size_bytes=size_bytes, expires=expires)

    def download_address(self, key: str, *, expires: timedelta, file_name: str) -> str:
        """See `ArtifactStore.download_address`; at most seven days."""
        headers: DictType = {"response-content-disposition": _attachment(file_name)}
        return self._signer.presigned_get_object(
            self._bucket, check_key(key), expires=expires, response_headers=headers
        )  # fmt: skip

    def _read_range(self, key: str, version: str, offset: int, length: int) -> bytes:
        buffer = io.BytesIO()
        with self._telling(key):
            ObjectRange(self._client, self._bucket, key, offset, length, version=version).read(buffer.write)
        return buffer.getvalue()

    def _put_parts(self, key: str, file: BinaryIO, size: int) -> None:
        part = max(_PART_BYTES, -(-size // _MOST_PARTS))
        self._client.put_object(
            self._bucket, key, file, size, part_size=part, num_parallel_uploads=_PARTS_AT_ONCE
        )  # fmt: skip

    def _check_size(self, key: str, size: int) -> None:
        if self._client.stat_object(self._bucket, key).size != size:
            raise UnavailableError(f"{key}: the artifact store holds another length than it was given; store it again.")

    @contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        """Raise the client's errors in the block as UnavailableError or InvalidArtifactError about `key`."""
        try:
            yield
        except HTTPError as error:
            raise UnavailableError(
                f"{key}: the artifact store at {self._settings.endpoint} doesn't answer ({error}); "
                "check that it runs, LIFTLINE_S3_ENDPOINT and LIFTLINE_S3_CA_FILE."
            ) from error
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise InvalidArtifactError(f"{key}: not in the store; it was removed, or never stored.") from error
            raise UnavailableError(f"{key}: the artifact store refuses it ({error.code}: {error.message}).") from error
        except MinioException as error:
            raise UnavailableError(f"{key}: the artifact store answers oddly ({error}).") from error


def _attachment(file_name: str) -> str:
    """Content-Disposition by RFC 6266: a name for old browsers, and the exact one."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
