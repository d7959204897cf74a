"""A POST over HTTP/1.1 of whose answer the status alone is read. Whoever calls sets the deadline for all of it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from urllib3.util import Url

from liftline.errors import UnavailableError

_LINE_BYTES, _MOST_ANSWERS = 16 << 10, 16
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3})(?: |\r?\n)")


async def post(
    url: Url, body: bytes, headers: Mapping[str, str], *, tls: ssl.SSLContext, resolver: ThreadPoolExecutor
) -> int:
    """The status. `resolver`: where names are looked up. Raises UnavailableError where there is no answer in HTTP."""
    try:
        reader, writer = await _connected(url, tls, resolver)
        try:
            writer.write(_request(url, body, headers))
            return await _status(reader)
        finally:
            writer.transport.abort()  # nothing that is still to come is of interest
    except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
        raise UnavailableError(f"{url.netloc} can't be reached: {error}") from error


async def _connected(
    url: Url, tls: ssl.SSLContext, resolver: ThreadPoolExecutor
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """To the first of the host's addresses that takes connections. Raises OSError."""
    host, secure = (url.host or "").strip("[]"), url.scheme == "https"
    port = url.port or (443 if secure else 80)
    found = await asyncio.get_running_loop().run_in_executor(
        resolver, lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    refusal = OSError("the name has no address")
    protection: dict[str, Any] = {"ssl": tls, "server_hostname": host} if secure else {}
    for *_, address in found:
        try:
            return await asyncio.open_connection(str(address[0]), port, limit=_LINE_BYTES, **protection)
        except OSError as error:
            refusal = error
    raise refusal


def _request(url: Url, body: bytes, headers: Mapping[str, str]) -> bytes:
    fields = {"host": url.netloc, "content-length": str(len(body)), "connection": "close", **headers}
    head = f"POST {url.request_uri} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"{head}\r\n".encode("ascii") + body


async def _status(reader: asyncio.StreamReader) -> int:
    """That of the first answer that isn't an interim one. Raises OSError, EOFError, ValueError, LimitOverrunError."""
    for _ in range(_MOST_ANSWERS):
        line = await reader.readuntil(b"\n")
        if (match := _STATUS_LINE.match(line)) is None:
            raise ValueError("its answer isn't HTTP")
        status = int(match[1])
        if status >= 200:
            return status
        while (await reader.readuntil(b"\n")).strip():
            pass
    raise ValueError("it gives interim answers alone")
