"""A file over HTTPS into its `.part` file: goes on where it stopped, tries again, never takes more than its bound.

Range requests as RFC 9110, section 14: `If-Range` with a strong ETag makes the server send everything anew if the file
changed meanwhile. Where there is no strong ETag, nothing is resumed.
"""

from __future__ import annotations

import re
import time

import urllib3
from urllib3.exceptions import HTTPError

from liftline.errors import ModelError
from liftline.models.catalogue import Address
from liftline.models.fetching.part import Part
from liftline.models.fetching.progress import OnBytes
from liftline.net.https import Interrupted, open_url, reason

ATTEMPTS = 5
MAX_WAIT_S = 30.0
_PIECE_BYTES = 1 << 16
_TRY_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_CONTENT_RANGE = re.compile(r"bytes (?:(\d+)-\d+|\*)/(\d+|\*)")


def transfer(source: Address, part: Part, *, on_bytes: OnBytes, backoff_s: float = 0.5) -> None:
    """Complete `part` with what lies at the address; whether that's the right file is not known here.

    `backoff_s` is the pause before the second attempt; it doubles with each.

    Raises:
        Interrupted: still no connection after the last attempt; `part` keeps what came.
        ModelError: an answer that more attempts won't better, or a file that is too large.
        OutputError: the disk refused it.
    """
    for attempt in range(ATTEMPTS):
        try:
            return _attempt(source, part, on_bytes)
        except Interrupted as problem:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(min(max(problem.wait_s, backoff_s * 2**attempt), MAX_WAIT_S))
    return None


def _attempt(source: Address, part: Part, on_bytes: OnBytes) -> None:
    offset, etag = part.resume_point()
    response = open_url(source.url, {"Range": f"bytes={offset}-", "If-Range": etag} if offset else {})
    try:
        if response.status == 416:
            return _already_complete(response, part, offset)
        _check_status(source, response)
        offset = _begin(source, response, part, offset, etag)
        total = _total(source, response, offset)
        _receive(source, response, part, offset, total, on_bytes)
    except HTTPError as error:
        raise Interrupted(reason(error)) from error
    finally:
        response.close()


def _already_complete(response: urllib3.BaseHTTPResponse, part: Part, offset: int) -> None:
    """After "range not satisfiable": fine if all bytes are there, else from the start at the next attempt."""
    if _content_range(response) != (None, offset):
        part.discard()
        raise Interrupted("the server has another file than the one begun")


def _check_status(source: Address, response: urllib3.BaseHTTPResponse) -> None:
    if response.status in {200, 206}:
        return
    answer = f"the server answered {response.status} {response.reason or ''}".rstrip()
    if response.status in _TRY_LATER:
        asked = response.headers.get("Retry-After", "")
        raise Interrupted(answer, wait_s=float(asked) if asked.isdecimal() else 0.0)
    raise ModelError(f"{source.url}: {answer}")


def _begin(source: Address, response: urllib3.BaseHTTPResponse, part: Part, offset: int, etag: str) -> int:
    """Where in the file the body begins; `part` is made ready for it."""
    found = response.headers.get("ETag", "")
    if response.status == 206:
        if offset and _content_range(response)[0] == offset and found in {"", etag}:
            return offset
        part.discard()
        raise Interrupted("the server sent another part than the one asked for")
    if not (response.headers.get("Content-Length") or response.chunked):
        raise ModelError(f"{source.url}: the server doesn't say where the file ends, so a torn one couldn't be told")
    part.start_over("" if found.startswith("W/") else found)
    return 0


def _total(source: Address, response: urllib3.BaseHTTPResponse, offset: int) -> int | None:
    length = response.headers.get("Content-Length", "")
    total = _content_range(response)[1]
    if total is None and length.isdecimal():
        total = offset + int(length)
    if total is not None and total > source.max_bytes:
        raise _too_large(source, f"{total / 1e6:.0f} MB")
    return total


def _receive(
    source: Address, response: urllib3.BaseHTTPResponse, part: Part, done: int, total: int | None, on_bytes: OnBytes
) -> None:
    on_bytes(done, total)
    with part.appending() as write:
        for piece in response.stream(_PIECE_BYTES, decode_content=False):
            done += len(piece)
            if done > source.max_bytes:
                break
            write(piece)
            on_bytes(done, total)
    if done > source.max_bytes:
        part.discard()
        raise _too_large(source, "more")
    if total is not None and done != total:
        raise Interrupted("the connection broke off")


def _content_range(response: urllib3.BaseHTTPResponse) -> tuple[int | None, int | None]:
    """The first byte and the total that the server states, None for each that it doesn't."""
    if not (found := _CONTENT_RANGE.fullmatch(response.headers.get("Content-Range", ""))):
        return None, None
    return int(found[1]) if found[1] else None, None if found[2] == "*" else int(found[2])


def _too_large(source: Address, what: str) -> ModelError:
    return ModelError(
        f"{source.url}: the server sends {what} where at most {source.max_bytes / 1e6:.0f} MB are expected; "
        "that can't be the model file, so it wasn't kept"
    )
