"""What an mp4 or mov file claims to hold, asked before libav believes it: a billion frames are claimed in 32 bytes.

libav makes its index when it opens such a file, in memory, some 70 bytes for every sample claimed. So the boxes are
looked through first (ISO/IEC 14496-12; QuickTime File Format for compressed ones). No other container is known to
take a claim's word: MXF, AVI and Matroska were tried.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from liftline.errors import LimitExceededError
from liftline.video.opening import VideoLimits

_NEVER_REFUSED = 1 << 20
_MOST_BOXES, _DEEPEST = 2_000_000, 12
_MOST_UNPACKED = 64 << 20
_CLOSED = frozenset(
    b"mdat free skip uuid stts ctts stsc stsz stz2 stco co64 stss trun mfhd tfhd tfdt sidx tfra".split()
)
"""No box is in these, for libav either."""

_PCM_INDEX_STEP = 1024
"""libav joins so many samples of uncompressed sound into one, or half as many at least."""


def check_claims(file: BinaryIO, *, name: str, limits: VideoLimits) -> None:
    """Look through a file's boxes, if it has any; leaves it at its start.

    Raises LimitExceededError where it claims more samples, of all tracks, than a video within `limits` may have.
    """
    most = max(2 * limits.max_frames, _NEVER_REFUSED)
    walk = _Walk(name, most)
    walk.look_through(file, _length(file), depth=0)
    walk.end_track()
    file.seek(0)


@dataclass
class _Track:
    """What a track's boxes say. Boxes may come more than once; what is worst counts."""

    kinds: set[bytes] = field(default_factory=set)
    steps: set[bytes] = field(default_factory=set)
    samples: int = 0
    chunks: int = 0
    samples_per_chunk: int = 0

    @property
    def claimed(self) -> int:
        """Entries of libav's index."""
        is_pcm = b"soun" in self.kinds and b"vide" not in self.kinds and self.steps == {struct.pack(">I", 1)}
        if is_pcm:
            return self.chunks * (1 + self.samples_per_chunk // _PCM_INDEX_STEP)
        return self.samples


class _Walk:
    """Goes through boxes, whatever they are called: a box is looked into even where it can't hold others."""

    def __init__(self, name: str, most: int) -> None:
        self._name, self._most = name, most
        self._boxes, self._claimed, self._track = 0, 0, _Track()

    def look_through(self, file: BinaryIO, end: int, *, depth: int) -> None:
        """Boxes from where the file stands up to `end`."""
        for kind, start, stop in self._boxes_until(file, end):
            if kind == b"trak":
                self.end_track()
            file.seek(start)
            self._note(kind, file.read(min(16, stop - start)), file, start, stop)
            if kind not in _CLOSED and depth < _DEEPEST and stop - start >= 8:
                file.seek(start + (4 if kind == b"meta" else 0))
                self.look_through(file, stop, depth=depth + 1)
            file.seek(stop)

    def end_track(self) -> None:
        """Count what the track claims."""
        self._claim(self._track.claimed)
        self._track = _Track()

    def _boxes_until(self, file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
        """Kind and place of contents, as libav takes them: cut off where what is around them ends."""
        while (at := file.tell()) + 8 <= end:
            size, kind = struct.unpack(">I4s", file.read(8))
            start = at + 8
            if size == 1 and start + 8 <= end:
                size, start = struct.unpack(">Q", file.read(8))[0], start + 8
            stop = end if size == 0 else min(end, at + size)
            if stop < start:
                return
            self._boxes += 1
            if self._boxes > _MOST_BOXES:
                raise LimitExceededError(f"{self._name}: more than {_MOST_BOXES} parts; export or record it again.")
            yield kind, start, stop

    def _note(self, kind: bytes, head: bytes, file: BinaryIO, start: int, stop: int) -> None:
        track = self._track
        if kind in (b"stsz", b"stz2"):
            track.samples += _number(head, 8)
        elif kind == b"trun":
            self._claim(_number(head, 4))
        elif kind == b"hdlr":
            track.kinds.add(head[8:12])
        elif kind == b"stts":
            track.steps.add(head[12:16] if _number(head, 4) == 1 else b"")
        elif kind in (b"stco", b"co64"):
            track.chunks += _number(head, 4)
        elif kind == b"stsc":
            track.samples_per_chunk = max(track.samples_per_chunk, _most_per_chunk(file, start, stop))
        elif kind == b"cmvd":
            self._unpack(file, start, stop)

    def _unpack(self, file: BinaryIO, start: int, stop: int) -> None:
        """A compressed index, after the four bytes of its length."""
        file.seek(start + 4)
        unpacker = zlib.decompressobj()
        try:
            plain = unpacker.decompress(file.read(min(stop - start, _MOST_UNPACKED)), _MOST_UNPACKED)
        except zlib.error:
            return  # libav can't read it either
        if unpacker.unconsumed_tail:
            raise LimitExceededError(f"{self._name}: its compressed index is too large; export or record it again.")
        self.look_through(io.BytesIO(plain), len(plain), depth=0)

    def _claim(self, samples: int) -> None:
        self._claimed += samples
        if self._claimed > self._most:
            raise LimitExceededError(
                f"{self._name}: it claims to hold {self._claimed} pictures and sounds, the limit is {self._most}; "
                "cut it first, or export it again."
            )


def _length(file: BinaryIO) -> int:
    length = file.seek(0, io.SEEK_END)
    file.seek(0)
    return length


def _number(head: bytes, offset: int) -> int:
    return int.from_bytes(head[offset : offset + 4], "big") if len(head) >= offset + 4 else 0


def _most_per_chunk(file: BinaryIO, start: int, stop: int) -> int:
    """Of a table of (first chunk, samples per chunk, description)."""
    file.seek(start + 8)
    most = 0
    while (left := stop - file.tell()) >= 12 and (rows := file.read(min(left // 12 * 12, 12 << 10))):
        most = max(most, *(count for _, count, _ in struct.iter_unpack(">III", rows[: len(rows) // 12 * 12])), 0)
    return most
