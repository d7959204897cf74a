"""Makers of unusual videos: each writes one file with a given factory."""

from __future__ import annotations

import io
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, BinaryIO

import av
import numpy as np
from av.stream import Disposition

from tests.integration.video.factory import Pictures, VideoFactory, numbered
from tests.integration.video.field_coded import field_coded

Maker = Callable[[VideoFactory], Path]
PLAIN = {"bf": "0", "crf": "10", "g": "10", "preset": "ultrafast"}
"""x264 without reordering, a key frame every ten frames."""


def made(name: str = "clip.mp4", **options: Any) -> Maker:
    """Written as it is by the factory."""
    return lambda make: make(name, **options)


def concatenated(*sources: Maker, name: str) -> Maker:
    """Files one after another, as `cat` does it."""

    def maker(make: VideoFactory) -> Path:
        data = b"".join(source(make).read_bytes() for source in sources)
        path = make.folder / name
        path.write_bytes(data)
        return path

    return maker


def remuxed(source: Maker, name: str, change: Callable[[int, Any], bool | None], **container: str) -> Maker:
    """Video packets copied with their timestamps changed; those for which `change` says False are left out."""

    def maker(make: VideoFactory) -> Path:
        path = make.folder / name
        with av.open(str(source(make))) as given, av.open(str(path), "w", options=container) as target:
            out = target.add_stream_from_template(given.streams.video[0])
            for number, packet in enumerate(p for p in given.demux(video=0) if p.size):
                if change(number, packet) is not False:
                    packet.stream = out
                    target.mux(packet)
        return path

    return maker


def tracks(name: str, *sources: Maker, main: int | None = None, cover: bool = False) -> Maker:
    """Several video tracks in one file; `main` has the default flag; `cover`: a picture comes first."""

    def maker(make: VideoFactory) -> Path:
        path = make.folder / name
        opened = [av.open(str(source(make))) for source in sources]
        with av.open(str(path), "w") as target:
            picture = _cover(target) if cover else None
            outs: list[Any] = [target.add_stream_from_template(c.streams.video[0]) for c in opened]
            for number, out in enumerate(outs):
                out.disposition = Disposition.default if number == main else Disposition(0)
            if picture is not None:
                target.mux(picture.encode(av.VideoFrame(640, 480, "yuvj420p")))
                target.mux(picture.encode(None))
            for given, out in zip(opened, outs, strict=True):
                for packet in given.demux(video=0):
                    if packet.size:
                        packet.stream = out
                        target.mux(packet)
        for given in opened:
            given.close()
        return path

    return maker


def _cover(target: Any) -> Any:
    cover = target.add_stream("mjpeg", rate=1)
    cover.width, cover.height, cover.pix_fmt = 640, 480, "yuvj420p"
    cover.disposition = Disposition.attached_pic
    return cover


def with_data(source: Maker, name: str) -> Maker:
    """A track of telemetry beside the video."""

    def maker(make: VideoFactory) -> Path:
        path = make.folder / name
        with av.open(str(source(make))) as given, av.open(str(path), "w") as target:
            data, out = target.add_data_stream("klv"), target.add_stream_from_template(given.streams.video[0])
            for number, packet in enumerate(p for p in given.demux(video=0) if p.size):
                packet.stream = out
                target.mux(packet)
                target.mux(_packet(b"position", 2 * number, data, is_keyframe=True))
        return path

    return maker


def live(name: str, **options: Any) -> Maker:
    """Written to a pipe: no length, no index."""

    class Pipe:
        def __init__(self, file: BinaryIO) -> None:
            self.write = file.write

    def maker(make: VideoFactory) -> Path:
        with (make.folder / name).open("wb") as file:
            return make(name, output=Pipe(file), **options)

    return maker


def stored_as_fields(name: str, *, packets_per_frame: int) -> Maker:
    """H.264 in which each field is a picture of its own; in one packet a frame, or in one a field."""

    def maker(make: VideoFactory) -> Path:
        pictures = field_coded(numbered(128, 96), 30)
        raw = io.BytesIO(b"".join(top + bottom for top, bottom in pictures))
        path = make.folder / name
        with av.open(raw, format="h264") as given, av.open(str(path), "w") as target:
            out = target.add_stream_from_template(given.streams.video[0])
            for number, fields in enumerate(pictures):
                stored = fields if packets_per_frame == 2 else (b"".join(fields),)
                for place, data in enumerate(stored):
                    target.mux(_packet(data, 2 * number + place, out, is_keyframe=place == 0))
        return path

    return maker


def _packet(data: bytes, at: int, stream: Any, *, is_keyframe: bool) -> av.Packet:
    packet: Any = av.Packet(data)
    packet.time_base, packet.pts, packet.dts = Fraction(1, 60), at, at
    packet.is_keyframe, packet.stream = is_keyframe, stream
    return packet


def display_matrix(clockwise_deg: int, *, mirrored: bool) -> list[int]:
    """ISO/IEC 14496-12, 8.3.2: a point (p, q) goes to (a p + c q, b p + d q), in 16.16 fixed point."""
    one = 1 << 16
    cosine, sine = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}[clockwise_deg]
    flip = -1 if mirrored else 1
    return [flip * cosine * one, flip * sine * one, 0, -sine * one, cosine * one, 0, 0, 0, 1 << 30]


def turned(clockwise_deg: int, *, mirrored: bool = False) -> Maker:
    """A phone held sideways: the pixels lie, a matrix in the file says how to put them upright."""
    size = (96, 128) if clockwise_deg in (90, 270) else (128, 96)
    draw = numbered(*size)

    def coded(number: int) -> Any:
        lying = np.rot90(draw(number), clockwise_deg // 90)
        return np.ascontiguousarray(lying[:, ::-1] if mirrored else lying)

    return made("turned.mov", pictures=coded, matrix=display_matrix(clockwise_deg, mirrored=mirrored))


def letterboxed(width: int, height: int, bar: int) -> Pictures:
    """Black bars above and below."""
    draw = numbered(width, height - 2 * bar)

    def picture(number: int) -> Any:
        return np.pad(draw(number), ((bar, bar), (0, 0), (0, 0)))

    return picture


def steps(*milliseconds: int) -> dict[str, Any]:
    """Options of the factory for frames that last so long each."""
    return {"pts": np.cumsum([0, *milliseconds]).tolist(), "time_base": Fraction(1, 1000)}
