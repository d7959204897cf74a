"""Videos made on the spot: four coloured quadrants, and the frame's number as eight black or white blocks across."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from numpy.typing import NDArray

QUADRANTS = {
    "top left": (200, 40, 40),
    "top right": (40, 180, 40),
    "bottom left": (40, 60, 200),
    "bottom right": (200, 190, 40),
}
CODE_BITS = 8
SAMPLE_RATE = 48_000

Pictures = Callable[[int], NDArray[np.uint8]]


def quadrants(width: int, height: int) -> NDArray[np.uint8]:
    rgb = np.empty((height, width, 3), np.uint8)
    top, left = slice(0, height // 2), slice(0, width // 2)
    bottom, right = slice(height // 2, None), slice(width // 2, None)
    for colour, rows, columns in zip(
        QUADRANTS.values(), (top, top, bottom, bottom), (left, right, left, right), strict=True
    ):
        rgb[rows, columns] = colour
    return rgb


def numbered(width: int, height: int) -> Pictures:
    base, edges = quadrants(width, height), np.linspace(0, width, CODE_BITS + 1).astype(int)
    rows = slice(round(height * 0.4), round(height * 0.6))

    def picture(number: int) -> NDArray[np.uint8]:
        rgb = base.copy()
        for bit in range(CODE_BITS):
            rgb[rows, edges[bit] : edges[bit + 1]] = 235 if number >> bit & 1 else 20
        return rgb

    return picture


def number_in(rgb: NDArray[np.uint8]) -> int:
    """The frame's number, read back from its pixels."""
    height, width = rgb.shape[:2]
    centres = (np.arange(CODE_BITS) + 0.5) * width / CODE_BITS
    lit = rgb[height // 2, centres.astype(int)].mean(axis=1) > 128
    return int(np.sum(lit << np.arange(CODE_BITS)))


@dataclass(frozen=True)
class Tags:
    """Code points of ITU-T H.273 that a file is tagged with; the pixels are coded with its matrix and range."""

    matrix: int | None = None
    full_range: bool | None = None
    transfer: int | None = None
    primaries: int | None = None


class VideoFactory:
    """Writes videos into a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(
        self,
        name: str = "clip.mp4",
        *,
        codec: str = "libx264",
        frames: int = 30,
        size: tuple[int, int] = (128, 96),
        rate: Fraction = Fraction(30),
        pts: Sequence[int] | None = None,
        time_base: Fraction | None = None,
        pix_fmt: str = "yuv420p",
        options: dict[str, str] | None = None,
        pictures: Pictures | None = None,
        matrix: Sequence[int] | None = None,
        aspect: Fraction | None = None,
        tags: Tags = Tags(),
        fields: str | None = None,
        audio: str | None = None,
        audio_start_s: float = 0.0,
        video_start_s: float = 0.0,
        movflags: str = "faststart",
        container: dict[str, str] | None = None,
        output: Any = None,
    ) -> Path:
        """`fields`: tff or bff, to mark frames as two fields. `output`: a file object instead of the path."""
        path = self.folder / name
        container_options = {"movflags": movflags} if name.endswith((".mp4", ".mov")) else {}
        with (
            usual_scheduling(),
            av.open(
                output or str(path), "w", format=_format(name), options=container_options | (container or {})
            ) as target,
        ):
            stream: Any = target.add_stream(codec, rate=rate, options=_options(codec) if options is None else options)
            stream.width, stream.height = size
            stream.pix_fmt = pix_fmt
            context = stream.codec_context
            context.time_base = time_base or 1 / rate
            if aspect is not None:
                context.sample_aspect_ratio = aspect
            _tag(context, tags)
            if matrix is not None:
                stream.set_display_matrix(matrix)
            sound = target.add_stream(audio, rate=SAMPLE_RATE) if audio else None
            if sound is not None:
                sound.codec_context.layout = "mono"
            draw = pictures or numbered(*size)
            marked = _field_marker(fields, context) if fields else None
            shift = round(video_start_s / context.time_base)
            target.start_encoding()  # so that a video without frames is a file, too
            for number, at in enumerate(range(frames) if pts is None else pts):
                frame = _video_frame(draw(number), at + shift, context, tags)
                target.mux(stream.encode(marked(frame) if marked else frame))
            target.mux(stream.encode(None))
            if sound is not None:
                write_tone(target, sound, frames / float(rate), audio_start_s)
        return path


@contextmanager
def usual_scheduling() -> Iterator[None]:
    """Undo what SVT-AV1 does to the thread that calls it where root does: a real-time class above everything else."""
    policy, parameters = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, policy, parameters)


def _format(name: str) -> str | None:
    """For endings libav knows no writer for, and for file objects."""
    return {".ogv": "ogg", ".mkv": "matroska", ".webm": "webm", ".ts": "mpegts"}.get(Path(name).suffix)


def _options(codec: str) -> dict[str, str]:
    return {
        "libx264": {"crf": "12", "preset": "ultrafast", "bf": "2", "g": "12", "x264-params": "b-adapt=0"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=2:keyint=12:crf=12:pools=1"},
        "libsvtav1": {"preset": "12", "crf": "10", "g": "12", "svtav1-params": "lp=1"},
        "libvpx-vp9": {"threads": "1", "crf": "10", "deadline": "realtime", "cpu-used": "8", "g": "12"},
        "libvpx": {"threads": "1", "crf": "10", "b": "2M", "auto-alt-ref": "1", "lag-in-frames": "10", "g": "12"},
        "mpeg4": {"qscale": "2", "g": "12"},
    }.get(codec, {})


def _tag(context: Any, tags: Tags) -> None:
    if tags.matrix is not None:
        context.colorspace = tags.matrix
    if tags.full_range is not None:
        context.color_range = 2 if tags.full_range else 1
    if tags.transfer is not None:
        context.color_trc = tags.transfer
    if tags.primaries is not None:
        context.color_primaries = tags.primaries


def _video_frame(rgb: NDArray[np.uint8], pts: int, context: Any, tags: Tags) -> av.VideoFrame:
    is_rgb = av.VideoFormat(context.pix_fmt).is_rgb or context.pix_fmt == "pal8"
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format=context.pix_fmt,
        dst_colorspace=None if is_rgb else 5 if tags.matrix is None else tags.matrix,
        src_color_range=2,
        dst_color_range=2 if is_rgb or tags.full_range else 1,
    )
    frame.pts, frame.time_base = pts, context.time_base
    return frame


def _field_marker(fields: str, context: Any) -> Callable[[av.VideoFrame], av.VideoFrame]:
    graph = av.filter.Graph()
    source = graph.add_buffer(
        width=context.width, height=context.height, format=context.pix_fmt, time_base=context.time_base
    )
    marker, sink = graph.add("setfield", f"mode={fields}"), graph.add("buffersink")
    source.link_to(marker)
    marker.link_to(sink)
    graph.configure()

    def mark(frame: av.VideoFrame) -> av.VideoFrame:
        graph.vpush(frame)
        marked: Any = graph.vpull()
        return marked

    return mark


def write_tone(target: Any, stream: Any, duration_s: float, start_s: float) -> None:
    resampler = av.AudioResampler(
        format=stream.format.name, layout="mono", rate=SAMPLE_RATE, frame_size=stream.codec_context.frame_size or 1024
    )
    time = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    tone = (np.sin(2 * np.pi * 440 * time) * 12_000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(tone[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts = SAMPLE_RATE, round(start_s * SAMPLE_RATE)
    frame.time_base = Fraction(1, SAMPLE_RATE)
    for part in (*resampler.resample(frame), *resampler.resample(None), None):
        target.mux(stream.encode(part))
