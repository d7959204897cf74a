"""`liftline.ports.ArtifactStore` in a bucket of any S3 server."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from itertools import islice
from pathlib import Path
from typing import BinaryIO, TypeVar, cast
from urllib.parse import quote
from xml.etree.ElementTree import ParseError

import structlog
from minio.commonconfig import REPLACE, CopySource
from minio.datatypes import Object
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error
from minio.helpers import DictType
from urllib3.exceptions import HTTPError

from liftline.adapters.s3 import _buckets as buckets
from liftline.adapters.s3._download import ObjectRange
from liftline.adapters.s3._forms import signed_form
from liftline.adapters.s3.client import client, signer
from liftline.errors import UnavailableError, WrongAnswerError
from liftline.files.atomic import atomic_path
from liftline.files.range_reader import RangeReader
from liftline.files.store_keys import check_key, check_prefix, check_upload_key
from liftline.net.https import Interrupted
from liftline.net.rereading import read_again
from liftline.net.retrying import S3_ANSWER, S3_REQUEST
from liftline.ports import ArtifactStore, BlockCheck
from liftline.settings.services import S3Settings
from liftline.upload_form import UploadForm

ANSWER_S = 20.0
T = TypeVar("T")
log = structlog.get_logger(__name__)
_PART_BYTES, _PARTS_AT_ONCE, _MOST_PARTS, _PAGE = 8 << 20, 3, 10_000, 1000

_ABSENT = ("NoSuchKey", "NoSuchBucket")
_UNREADABLE = (MinioException, ParseError, ValueError, LookupError, TypeError, AttributeError)
"""What the client raises of answers that aren't S3's: it reads them as they come."""
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
        self._ask(self._bucket, lambda: buckets.ensure(self._client, self._settings))

    def put_file(self, key: str, path: Path) -> None:
        """See `ArtifactStore.put_file`; large files in parts, a few at a time in memory."""
        size = path.stat().st_size
        if size <= _PART_BYTES:
            self.put_bytes(key, path.read_bytes())
            return
        with path.open("rb") as file:
            self._ask(check_key(key), lambda: self._put_parts(key, file, size))

    def put_bytes(self, key: str, data: bytes) -> None:
        """As `ArtifactStore.put_bytes`. It is stored once the store names it as S3 does, or shows it."""
        self._ask(check_key(key), lambda: self._put(key, data))

    def get_file(self, key: str, path: Path) -> None:
        """See `ArtifactStore.get_file`. Raises OutputError where the disk is full."""

        def get() -> None:
            with atomic_path(path) as temporary, temporary.open("wb") as file:
                self._object(key).read(file.write)

        self._ask(check_key(key), get)

    def get_bytes(self, key: str, *, at_most: int) -> bytes:
        return self._ask(check_key(key), lambda: _bytes_of(self._object(key, at_most=at_most)))

    def open(self, key: str, *, check: BlockCheck | None = None) -> BinaryIO:
        """See `ArtifactStore.open`. Reading raises AlteredArtifactError where it is replaced meanwhile."""
        stat = self._ask(check_key(key), lambda: self._stat(key))
        read_range = partial(self._read_range, key, f'"{stat.etag}"', check)
        return cast(BinaryIO, RangeReader(read_range, stat.size or 0))

    def size(self, key: str) -> int | None:
        return self._ask(check_key(key), lambda: self._size(key))

    def copy(self, source: str, target: str) -> None:
        """See `ArtifactStore.copy`; the client does it in parts where S3 can't at once.

        Bytes alone are copied: types, tags and encodings that an uploader gave them stay behind.
        """
        check_key(target)
        if source == target:
            self._ask(check_key(source), lambda: self._stat(source))
            return
        self._ask(check_key(source), lambda: self._client.copy_object(
            self._bucket, target, CopySource(self._bucket, source),
            metadata=_PLAIN, metadata_directive=REPLACE, tagging_directive=REPLACE,
        ))  # fmt: skip

    def remove(self, key: str) -> None:
        def remove() -> None:
            try:
                self._client.remove_object(self._bucket, key)
            except S3Error as error:
                if error.code not in _ABSENT:
                    raise

        self._ask(check_key(key), remove)

    def remove_all(self, prefix: str) -> None:
        """See `ArtifactStore.remove_all`; a thousand at a time, until the store shows none."""
        check_prefix(prefix)
        before: list[str] = []
        while keys := self._ask(prefix, lambda: self._page(prefix, after=None)):
            if keys == before:
                raise UnavailableError(f"{keys[0]}: the artifact store doesn't remove it, and doesn't say why.")
            self._ask(prefix, partial(self._remove, keys))
            before = keys

    def keys(self, prefix: str) -> Iterator[str]:
        """See `ArtifactStore.keys`; sorted, a thousand at a time."""
        after: str | None = None
        while page := self._ask(prefix, partial(self._page, prefix, after=after)):
            yield from page
            after = page[-1]
            if len(page) < _PAGE:
                return

    def upload_form(self, key: str, *, size_bytes: int, expires: timedelta) -> UploadForm:
        return signed_form(self._signer, self._bucket, check_upload_key(key), size_bytes=size_bytes, expires=expires)

    def download_address(self, key: str, *, expires: timedelta, file_name: str) -> str:
        """See `ArtifactStore.download_address`; at most seven days."""
        headers: DictType = {"response-content-disposition": _attachment(file_name)}
        return self._signer.presigned_get_object(
            self._bucket, check_key(key), expires=expires, response_headers=headers
        )  # fmt: skip

    def _object(
        self, key: str, offset: int = 0, length: int | None = None, *, at_most: int | None = None,
        version: str | None = None,
    ) -> ObjectRange:  # fmt: skip
        return ObjectRange(self._client, self._bucket, key, offset, length, at_most, version)

    def _read_range(self, key: str, version: str, check: BlockCheck | None, offset: int, length: int) -> bytes:
        def read() -> bytes:
            block = _bytes_of(self._object(key, offset, length, version=version))
            if check is not None:
                check(offset, block)
            return block

        return self._ask(key, read)

    def _stat(self, key: str) -> Object:
        stat = self._client.stat_object(self._bucket, key)
        if not stat.etag or stat.size is None:
            raise WrongAnswerError(f"{key}: what answers in the artifact store's place doesn't know objects.")
        return stat

    def _size(self, key: str) -> int | None:
        try:
            return self._stat(key).size
        except S3Error as error:
            if error.code in _ABSENT:
                return None
            raise

    def _page(self, prefix: str, *, after: str | None) -> list[str]:
        items = self._client.list_objects(self._bucket, prefix, recursive=True, start_after=after)
        return [cast(str, item.object_name) for item in islice(items, _PAGE)]

    def _remove(self, keys: list[str]) -> None:
        for error in self._client.remove_objects(self._bucket, [DeleteObject(key) for key in keys]):
            raise UnavailableError(f"{error.name}: the artifact store doesn't remove it ({error.message}).")

    def _put(self, key: str, data: bytes) -> None:
        """In one request. Most stores name an object by its MD5; others are asked what they hold."""
        etag = self._client.put_object(self._bucket, key, io.BytesIO(data), len(data)).etag
        if etag != hashlib.md5(data, usedforsecurity=False).hexdigest():
            self._check_stored(key, len(data), etag)

    def _put_parts(self, key: str, file: BinaryIO, size: int) -> None:
        try:
            self._put_parts_once(key, file, size)
        except S3Error as error:  # it was put together, and the answer got lost on its way
            if error.code != "NoSuchUpload":
                raise
            self._put_parts_once(key, file, size)

    def _put_parts_once(self, key: str, file: BinaryIO, size: int) -> None:
        file.seek(0)
        part = max(_PART_BYTES, -(-size // _MOST_PARTS))
        etag = self._client.put_object(
            self._bucket, key, file, size, part_size=part, num_parallel_uploads=_PARTS_AT_ONCE
        ).etag
        self._check_stored(key, size, etag)

    def _check_stored(self, key: str, size: int, etag: str | None) -> None:
        if not etag or self._size(key) != size:
            raise WrongAnswerError(f"{key}: the artifact store doesn't hold what it was given; store it again.")

    def _ask(self, key: str, ask: Callable[[], T]) -> T:
        """What the store answers, in our errors; what can't be right is asked for again."""

        def once() -> T:
            with self._telling(key):
                return ask()

        return read_again(S3_ANSWER, once, failed=lambda error: log.warning("store_answers_wrongly", error=str(error)))

    @contextmanager
    def _telling(self, key: str) -> Iterator[None]:
        """Raise the client's errors in the block as UnavailableError or InvalidArtifactError about `key`."""
        try:
            yield
        except (HTTPError, Interrupted) as error:
            raise UnavailableError(
                f"{key}: the artifact store at {self._settings.endpoint} doesn't answer ({error}); "
                "check that it runs, LIFTLINE_S3_ENDPOINT and LIFTLINE_S3_CA_FILE."
            ) from error
        except S3Error as error:
            if error.code == "NoSuchKey":
                raise WrongAnswerError(
                    f"{key}: not in the store; it was removed, or never stored.", answer=error.code
                ) from error  # fmt: skip
            raise UnavailableError(f"{key}: the artifact store refuses it ({error.code}: {error.message}).") from error
        except _UNREADABLE as error:
            raise WrongAnswerError(f"{key}: the artifact store answers oddly ({error}).") from error


def _bytes_of(part: ObjectRange) -> bytes:
    buffer = io.BytesIO()
    part.read(buffer.write)
    return buffer.getvalue()


def _attachment(file_name: str) -> str:
    """Content-Disposition by RFC 6266: a name for old browsers, and the exact one."""
    plain = "".join(c if c.isascii() and c.isprintable() and c not in '"\\%' else "_" for c in file_name)
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name, safe='')}"
