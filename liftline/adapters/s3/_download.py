"""Reading an object, or a range of it, however often the connection breaks."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass

from minio import Minio
from urllib3.response import BaseHTTPResponse

from liftline.errors import InvalidArtifactError, WrongAnswerError
from liftline.net.download import Download, Opened, TooLargeError
from liftline.net.retrying import S3_DOWNLOAD

_PIECE_BYTES = 1 << 20


@dataclass
class ObjectRange:
    """An object from a byte on.

    length: of the range; to the end where there is none. at_most: bytes that are taken in all.
    version: the object's ETag where it is known, so that an object that is replaced meanwhile isn't mixed with another.
    """

    client: Minio
    bucket: str
    key: str
    offset: int = 0
    length: int | None = None
    at_most: int | None = None
    version: str | None = None

    def read(self, write: Callable[[bytes], object]) -> None:
        """Fetch all of it.

        Raises InvalidArtifactError where it is too long, WrongAnswerError where it is another or no object of S3's, and
        the client's errors. Once it raised, it isn't to be used again.
        """
        most = float("inf") if self.at_most is None else self.at_most
        try:
            Download(
                self._open_at, lambda: nullcontext(write), S3_DOWNLOAD, max_bytes=most, piece_bytes=_PIECE_BYTES
            ).run()  # fmt: skip
        except TooLargeError as error:
            raise InvalidArtifactError(f"{self.key}: more than the {most} bytes that are taken of it.") from error

    def _open_at(self, done: int) -> Opened | None:
        left = 0 if self.length is None else self.length - done
        if self.length is not None and not left:
            return None
        response = self.client.get_object(self.bucket, self.key, offset=self.offset + done, length=left)
        try:
            return Opened(response, done, self._checked_length(response, done))
        except BaseException:
            response.close()
            raise

    def _checked_length(self, response: BaseHTTPResponse, done: int) -> int:
        """Of the range. A connection that ends before so many bytes is an error of the client's."""
        version, coming = response.headers.get("etag", ""), int(response.headers["content-length"])
        asked = self.offset + done
        if not version or (asked and not response.headers.get("content-range", "").startswith(f"bytes {asked}-")):
            raise WrongAnswerError(f"{self.key}: what answers in the artifact store's place sends something else.")
        if self.version not in (None, version):
            raise WrongAnswerError(f"{self.key}: it was replaced while it was read.", answer=version)
        self.version = version
        self.length = done + coming if self.length is None else self.length
        if done + coming != self.length:
            raise WrongAnswerError(
                f"{self.key}: the store sends another length than it said; store it again.", answer=f"{done + coming}"
            )
        return self.length
