"""Small files that claim to be enormous."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av

from tests.integration.hostile.boxes import box, changed_boxes, replaced
from tests.integration.video.factory import VideoFactory

MANY = 50_000_000
BEFORE = "write_colr"
"""An mp4 flag that keeps the media data before the index."""

GIF: dict[str, Any] = {"codec": "gif", "pix_fmt": "rgb8"}
MJPEG: dict[str, Any] = {"codec": "mjpeg", "pix_fmt": "yuvj420p"}
RAW: dict[str, Any] = {"codec": "rawvideo", "pix_fmt": "bgr24"}

Bomb = Callable[[VideoFactory], bytes]


def _table(*numbers: int) -> bytes:
    return struct.pack(f">I{len(numbers)}I", 0, *numbers)


def claimed_frames(make: VideoFactory, count: int = MANY) -> bytes:
    """An mp4 whose index says so in a few numbers."""
    tables = {
        b"stsz": _table(1, count), b"stts": _table(1, count, 1), b"stsc": _table(1, 1, count, 1),
        b"ctts": _table(0), b"stss": _table(0),
    }  # fmt: skip
    return replaced(make("clip.mp4", movflags=BEFORE).read_bytes(), tables)


def _hidden_index(make: VideoFactory) -> bytes:
    """The same, its tables in a box that isn't theirs."""

    def hide(kind: bytes, body: bytes) -> bytes:
        at = body.find(b"stbl") - 4
        return body[:at] + box(b"udta", body[at:]) if kind == b"minf" else body

    return changed_boxes(claimed_frames(make), hide)


def samples_of_sound(make: VideoFactory) -> bytes:
    """Uncompressed sound in one chunk of a billion samples."""
    plain = make("clip.mov", audio="pcm_s16le", movflags=BEFORE).read_bytes()
    return replaced(plain, {b"stsc": _table(1, 1, 0x7FFFFFFF, 1)})


def _fragment(make: VideoFactory) -> bytes:
    pieces = make("clip.mp4", movflags="frag_keyframe+empty_moov").read_bytes()
    return replaced(pieces, {b"trun": struct.pack(">II", 0, MANY)})


def packed_index(plain: bytes) -> bytes:
    """QuickTime's compressed index, of a file whose media data comes first."""
    at = plain.index(b"moov") - 4
    index = plain[at:]
    packed = box(b"cmvd", struct.pack(">I", len(index)) + zlib.compress(index, 9))
    return plain[:at] + box(b"moov", box(b"cmov", box(b"dcom", b"zlib") + packed))


def _picture(width: int, height: int) -> bytes:
    """A black PNG."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    packer, row = zlib.compressobj(9), bytes(1 + 3 * width)
    data = b"".join(packer.compress(row) for _ in range(height)) + packer.flush()
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def picture_bomb(make: VideoFactory) -> bytes:
    """Small pictures, and one among them that unpacks to 400 MB."""
    path = make.folder / "bomb.mov"
    with (
        av.open(str(make("small.mov", codec="png", pix_fmt="rgb24", frames=4))) as given,
        av.open(str(path), "w") as to,
    ):
        stream = to.add_stream_from_template(given.streams.video[0])
        for number, packet in enumerate(p for p in given.demux(video=0) if p.size):
            changed = av.Packet(_picture(12_000, 12_000)) if number == 2 else packet
            changed.pts, changed.dts, changed.time_base = packet.pts, packet.dts, packet.time_base
            changed.is_keyframe, changed.stream = True, stream
            to.mux(changed)
    return path.read_bytes()


def _patched(path: Path, marker: bytes, skip: int, size: bytes) -> bytes:
    """Width and height overwritten, after every marker."""
    return re.sub(re.escape(marker) + b".{%d}.{%d}" % (skip, len(size)),
                  lambda found: found[0][: len(marker) + skip] + size, path.read_bytes(), flags=re.DOTALL)  # fmt: skip


BOMBS: dict[str, tuple[Bomb, str]] = {
    "frames in mp4": (claimed_frames, "no frames"),
    "frames in mp4, within udta": (_hidden_index, "no frames"),
    "frames in fragments": (_fragment, "more than 512 MB of memory"),
    "frames in a compressed index": (lambda make: packed_index(claimed_frames(make)), "no frames"),
    "a compressed index of gigabytes": (
        lambda make: box(b"moov", box(b"cmvd", bytes(4) + zlib.compress(bytes(300 << 20), 9))), "no video stream",
    ),
    "boxes": (lambda _: box(b"udta", b"") * 2_100_000, "not a readable video"),
    "y4m": (lambda _: b"YUV4MPEG2 W30000 H30000 F25:1\nFRAME\n" + bytes(100), "not a readable video"),
    "gif": (lambda make: _patched(make("a.gif", **GIF), b"GIF89a", 0, b"\xff" * 4), "decoded"),
    "mjpeg": (lambda make: _patched(make("a.avi", **MJPEG), b"\xff\xc0\x00\x11\x08", 0, b"\xff" * 4), "decoded"),
    "raw avi": (
        lambda make: _patched(make("a.avi", **RAW), b"strf", 8, struct.pack("<ii", 1 << 17, 1 << 17)), "decoded",
    ),
    "vp8": (
        lambda make: _patched(make("a.webm", codec="libvpx"), b"\x9d\x01\x2a", 0, struct.pack("<HH", 16383, 16383)),
        "decoded",
    ),
}  # fmt: skip
"""Makers, and what is said."""
