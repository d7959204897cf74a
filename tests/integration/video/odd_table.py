"""The table of odd videos that can be used: each kind with what must become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np

from tests.integration.video.broken_videos import changed
from tests.integration.video.factory import Tags
from tests.integration.video.odd_videos import (
    PLAIN,
    Maker,
    concatenated,
    letterboxed,
    live,
    made,
    remuxed,
    steps,
    stored_as_fields,
    tracks,
    turned,
    with_data,
)

SEGMENT_S = 0.5
BT709, BT2020, PQ, HLG = 1, 9, 16, 18
MPEG2: dict[str, Any] = {"codec": "mpeg2video", "rate": Fraction(25), "options": {"b": "4M", "bf": "2", "g": "12"}}
MPEG2_FIELDS = MPEG2 | {"options": {"flags": "+ildct+ilme", "b": "4M", "bf": "2", "g": "12"}}
H264_FIELDS = PLAIN | {"flags": "+ildct"}
COMBED, HDR, COUNTED = "interlaced", "colours are not tone-mapped", "timestamps are missing or contradict"
RESIZED, TRACKS = "picture_size_changed", "2 video tracks; number"


@dataclass(frozen=True)
class Odd:
    """A file that is used, and what the plan and the decoder give.

    frames: of the plan, all of which decode; rate: at which they follow each other, or times_s of each. segments: of
    SEGMENT_S. shows: the numbers drawn into the frames; empty for 0, 1, 2 ..., None if they are too small to tell.
    warns: a phrase of each warning; logs: events while reading. tolerance: levels by which the four colours may be
    off, None for pictures that show others.
    """

    make: Maker
    frames: int = 30
    rate: float = 30
    times_s: Sequence[float] | None = None
    segments: int = 2
    exact: bool = True
    size: tuple[int, int] = (128, 96)
    pixels: str | None = None
    shows: Sequence[int] | None = ()
    warns: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    tolerance: int | None = 12


def pixels(name: str, codec: str, pix_fmt: str, *, read_as: str | None = None, tolerance: int | None = 12) -> Odd:
    return Odd(made(name, codec=codec, pix_fmt=pix_fmt), pixels=read_as or pix_fmt, tolerance=tolerance)


def hdr(name: str, transfer: int) -> Odd:
    tags = Tags(BT2020, full_range=False, transfer=transfer, primaries=BT2020)
    return Odd(made(codec="libx265", pix_fmt="yuv420p10le", tags=tags), warns=(f"HDR ({name}); {HDR}",))


def sized(width: int, height: int, frames: int = 1, name: str = "clip.mkv", codec: str = "libx264") -> Odd:
    make = made(name, codec=codec, size=(width, height), frames=frames, tags=Tags(BT709))
    return Odd(make, frames, size=(width, height), segments=1)


def combed(make: Maker, frames: int = 30, rate: float = 30, **more: Any) -> Odd:
    return Odd(make, frames, rate, warns=(COMBED,), **{"segments": 2 if rate == 30 else 3} | more)


def counted(make: Maker, frames: int = 30, **more: Any) -> Odd:
    return Odd(make, frames, segments=1, exact=False, warns=(COUNTED,), **more)


def part(name: str = "part.ts", **options: Any) -> Maker:
    return made(name, frames=20, **{"options": PLAIN} | options)


def joined(**second: Any) -> Odd:
    """Twenty frames of one kind, then twenty of another, with running timestamps."""
    make = concatenated(part(), part(video_start_s=20 / 30, **second), name="joined.ts")
    return Odd(make, 40, segments=3, shows=[*range(20)] * 2)


def moved(by: int) -> Any:
    """A change for `remuxed`: every timestamp later by so much."""

    def change(_: int, packet: Any) -> None:
        packet.pts += by
        packet.dts += by

    return change


def as_stored(number: int, packet: Any) -> None:
    packet.pts = packet.dts = number * 33


def twice(number: int, packet: Any) -> None:
    if number % 5 == 4:
        moved(-33)(number, packet)


def one_late(number: int, packet: Any) -> None:
    packet.pts = packet.dts + (90_000 if number == 13 else 0)


PIXELS = {
    "8-bit 4:2:0": pixels("clip.mp4", "libx264", "yuv420p"),
    "10-bit H.264": pixels("clip.mkv", "libx264", "yuv420p10le"),
    "10-bit HEVC": pixels("clip.mp4", "libx265", "yuv420p10le"),
    "10-bit AV1": pixels("clip.webm", "libsvtav1", "yuv420p10le"),
    "4:2:2": pixels("clip.mkv", "libx264", "yuv422p"),
    "4:2:2 10-bit ProRes": pixels("clip.mov", "prores_ks", "yuv422p10le"),
    "4:4:4": pixels("clip.mkv", "libx264", "yuv444p"),
    "grey": pixels("clip.mkv", "ffv1", "gray", tolerance=None),
    "grey 10-bit": pixels("clip.mkv", "ffv1", "gray10le", tolerance=None),
    "RGB FFV1": pixels("clip.mkv", "ffv1", "bgr0"),
    "RGB H.264": pixels("clip.mkv", "libx264rgb", "rgb24", read_as="gbrp"),
    "PNG in mov": pixels("clip.mov", "png", "rgb24"),
    "raw RGB in avi": pixels("clip.avi", "rawvideo", "bgr24"),
    "RGB and alpha": pixels("clip.mov", "qtrle", "argb"),
    "YUV and alpha": pixels("clip.mov", "prores_ks", "yuva444p10le", read_as="yuva444p12le"),
    "alpha beside VP9": pixels("clip.webm", "libvpx-vp9", "yuva420p", read_as="yuv420p"),
    "float RGB": pixels("clip.mov", "exr", "gbrpf32le", tolerance=None),
    "full range": Odd(made(tags=Tags(BT709, full_range=True)), pixels="yuvj420p"),
    "HDR PQ": hdr("PQ", PQ),
    "HDR HLG": hdr("HLG", HLG),
}
SHAPES = {
    "turned 90 degrees": Odd(turned(90), size=(96, 128)),
    "turned 180 degrees": Odd(turned(180)),
    "turned 270 degrees": Odd(turned(270), size=(96, 128)),
    "mirrored": Odd(turned(0, mirrored=True)),
    "mirrored and turned 90 degrees": Odd(turned(90, mirrored=True), size=(96, 128)),
    "mirrored and turned 180 degrees": Odd(turned(180, mirrored=True)),
    "mirrored and turned 270 degrees": Odd(turned(270, mirrored=True), size=(96, 128)),
    "portrait": Odd(made(size=(96, 160)), size=(96, 160)),
    "letterboxed": Odd(made(pictures=letterboxed(128, 96, 16)), tolerance=None),
    "long pixels": Odd(made(aspect=Fraction(4, 3)), size=(171, 96)),
    "tall pixels": Odd(made(aspect=Fraction(2, 3)), size=(85, 96)),
    "127x95": sized(127, 95, 15, codec="ffv1"),
    "853x481": sized(853, 481, 15, codec="ffv1"),
    "1x1": Odd(made("clip.mkv", codec="ffv1", size=(1, 1)), size=(1, 1), shows=None, tolerance=None),
    "2x2": Odd(made(size=(2, 2)), size=(2, 2), shows=None, tolerance=None),
    "16x4320": sized(16, 4320, 5),
    "8192x16": sized(8192, 16, 5),
    "4K": sized(3840, 2160, 2, "clip.mp4"),
    "8K": sized(7680, 4320, 1, "clip.mp4"),
}
FIELDS = {
    "MPEG-2, top field first": combed(made("clip.ts", fields="tff", **MPEG2_FIELDS), rate=25),
    "MPEG-2, bottom field first": combed(made("clip.ts", fields="bff", **MPEG2_FIELDS), rate=25),
    "H.264, top field first": combed(made(fields="tff", options=H264_FIELDS)),
    "H.264, bottom field first": combed(made("clip.ts", fields="bff", options=H264_FIELDS | {"bf": "2"})),
    "DV": combed(
        made("clip.dv", codec="dvvideo", size=(720, 576), rate=Fraction(25), frames=5),
        5,
        25,
        size=(768, 576),
        segments=1,
    ),
    "progressive, then fields": joined(fields="tff", options=H264_FIELDS),
    "fields as pictures, ts": combed(stored_as_fields("clip.ts", packets_per_frame=1)),
    "fields as packets, ts": combed(stored_as_fields("clip.ts", packets_per_frame=2)),
    "fields as packets, mkv": combed(stored_as_fields("clip.mkv", packets_per_frame=2)),
    "fields as pictures, mp4": combed(stored_as_fields("clip.mp4", packets_per_frame=1)),
    "fields without timestamps": Odd(
        stored_as_fields("clip.h264", packets_per_frame=2), 30, 25, segments=1, exact=False, warns=(COUNTED, COMBED)
    ),
}
TIMES = {
    "29.97 a second": Odd(made(rate=Fraction(30000, 1001)), rate=30 / 1.001),
    "23.976 a second": Odd(made(rate=Fraction(24000, 1001)), rate=24 / 1.001, segments=3),
    "1000 a second": Odd(made(rate=Fraction(1000)), rate=1000, segments=1),
    "one in ten seconds": Odd(made(rate=Fraction(1, 10)), rate=0.1, segments=30),
    "variable rate": Odd(
        made(**steps(40, 33, 17, 200, 41, 1, 90)),
        8, times_s=[0, 0.04, 0.073, 0.09, 0.29, 0.331, 0.332, 0.422], segments=1,
    ),
    "a pause of ten seconds": Odd(
        made(**steps(*[50] * 9, 10_000, *[50] * 9)),
        20, times_s=[*np.arange(10) / 20, *np.arange(209, 219) / 20], segments=3,
    ),
    "a pause of thirty hours": counted(made("clip.mkv", **steps(*[50] * 9, 30 * 3_600_000, *[50] * 9)), 20),
    "starts at two seconds": Odd(made("clip.mkv", video_start_s=2.0)),
    "starts before zero": Odd(remuxed(made(options=PLAIN), "clip.nut", moved(-5 * 512))),
    "an edit list cuts in": Odd(remuxed(made(options=PLAIN), "edited.mp4", moved(-5 * 512)), 25, shows=range(5, 30)),
    "no timestamps, raw H.264": counted(made("clip.h264")),
    "no timestamps, raw HEVC": counted(made("clip.hevc", codec="libx265")),
    "no timestamps, H.264 in avi": counted(made("clip.avi")),
    "no timestamps, MPEG-PS": counted(made("clip.mpg", **MPEG2), rate=25),
    "timestamps in stored order": counted(remuxed(made("x.mkv"), "clip.mkv", as_stored)),
    "repeated timestamps": counted(remuxed(made("x.mkv", options=PLAIN), "clip.mkv", twice)),
    "one timestamp far too late": counted(remuxed(made("x.ts", options=PLAIN), "clip.ts", one_late)),
    "B-frames that refer to B-frames": Odd(
        made(options={"bf": "5", "preset": "fast", "x264-params": "b-pyramid=normal:b-adapt=0"})
    ),
    "sixteen B-frames in a row": Odd(made(options={"bf": "16", "preset": "fast", "x264-params": "b-adapt=0"})),
    "an hour": Odd(
        made(rate=Fraction(1, 2), frames=1800, size=(32, 32)),
        1800, 0.5, size=(32, 32), segments=1800, shows=[n % 256 for n in range(1800)],
    ),
    "one frame": Odd(made(frames=1), 1, segments=1),
    "one frame in mkv": Odd(made("clip.mkv", frames=1), 1, segments=1),
    "one frame in avi": Odd(made("clip.avi", codec="mpeg4", frames=1), 1, segments=1),
}  # fmt: skip
JOINED = {
    "clock restarts": counted(concatenated(part(), part(), name="joined.ts"), 40, shows=[*range(20)] * 2),
    "clock restarts below a late start": counted(
        concatenated(part(video_start_s=1000), part(), name="joined.ts"), 40, shows=[*range(20)] * 2
    ),
    "size changes": replace(joined(size=(64, 48)), logs=(RESIZED,)),
    "landscape turns portrait": replace(joined(size=(96, 128)), logs=(RESIZED,), shows=None, tolerance=None),
    "pixel format changes": joined(pix_fmt="yuv422p10le"),
    "codec changes": Odd(
        joined(codec="mpeg2video", options={"b": "4M"}).make, 20, warns=("first 19 frames can't be decoded",)
    ),
    "sound begins after half a minute": Odd(
        concatenated(
            made("a.ts", rate=Fraction(2), frames=60, options=PLAIN),
            made("b.ts", rate=Fraction(2), frames=20, options=PLAIN, audio="aac", video_start_s=30, audio_start_s=30),
            name="joined.ts",
        ),
        80, 2, segments=80, shows=[*range(60), *range(20)],
    ),
    "two mp4 files": Odd(concatenated(made("a.mp4"), made("b.mp4", frames=5), name="joined.mp4")),
    "rubbish at the end": Odd(changed(made(), lambda data: data + b"\xfe" * 10_000)),
    "default flag on the second track": Odd(
        tracks("two.mkv", part("a.mkv", size=(64, 48)), made("b.mkv"), main=1), warns=(f"{TRACKS} 2 (128x96) is used",)
    ),
    "default flag on the first track": Odd(
        tracks("two.mkv", made("a.mkv", size=(64, 48)), made("b.mkv"), main=0),
        size=(64, 48), warns=(f"{TRACKS} 1 (64x48) is used",),
    ),
    "two tracks in mp4": Odd(tracks("two.mp4", made("a.mp4"), part("b.mp4", size=(64, 48)), main=0), warns=(TRACKS,)),
    "a cover picture first": Odd(tracks("cover.mp4", made("a.mp4"), cover=True)),
    "a data track": Odd(with_data(made("x.ts"), "data.ts")),
}  # fmt: skip
CONTAINERS = {
    "fragmented mp4": Odd(made(movflags="frag_keyframe+empty_moov")),
    "mkv of a live stream": Odd(live("live.mkv")),
    "webm of a live stream": Odd(live("live.webm", codec="libvpx-vp9")),
    "ogg": Odd(made("clip.ogv", codec="libvpx")),
    "mjpeg avi": Odd(made("clip.avi", codec="mjpeg", pix_fmt="yuvj420p")),
    "mxf": Odd(made("clip.mxf", **MPEG2), rate=25, segments=3),
    "wmv": Odd(made("clip.wmv", codec="wmv2", options={"b": "4M"})),
    "flv": Odd(made("clip.flv", codec="flv", options={"b": "4M"})),
    "3gp": Odd(made("clip.3gp", codec="h263", size=(176, 144), options={"b": "4M"}), size=(192, 144)),
    "RealMedia": Odd(made("clip.rm", codec="rv20", size=(176, 144), options={"b": "4M"}), size=(176, 144)),
    "animated gif": Odd(
        made("clip.gif", codec="gif", pix_fmt="rgb8", rate=Fraction(25)), rate=25, segments=3, tolerance=48
    ),
    "yuv4mpeg": Odd(made("clip.y4m", codec="wrapped_avframe")),
}
ODD = PIXELS | SHAPES | FIELDS | TIMES | JOINED | CONTAINERS
