"""Reading an object, or a range of it, however often the connection breaks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from minio import Minio
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse

from liftline.errors import InvalidArtifactError

_CHUNK_BYTES = 1 << 20
_LEAST_GAIN_BYTES, _TRIES_WITHOUT_GAIN = 1 << 16, 3


@dataclass
class Download:
    """One object on its way into `write`, continued where it broke off.

    offset, length: the range; to the end where there is no length. at_most: bytes that are taken in all.
    version: the object's ETag where it is known, so that an object that is replaced meanwhile isn't mixed with another.
    """

    client: Minio
    bucket: str
    key: str
    write: Callable[[bytes], object]
    offset: int = 0
    length: int | None = None
    at_most: int | None = None
    version: str | None = None
    _done: int = 0

    def run(self) -> None:
        """Fetch all of it.

        Raises InvalidArtifactError where it is too long or was replaced, and the client's errors.
        """
        tries = 0
        while self.length is None or self._done < self.length:
            before = self._done
            try:
                self._go_on()
                return
            except HTTPError:
                tries = 0 if self._done - before >= _LEAST_GAIN_BYTES else tries + 1
                if tries >= _TRIES_WITHOUT_GAIN:
                    raise

    def _go_on(self) -> None:
        left = 0 if self.length is None else self.length - self._done
        response = self.client.get_object(self.bucket, self.key, offset=self.offset + self._done, length=left)
        try:
            self._check(response)
            for chunk in response.stream(_CHUNK_BYTES, decode_content=False):
                self.write(chunk)
                self._done += len(chunk)
            response.release_conn()
        finally:
            response.close()

    def _check(self, response: BaseHTTPResponse) -> None:
        """Length and version; a connection that ends before so many bytes is an error of the client's."""
        version, coming = response.headers.get("etag", ""), int(response.headers["content-length"])
        if self.version not in (None, version):
            raise InvalidArtifactError(f"{self.key}: it was replaced while it was read.")
        self.version = version
        if self.length is None:
            self.length = self._done + coming
        if self._done + coming != self.length:
            raise InvalidArtifactError(f"{self.key}: the store sends another length than it said; store it again.")
        if self.at_most is not None and self.length > self.at_most:
            raise InvalidArtifactError(f"{self.key}: more than the {self.at_most} bytes that are taken of it.")
