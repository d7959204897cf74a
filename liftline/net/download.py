"""Downloads that survive broken connections: continued where they broke off, bounded, their length and hash checked.

`Download` is the loop that continues a stream, whoever opens it: `fetch_file` here, for a file by its address, and
`adapters.s3` for an object. Range requests as in RFC 9110, section 14.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass

import urllib3
from urllib3.exceptions import HTTPError

from liftline.net.https import Connect, Interrupted, open_url, pool, reason
from liftline.net.part import Part
from liftline.net.retrying import RetryPolicy, retry
from liftline.ports import StopToken

OnBytes = Callable[[int, int | None], None]
"""Told the bytes that are there and, where known, how many there will be."""

_LEAST_GAIN_BYTES = 1 << 16
"""An attempt that brought so many was none in vain: the policy begins anew."""
_PIECE_BYTES = 1 << 16
TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which another attempt may succeed."""
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


class RefusedError(Exception):
    """The server answered with a status that further attempts won't better."""

    def __init__(self, status: int, answer: str) -> None:
        super().__init__(answer)
        self.status = status


class TooLargeError(Exception):
    """There are more bytes than are taken; its text is how many, in MB, where the server says that, else "more"."""


class WrongBytesError(Exception):
    """A whole file that isn't the one with the expected SHA-256."""


@dataclass(frozen=True)
class Opened:
    """An answer whose body is unread, the byte that begins with, and how many there are in all, None if unknown."""

    response: urllib3.BaseHTTPResponse
    start: int
    total: int | None


@dataclass
class Download:
    """Bytes on their way, over as many connections as it takes.

    Attributes:
        open_at: asks for the bytes from the given one on; None where there are no more. The answer may begin earlier.
        appending: opens what takes them.
        done: bytes that are there.
        max_bytes: more are never taken.
    """

    open_at: Callable[[int], Opened | None]
    appending: Callable[[], AbstractContextManager[Callable[[bytes], object]]]
    policy: RetryPolicy
    done: int = 0
    max_bytes: float = math.inf
    piece_bytes: int = _PIECE_BYTES
    stop: StopToken | None = None
    on_bytes: OnBytes = lambda _done, _total: None

    def run(self) -> None:
        """Receive all of it. Raises TooLargeError, HTTPError or Interrupted of the last attempt, and Cancelled."""
        while not retry(self.policy, self._attempt, on=_temporary, stop=self.stop):
            pass

    def _attempt(self) -> bool:
        """Whether all is there; False where the connection broke after it had brought something."""
        before = self.done
        try:
            if (opened := self.open_at(self.done)) is not None:
                self._receive(opened)
        except (HTTPError, Interrupted):
            if self.done - before < _LEAST_GAIN_BYTES:
                raise
            return False
        return True

    def _receive(self, opened: Opened) -> None:
        response, total = opened.response, opened.total
        self.done = opened.start
        try:
            if total is not None and total > self.max_bytes:
                raise TooLargeError(f"{total / 1e6:.0f} MB")
            self.on_bytes(self.done, total)
            with self.appending() as write:
                for piece in response.stream(self.piece_bytes, decode_content=False):
                    self._take(piece, write, total)
            if total is not None and self.done != total:
                raise Interrupted("the connection broke off")
            response.release_conn()
        finally:
            response.close()

    def _take(self, piece: bytes, write: Callable[[bytes], object], total: int | None) -> None:
        if self.stop is not None:
            self.stop.raise_if_stopped()
        if self.done + len(piece) > self.max_bytes:
            raise TooLargeError("more")
        write(piece)
        self.done += len(piece)
        self.on_bytes(self.done, total)


@dataclass(frozen=True)
class RemoteFile:
    """A file by its address, and what is known of it.

    Attributes:
        max_bytes: more are never taken.
        size_bytes: how many there are; None where only the server knows.
        sha256: hexadecimal; "" where it isn't known, or checked by whoever fetches it.
        connect: makes connections to an address.
    """

    url: str
    max_bytes: int
    size_bytes: int | None = None
    sha256: str = ""
    connect: Connect = pool


def fetch_file(
    file: RemoteFile, part: Part, policy: RetryPolicy, *, on_bytes: OnBytes, stop: StopToken | None = None
) -> None:
    """Complete `part` with what lies at the address.

    Raises:
        Interrupted: still no connection after the last attempt; `part` keeps what came.
        RefusedError, AddressError: an answer or an address that more attempts won't better; likewise.
        TooLargeError, WrongBytesError: not that file; nothing is kept.
        OutputError: the disk refused it.
        Cancelled: told to stop; `part` keeps what came.
    """
    resumed = part.size_bytes > 0
    for _ in range(1 + resumed):  # wrong bytes of a resumed file may be those that were there before
        _complete(file, part, policy, on_bytes, stop)
        if part.has(file.sha256):
            return
        part.discard()
    raise WrongBytesError("SHA-256 differs")


def _complete(file: RemoteFile, part: Part, policy: RetryPolicy, on_bytes: OnBytes, stop: StopToken | None) -> None:
    if file.size_bytes == 0 or (file.size_bytes is not None and part.size_bytes > file.size_bytes):
        part.start_over("")
    if part.path.is_file() and part.size_bytes == file.size_bytes:
        return
    try:
        Download(
            lambda _done: _open(file, part), part.appending, policy,
            max_bytes=file.max_bytes, on_bytes=on_bytes, stop=stop,
        ).run()  # fmt: skip
    except HTTPError as error:
        raise Interrupted(reason(error)) from error
    except TooLargeError:
        part.discard()
        raise


def _open(file: RemoteFile, part: Part) -> Opened | None:
    offset, etag = part.resume_point()
    headers = {"Range": f"bytes={offset}-"} if offset else {}
    response = open_url(file.url, headers | ({"If-Range": etag} if etag else {}), connect=file.connect)
    try:
        if response.status == 416:
            _check_complete(file, response, part, offset)
            response.close()
            return None
        _check_status(response)
        start = _begin(response, part, offset, etag)
        return Opened(response, start, _total(file, response, start))
    except BaseException:
        response.close()
        raise


def _check_complete(file: RemoteFile, response: urllib3.BaseHTTPResponse, part: Part, offset: int) -> None:
    """After "range not satisfiable": fine if all bytes are there, else from the start at the next attempt."""
    if _content_range(response) != (None, offset) or file.size_bytes is not None:
        part.discard()
        raise Interrupted("the server has another file than the one begun")


def _check_status(response: urllib3.BaseHTTPResponse) -> None:
    if response.status in {200, 206}:
        return
    answer = f"the server answered {response.status} {response.reason or ''}".rstrip()
    if response.status in TRY_LATER:
        asked = response.headers.get("Retry-After", "")
        raise Interrupted(answer, wait_s=float(asked) if asked.isdecimal() else 0.0)
    raise RefusedError(response.status, answer)


def _begin(response: urllib3.BaseHTTPResponse, part: Part, offset: int, etag: str) -> int:
    """Where in the file the body begins; `part` is made ready for it."""
    found = response.headers.get("ETag", "")
    if response.status == 206:
        if offset and _content_range(response)[0] == offset and (not etag or found in {"", etag}):
            return offset
        part.discard()
        raise Interrupted("the server sent another part than the one asked for")
    if not (response.headers.get("Content-Length") or response.chunked):
        raise RefusedError(
            response.status, "the server doesn't say where the file ends, so a torn one couldn't be told"
        )  # fmt: skip
    part.start_over("" if found.startswith("W/") else found)
    return 0


def _total(file: RemoteFile, response: urllib3.BaseHTTPResponse, offset: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    total = _content_range(response)[1]
    if total is None and length.isdecimal():
        total = offset + int(length)
    if None not in (total, file.size_bytes) and total != file.size_bytes and (total or 0) <= file.max_bytes:
        raise Interrupted(f"the server has a file of {total} bytes, not of {file.size_bytes}")
    return total if total is not None else file.size_bytes


def _content_range(response: urllib3.BaseHTTPResponse) -> tuple[int | None, int | None]:
    """The first byte and the total that the server states, None for each that it doesn't."""
    if not (found := _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))):
        return None, None
    return int(found[1]) if found[1] else None, None if found[2] == "*" else int(found[2])


def _temporary(error: Exception) -> bool | float:
    if isinstance(error, Interrupted) and error.wait_s:
        return error.wait_s
    return isinstance(error, HTTPError | Interrupted)
