"""Videos made on the spot: four coloured quadrants, and the frame's number as eight black or white blocks across."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.plan import Plan
from liftline.running import StopFlag
from liftline.video.frames import Frame
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames

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
        colorspace: int | None = None,
        color_range: int | None = None,
        audio: str | None = None,
        audio_start_s: float = 0.0,
        video_start_s: float = 0.0,
        movflags: str = "faststart",
    ) -> Path:
        path = self.folder / name
        container_options = {"movflags": movflags} if name.endswith((".mp4", ".mov")) else {}
        with av.open(str(path), "w", options=container_options) as target:
            stream: Any = target.add_stream(codec, rate=rate, options=options or _options(codec))
            stream.width, stream.height = size
            stream.pix_fmt = pix_fmt
            context = stream.codec_context
            context.time_base = time_base or 1 / rate
            if aspect is not None:
                context.sample_aspect_ratio = aspect
            if colorspace is not None:
                context.colorspace = colorspace
            if color_range is not None:
                context.color_range = color_range
            if matrix is not None:
                stream.set_display_matrix(matrix)
            sound = target.add_stream(audio, rate=SAMPLE_RATE) if audio else None
            if sound is not None:
                sound.codec_context.layout = "mono"
            draw = pictures or numbered(*size)
            times = pts or range(frames)
            shift = round(video_start_s / context.time_base)
            for number, at in enumerate(times):
                target.mux(stream.encode(_video_frame(draw(number), at + shift, context, colorspace, color_range)))
            target.mux(stream.encode(None))
            if sound is not None:
                _write_tone(target, sound, frames / float(rate), audio_start_s)
        return path


def _options(codec: str) -> dict[str, str]:
    return {
        "libx264": {"crf": "12", "preset": "ultrafast", "bf": "2", "g": "12", "x264-params": "b-adapt=0"},
        "libx265": {"preset": "ultrafast", "x265-params": "log-level=none:bframes=2:keyint=12:crf=12:pools=1"},
        "libvpx-vp9": {"crf": "10", "deadline": "realtime", "cpu-used": "8", "g": "12"},
        "libvpx": {"crf": "10", "b": "2M", "auto-alt-ref": "1", "lag-in-frames": "10", "g": "12"},
        "mpeg4": {"qscale": "2", "g": "12"},
    }.get(codec, {})


def _video_frame(
    rgb: NDArray[np.uint8], pts: int, context: Any, colorspace: int | None, color_range: int | None
) -> av.VideoFrame:
    frame = av.VideoFrame.from_ndarray(rgb, format="rgb24").reformat(
        format=context.pix_fmt,
        dst_colorspace=5 if colorspace is None else colorspace,
        src_color_range=2,
        dst_color_range=1 if color_range is None else color_range,
    )
    frame.pts, frame.time_base = pts, context.time_base
    return frame


def _write_tone(target: Any, stream: Any, duration_s: float, start_s: float) -> None:
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


@pytest.fixture
def stop() -> StopFlag:
    return StopFlag()


@pytest.fixture
def make_video(tmp_path: Path) -> VideoFactory:
    return VideoFactory(tmp_path)


@pytest.fixture
def plan_of(stop: StopFlag) -> Callable[..., Plan]:
    def plan(path: Path, **options: Any) -> Plan:
        return plan_video(local_opener(path), name=path.name, stop=stop, **options)

    return plan


@pytest.fixture
def read(stop: StopFlag) -> Callable[..., list[Frame]]:
    def frames(path: Path, plan: Plan, start: int = 0, stop_index: int | None = None, **options: Any) -> list[Frame]:
        last = plan.frame_count if stop_index is None else stop_index
        return list(read_frames(local_opener(path), plan, start=start, stop=last, stop_token=stop, **options))

    return frames


@pytest.fixture
def number_in() -> Callable[[NDArray[np.uint8]], int]:
    """Reads the frame's number back from its pixels."""

    def number(rgb: NDArray[np.uint8]) -> int:
        height, width = rgb.shape[:2]
        centres = (np.arange(CODE_BITS) + 0.5) * width / CODE_BITS
        lit = rgb[height // 2, centres.astype(int)].mean(axis=1) > 128
        return int(np.sum(lit << np.arange(CODE_BITS)))

    return number


@pytest.fixture
def assert_upright() -> Callable[[NDArray[np.uint8]], None]:
    """Every quadrant has its colour, within a few levels."""

    def check(rgb: NDArray[np.uint8], tolerance: int = 6) -> None:
        height, width = rgb.shape[:2]
        for (name, colour), (y, x) in zip(QUADRANTS.items(), ((1, 1), (1, 5), (5, 1), (5, 5)), strict=True):
            found = rgb[y * height // 6, x * width // 6].astype(int)
            assert np.abs(found - colour).max() <= tolerance, f"{name}: expected {colour}, found {found.tolist()}"

    return check


@pytest.fixture
def packet_times() -> Callable[[Path], list[Fraction]]:
    """Presentation times of the video packets in seconds, straight from libav, sorted."""

    def times(path: Path) -> list[Fraction]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            found = [p.pts * p.time_base for p in container.demux(stream) if p.size and p.pts is not None]
        return sorted(found)

    return times


@pytest.fixture
def remux(tmp_path: Path) -> Callable[..., Path]:
    """Copies the video packets of a file into another, with their timestamps changed."""

    def copy(source: Path, name: str, change: Callable[[int, Any], None]) -> Path:
        target_path = tmp_path / name
        with av.open(str(source)) as container, av.open(str(target_path), "w") as target:
            stream = container.streams.video[0]
            out = target.add_stream_from_template(stream)
            for number, packet in enumerate(p for p in container.demux(stream) if p.size):
                change(number, packet)
                packet.stream = out
                target.mux(packet)
        return target_path

    return copy


@pytest.fixture
def numbered_pictures() -> Callable[[int, int], Pictures]:
    """The function that draws picture n of a size."""
    return numbered
