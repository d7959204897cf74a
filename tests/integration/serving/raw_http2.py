"""HTTP/2 by hand (RFC 9113, 7541), for what no proper client sends."""

from __future__ import annotations

import socket
import ssl
import struct
import time
from collections.abc import Callable, Iterator
from typing import Self

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
_END_STREAM, _ACK, _END_HEADERS, _CANCEL = 1, 1, 4, 8
_FRAME_BYTES = 16_384


class RawConnection:
    """One connection, whose streams the caller numbers: 1, 3, 5 and so on. tls: for `localhost`."""

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.ended = set[int]()
        self.greeted = self.said_goodbye = self.closed = False
        self._received = b""
        self._scheme = "https" if tls else "http"
        plain = socket.create_connection(("127.0.0.1", port))
        self._socket = tls.wrap_socket(plain, server_hostname="localhost") if tls else plain
        self._socket.settimeout(0.2)
        self._send(_PREFACE + _frame(SETTINGS, 0, 0, b""))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def begin(self, stream: int, path: str, *, token: str | None = None) -> None:
        """A request's headers."""
        fields = [(":method", "POST"), (":scheme", self._scheme), (":path", path), (":authority", "localhost"),
                  ("content-type", "application/grpc"), ("te", "trailers")]  # fmt: skip
        if token is not None:
            fields.append(("authorization", f"Bearer {token}"))
        self._send(_frame(HEADERS, _END_HEADERS, stream, b"".join(_literal(*field) for field in fields)))

    def message(self, stream: int, announced: int, content: bytes) -> None:
        """A message's length, and as much of the message as one likes; the request isn't ended."""
        rest = b"\0" + struct.pack(">I", announced) + content
        for begin in range(0, len(rest), _FRAME_BYTES):
            self._send(_frame(DATA, 0, stream, rest[begin : begin + _FRAME_BYTES]))

    def end(self, stream: int) -> None:
        """Nothing more comes on that stream."""
        self._send(_frame(DATA, _END_STREAM, stream, b""))

    def reset(self, stream: int) -> None:
        """Take a request back."""
        self._send(_frame(RST_STREAM, 0, stream, struct.pack(">I", _CANCEL)))

    def read(self, until: Callable[[], bool], *, within_s: float) -> bool:
        """Take in what comes until that is so; whether it came to be."""
        end_s = time.monotonic() + within_s
        while not until():
            if self.closed or time.monotonic() > end_s:
                return until()
            self._take()
        return True

    def _take(self) -> None:
        try:
            came = self._socket.recv(1 << 16)
        except TimeoutError:
            return
        except OSError:
            came = b""
        self.closed = not came
        self._received += came
        for kind, flags, stream, content in self._frames():
            self._note(kind, flags, stream, content)

    def _note(self, kind: int, flags: int, stream: int, content: bytes) -> None:
        if kind == RST_STREAM or (kind in (HEADERS, DATA) and flags & _END_STREAM):
            self.ended.add(stream)
        elif kind in (SETTINGS, PING) and not flags & _ACK:
            self._send(_frame(kind, _ACK, 0, content if kind == PING else b""))
            self.greeted |= kind == SETTINGS
        self.said_goodbye |= kind == GOAWAY

    def _frames(self) -> Iterator[tuple[int, int, int, bytes]]:
        while len(self._received) >= 9:
            length = int.from_bytes(self._received[:3])
            if len(self._received) < 9 + length:
                return
            kind, flags, stream = struct.unpack(">BBI", self._received[3:9])
            content, self._received = self._received[9 : 9 + length], self._received[9 + length :]
            yield kind, flags, stream, content

    def _send(self, frames: bytes) -> None:
        """A server that takes no more, for a while, is read from meanwhile."""
        rest, end_s = memoryview(frames), time.monotonic() + 10
        while rest and not self.closed and time.monotonic() < end_s:
            try:
                rest = rest[self._socket.send(rest) :]
            except TimeoutError:
                self._take()
            except OSError:
                self.closed = True


def _frame(kind: int, flags: int, stream: int, content: bytes) -> bytes:
    return len(content).to_bytes(3) + struct.pack(">BBI", kind, flags, stream) + content


def _literal(name: str, value: str) -> bytes:
    """A header field that is not to be indexed, without Huffman's code."""
    return b"\0" + _string(name) + _string(value)


def _string(text: str) -> bytes:
    length, coded = len(text), b""
    if length < 127:
        return bytes([length]) + text.encode()
    length -= 127
    coded = b"\x7f"
    while length >= 128:
        coded += bytes([length % 128 + 128])
        length //= 128
    return coded + bytes([length]) + text.encode()
