"""Bytes to and from the artifact store, by the forms and addresses that the gateway gives out.

Range requests: RFC 9110, section 14. What a broken connection left is gone on with; what counts is the hash at the end.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import urllib3
from urllib3.exceptions import HTTPError

from liftline.client.errors import ServerError
from liftline.errors import InvalidArtifactError, InvalidInputError, UnavailableError, UsageError
from liftline.net.download import TRY_LATER, RefusedError, RemoteFile, TooLargeError, WrongBytesError, fetch_file
from liftline.net.https import AddressError, Interrupted, is_loopback_url, pool, reason
from liftline.net.part import Part
from liftline.net.retrying import API_CALL, retry
from liftline.progress import StopFlag
from liftline.upload_form import UploadForm, form_body

OnBytes = Callable[[int, int], None]
"""Told the bytes that went over and how many there are."""

_TIMEOUT = urllib3.Timeout(connect=15, read=120)
_PIECE_BYTES = 1 << 16


class AddressExpiredError(ServerError):
    """The store doesn't take the address any more; the gateway gives another."""


def no_listener(_done: int, _total: int) -> None:
    """The listener of a transfer nobody watches."""


@dataclass(frozen=True)
class Transfers:
    """Uploads and downloads, tried again for `retry_s` without progress. Every method blocks."""

    ca_file: Path | None = None
    retry_s: float = 60.0
    stop: StopFlag = field(default_factory=StopFlag)

    def upload(self, form: UploadForm, path: Path, on_bytes: OnBytes = no_listener) -> None:
        """Send a file as its form says, piece by piece; to a gateway of before there were forms, PUT it.

        Raises:
            InvalidInputError: the file can't be read, or changes while it is sent.
            AddressExpiredError: too late, or the file has another length than was announced.
            UnavailableError: no connection.
            ServerError: an answer that more attempts won't better.
        """
        retry(API_CALL.within(self.retry_s), lambda: self._send(form, path, on_bytes), stop=self.stop)

    def download(
        self, address: str, part: Path, *, size_bytes: int, sha256: str, on_bytes: OnBytes = no_listener
    ) -> None:
        """GET an object into `part`, whose bytes are gone on with, and check it; `sha256` is "" where it isn't known.

        Raises:
            AddressExpiredError, UnavailableError, ServerError: as for an upload; `part` keeps what came.
            InvalidArtifactError: the bytes aren't those; `part` is gone.
            OutputError: the disk refuses them.
        """
        file = RemoteFile(address, size_bytes, size_bytes, sha256, connect=self._pool)
        host = _host(address)
        try:
            fetch_file(
                file, Part(part, versioned=False), API_CALL.within(self.retry_s),
                on_bytes=lambda done, _total: on_bytes(done, size_bytes), stop=self.stop,
            )  # fmt: skip
        except Interrupted as error:
            raise UnavailableError(f"{host}: {error}; try again later.") from error
        except RefusedError as error:
            raise _refused(error.status, f"{host}: {error}") from error
        except AddressError as error:
            raise ServerError(f"{_host(error.url)}: {error.problem}") from error
        except TooLargeError as error:
            raise ServerError(
                f"{part.name}: the store sends more than the {size_bytes} bytes the gateway told of."
            ) from error
        except WrongBytesError as error:
            raise InvalidArtifactError(
                f"{part.name}: its bytes aren't those of the job (SHA-256 differs); download again."
            ) from error

    def _send(self, form: UploadForm, path: Path, on_bytes: OnBytes) -> None:
        try:
            file = path.open("rb")
        except OSError as error:
            raise InvalidInputError(f"{path}: can't be read ({error.strerror or error}); name another file.") from error
        with file:
            size = os.fstat(file.fileno()).st_size
            if size != form.size_bytes:
                raise AddressExpiredError(
                    f"{path}: has {size} bytes, and {form.size_bytes} were announced; upload it when it is complete."
                )
            pieces = _pieces(file, path, size, on_bytes, self.stop)
            if not form.fields:
                self._request("PUT", form.address, {"Content-Length": str(size)}, pieces)
                return
            around = form_body(form.fields)
            headers = {"Content-Type": around.content_type, "Content-Length": str(around.length(size))}
            self._request("POST", form.address, headers, chain([around.before], pieces, [around.after]))

    def _request(self, method: str, address: str, headers: dict[str, str], body: Iterator[bytes]) -> None:
        host = _host(address)
        if urlsplit(address).scheme != "https" and not is_loopback_url(address):
            raise ServerError(f"{host}: not an https address, so nothing is sent there.")
        try:
            response = self._pool(address).request(
                method, address, headers={"Accept-Encoding": "identity", **headers}, body=body,
                redirect=False, retries=False, preload_content=False, decode_content=False,
            )  # fmt: skip
        except HTTPError as error:
            raise UnavailableError(f"{host}: {reason(error)}; try again later.") from error
        response.close()
        if response.status in {200, 201, 204}:
            return
        answer = f"{host}: the artifact store answered {response.status} {response.reason or ''}".rstrip()
        if response.status in TRY_LATER:
            raise UnavailableError(f"{answer}; try again later.")
        raise _refused(response.status, answer)

    def _pool(self, address: str) -> urllib3.PoolManager:
        try:
            return pool(address, timeout=_TIMEOUT, ca_file=self.ca_file)
        except OSError as error:
            raise UsageError(f"{self.ca_file}: holds no certificates in PEM form ({error}); name another.") from error


def _pieces(file: IO[bytes], path: Path, size: int, on_bytes: OnBytes, stop: StopFlag) -> Iterator[bytes]:
    """A file that is sent, telling how far it is. Raises InvalidInputError where it isn't as long as it was."""
    done = 0
    while piece := file.read(_PIECE_BYTES):
        stop.raise_if_stopped()
        if done + len(piece) > size:
            break
        yield piece
        done += len(piece)
        on_bytes(done, size)
    if piece or done != size:
        raise InvalidInputError(f"{path}: it changed while it was uploaded; upload it when it is complete.")


def _refused(status: int, answer: str) -> ServerError:
    if status in {401, 403}:
        return AddressExpiredError(f"{answer}; the address has expired, or the clocks differ.")
    return ServerError(f"{answer}.")


def _host(address: str) -> str:
    """What may be shown of an address: the rest of it is a key. Raises ServerError."""
    try:
        return urlsplit(address).netloc.rpartition("@")[2]
    except ValueError as error:
        raise ServerError(f"The gateway gave an address that is none ({error}).") from error
