"""Changing boxes of an mp4 file (ISO/IEC 14496-12) whose media data comes before its index, so that offsets hold."""

from __future__ import annotations

import struct
from collections.abc import Callable

FOLDERS = frozenset((b"moov", b"trak", b"mdia", b"minf", b"stbl", b"dinf", b"moof", b"traf", b"mvex", b"edts"))


def box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, *numbers: int, flags: int = 0) -> bytes:
    """A box of version 0 that holds 32-bit numbers."""
    return box(kind, struct.pack(f">I{len(numbers)}I", flags, *numbers))


def changed_boxes(data: bytes, change: Callable[[bytes, bytes], bytes]) -> bytes:
    """Every box as `change(kind, body)` gives it, folders after what is in them."""
    out, at = b"", 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        body = data[at + 8 : at + size]
        out += box(kind, change(kind, changed_boxes(body, change) if kind in FOLDERS else body))
        at += size
    return out


def replaced(data: bytes, bodies: dict[bytes, bytes]) -> bytes:
    """Boxes of these kinds with other contents."""
    return changed_boxes(data, lambda kind, body: bodies.get(kind, body))
