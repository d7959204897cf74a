"""What a reading process and its parent say to each other: a letter, a length, and so many bytes, on a socket."""

from __future__ import annotations

import socket
import struct
from enum import Enum

_HEAD = struct.Struct(">cQ")
_MOST_BYTES = 1 << 32
READ = struct.Struct(">QQ")
"""Offset and length of what is wanted."""
FRAME = struct.Struct(">QQ")
"""Where in the shared memory a picture is, and which of the plan it is."""


class Say(Enum):
    """Kinds of messages. TASK, PAYLOAD, BYTES, ANSWER and FREED go to the child, the others come from it."""

    TASK = b"T"
    PAYLOAD = b"P"
    BYTES = b"B"
    ANSWER = b"A"
    FREED = b"F"
    READ = b"r"
    ASK = b"q"
    ALIVE = b"a"
    FRAME = b"f"
    LOG = b"l"
    REFUSED = b"e"
    FAILED = b"x"
    DONE = b"d"


def send(to: socket.socket, kind: Say, body: bytes = b"") -> None:
    """Send one message, however long it takes."""
    to.sendall(_HEAD.pack(kind.value, len(body)) + body)


def receive(source: socket.socket) -> tuple[Say, bytes]:
    """Wait for one message. Raises EOFError where the other side has ended."""
    kind, length = _HEAD.unpack(_exactly(source, _HEAD.size))
    if length > _MOST_BYTES:
        raise EOFError("a message that is too long")
    return Say(kind), _exactly(source, length)


def _exactly(source: socket.socket, length: int) -> bytes:
    data = bytearray(length)
    view, done = memoryview(data), 0
    while done < length:
        try:
            count = source.recv_into(view[done:])
        except ConnectionError as error:
            raise EOFError("the other side has ended") from error
        if count == 0:
            raise EOFError("the other side has ended")
        done += count
    return bytes(data)
