"""Peers whose requests are refused, or taken back at once, again and again lose their connection.

gRPC has no such limit: of 40,000 requests that are begun and reset each is handled, without a word (CVE-2023-44487). It
doesn't close single connections either, so the socket is shut down, which to gRPC looks as if the peer had left.
"""

from __future__ import annotations

import os
import socket
import stat
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import grpc
import structlog

from liftline.service.grpc.interceptors import Around, Context, Handler, code_of

log = structlog.get_logger(__name__)

FORGIVEN_PER_S = 20.0
"""So many are forgotten again each second: a client that is wrong now and then goes on."""
_AT_ONCE_S = 1.0
_REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.CANCELLED)
_MANY_PEERS = 1024
Address = tuple[IPv4Address | IPv6Address, int]


class CuttingOff(Around):
    """Counts, by connection, what was refused and what was taken back."""

    def __init__(self, *, most: int, clock_s: Callable[[], float] = time.monotonic) -> None:
        """More than `most` at a time cost a connection; 0: any number goes."""
        self._most, self._clock_s = most, clock_s
        self._counts: dict[str, tuple[float, float]] = {}
        self.port = 0

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """What isn't there is refused here, so that it counts."""
        handler = await super().intercept_service(continuation, handler_call_details)
        return handler or self._wrapped(_NOT_THERE, handler_call_details.method)

    @asynccontextmanager
    async def around(self, _: str, context: Context) -> AsyncIterator[None]:
        """Look how it ended."""
        begin_s, peer, taken_back = self._clock_s(), context.peer(), True
        try:
            yield
            taken_back = False
        except grpc.aio.AbortError:
            taken_back = False
            raise
        finally:
            if code_of(context) in _REFUSED or (taken_back and self._clock_s() - begin_s < _AT_ONCE_S):
                self._count(peer)

    def _count(self, peer: str) -> None:
        now_s = self._clock_s()
        count = self._left(*self._counts.get(peer, (0.0, now_s)), now_s=now_s) + 1
        self._counts[peer] = count, now_s
        if 0 < self._most < count:
            del self._counts[peer]
            log.warning("peer_cut_off", peer=peer, there=shut_down(peer, own_port=self.port))
        if len(self._counts) > _MANY_PEERS:
            self._counts = {
                one: counted for one, counted in self._counts.items() if self._left(*counted, now_s=now_s) > 0
            }

    def _left(self, count: float, counted_s: float, *, now_s: float) -> float:
        return max(0.0, count - (now_s - counted_s) * FORGIVEN_PER_S)


def shut_down(peer: str, *, own_port: int) -> bool:
    """End the connection from a peer, as gRPC writes it (`ipv4:10.0.0.7:40312`), to a port of this process.

    Whether it was there.
    """
    address = _address(peer)
    found = False
    for entry in Path("/dev/fd").iterdir() if address is not None else ():
        with suppress(OSError):  # not a connection, or closed meanwhile
            found |= _shut_down(int(entry.name), address, own_port)
    return found


def _shut_down(number: int, peer: Address | None, own_port: int) -> bool:
    if not stat.S_ISSOCK(os.fstat(number).st_mode):
        return False
    borrowed = socket.socket(fileno=number)
    try:
        if _endpoint(borrowed.getpeername()) != peer or _endpoint(borrowed.getsockname())[1] != own_port:
            return False
        borrowed.shutdown(socket.SHUT_RDWR)
        return True
    finally:
        borrowed.detach()  # it stays gRPC's, which closes it


def _endpoint(name: Any) -> Address | tuple[None, int]:
    """The address and port of a socket, of IPv4 and IPv6 alike."""
    if not isinstance(name, tuple):
        return None, 0
    return _plain(name[0]), int(name[1])


def _address(peer: str) -> Address | None:
    kind, _, rest = unquote(peer).partition(":")
    host, _, port = rest.rpartition(":")
    if kind in ("ipv4", "ipv6") and port.isdecimal():
        with suppress(ValueError):
            return _plain(host.strip("[]")), int(port)
    return None


def _plain(host: str) -> IPv4Address | IPv6Address:
    address = ip_address(host.partition("%")[0])
    return getattr(address, "ipv4_mapped", None) or address


async def _refuse(_: object, context: Context) -> None:
    await context.abort(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")


_NOT_THERE: Handler = grpc.stream_stream_rpc_method_handler(_refuse)
