"""Makers of files that are damaged, or no videos at all."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tests.integration.video.factory import SAMPLE_RATE, VideoFactory, numbered, write_tone
from tests.integration.video.odd_videos import Maker


def written(name: str, content: bytes | Callable[[], bytes]) -> Maker:
    """Any bytes."""

    def maker(make: VideoFactory) -> Path:
        path = make.folder / name
        path.write_bytes(content if isinstance(content, bytes) else content())
        return path

    return maker


def changed(source: Maker, change: Callable[[bytearray], bytes | bytearray], *, name: str | None = None) -> Maker:
    """A file whose bytes were changed afterwards."""

    def maker(make: VideoFactory) -> Path:
        original = source(make)
        path = make.folder / (name or original.name)
        path.write_bytes(change(bytearray(original.read_bytes())))
        return path

    return maker


def cut(share: float) -> Callable[[bytearray], bytearray]:
    return lambda data: data[: round(len(data) * share)]


def without_start(share: float, packet: int = 188) -> Callable[[bytearray], bytearray]:
    """As a broadcast that was switched on in the middle."""
    return lambda data: data[round(len(data) * share) // packet * packet :]


def overwritten(start: float, stop: float, value: int | None = None) -> Callable[[bytearray], bytearray]:
    """A stretch (shares of the file) filled with one value, or with noise."""

    def change(data: bytearray) -> bytearray:
        first, last = round(len(data) * start), round(len(data) * stop)
        noise = np.random.default_rng(0).bytes(last - first)
        data[first:last] = noise if value is None else bytes([value]) * (last - first)
        return data

    return change


def spoilt_after(marker: bytes, skip: int) -> Callable[[bytearray], bytearray]:
    """Everything from `skip` bytes after a marker on is 0xFF."""

    def change(data: bytearray) -> bytearray:
        at = data.index(marker) + skip
        data[at:] = b"\xff" * (len(data) - at)
        return data

    return change


def swapped(old: bytes, new: bytes) -> Callable[[bytearray], bytearray]:
    return lambda data: data.replace(old, new)


def no_pictures(name: str, codec: str) -> Maker:
    """Sound or subtitles alone."""

    def maker(make: VideoFactory) -> Path:
        path = make.folder / name
        with av.open(str(path), "w") as target:
            if codec == "subtitles":
                _subtitles(target)
            else:
                stream: Any = target.add_stream(codec, rate=SAMPLE_RATE)
                stream.codec_context.layout = "mono"
                write_tone(target, stream, 1.0, 0.0)
        return path

    return maker


def _subtitles(target: Any) -> None:
    text = io.BytesIO(b"1\n00:00:00,000 --> 00:00:01,000\nHello\n\n")
    with av.open(text, format="srt") as given:
        stream = target.add_stream_from_template(given.streams[0])
        for packet in given.demux():
            if packet.size:
                packet.stream = stream
                target.mux(packet)


def picture(codec: str, pix_fmt: str, frames: int = 1) -> Callable[[], bytes]:
    """A picture file."""

    def content() -> bytes:
        context: Any = av.CodecContext.create(codec, "w")
        context.width = context.height = 64
        context.pix_fmt, context.time_base = pix_fmt, Fraction(1, 25)
        packets = []
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered(64, 64)(number), format="rgb24").reformat(format=pix_fmt)
            frame.pts = number
            packets += context.encode(frame)
        return b"".join(bytes(p) for p in (*packets, *context.encode(None)))

    return content


def zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("clip.mp4", b"\0\0\0\x18ftypisom" + bytes(5_000))
    return buffer.getvalue()
