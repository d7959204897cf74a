"""The table of odd and broken videos: each kind with what must become of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from tests.integration.video.broken_videos import (
    changed,
    cut,
    no_pictures,
    picture,
    spoilt_after,
    swapped,
    without_start,
    written,
    zipped,
)
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
MPEG2 = {"codec": "mpeg2video", "rate": Fraction(25), "options": {"b": "4M", "bf": "2", "g": "12"}}
TWO_FIELDS = {"flags": "+ildct+ilme", "b": "4M", "bf": "2", "g": "12"}
OPEN_GROUPS = {"bf": "3", "g": "10", "preset": "fast", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"}
COMBED, HDR, COUNTED = "interlaced", "colours are not tone-mapped", "timestamps are missing or contradict"
CUT_OFF, CUT_IN, TRACKS = "cut off or damaged", "can't be decoded (cut in", "2 video tracks"


@dataclass(frozen=True)
class Odd:
    """A file that is used, and what the plan and the decoder give.

    frames: of the plan; rate: at which they follow each other, or times_s of each. segments: of SEGMENT_S.
    shows: the numbers drawn into the decoded frames, None if they are too small to tell; places: where in the plan
    these are, None for all of it. warns: a phrase of each warning, in order; logs: events while reading.
    tolerance: levels by which the four colours may be off, None for pictures that show others.
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
    places: Sequence[int] | None = None
    warns: tuple[str, ...] = ()
    logs: tuple[str, ...] = ()
    tolerance: int | None = 12


def moved(by: int) -> Any:
    """A change for `remuxed`: every timestamp later by so much."""

    def change(_: int, packet: Any) -> None:
        packet.pts += by
        packet.dts += by

    return change


def from_frame(first: int) -> Any:
    return lambda number, _: number >= first


def as_stored(number: int, packet: Any) -> None:
    packet.pts = packet.dts = number * 33


def twice(number: int, packet: Any) -> None:
    if number % 5 == 4:
        moved(-33)(number, packet)


def one_late(number: int, packet: Any) -> None:
    packet.pts = packet.dts + (90_000 if number == 13 else 0)


def ts(name: str = "part.ts", **options: Any) -> Maker:
    return made(name, frames=20, **{"options": PLAIN} | options)


def bits(name: str, codec: str, pix_fmt: str, **more: Any) -> Odd:
    return Odd(made(name, codec=codec, pix_fmt=pix_fmt), pixels=more.pop("pixels", pix_fmt), **more)


PIXELS = {
    "8-bit 4:2:0": Odd(made(), pixels="yuv420p"),
    "10-bit H.264": bits("clip.mkv", "libx264", "yuv420p10le"),
    "10-bit HEVC": bits("clip.mp4", "libx265", "yuv420p10le"),
    "10-bit AV1": bits("clip.webm", "libsvtav1", "yuv420p10le"),
    "4:2:2": bits("clip.mkv", "libx264", "yuv422p"),
    "4:2:2 10-bit ProRes": bits("clip.mov", "prores_ks", "yuv422p10le"),
    "4:4:4": bits("clip.mkv", "libx264", "yuv444p"),
    "grey": bits("clip.mkv", "ffv1", "gray", tolerance=None),
    "grey 10-bit": bits("clip.mkv", "ffv1", "gray10le", tolerance=None),
    "RGB FFV1": bits("clip.mkv", "ffv1", "bgr0"),
    "RGB H.264": bits("clip.mkv", "libx264rgb", "rgb24", pixels="gbrp"),
    "PNG in mov": bits("clip.mov", "png", "rgb24"),
    "raw RGB in avi": bits("clip.avi", "rawvideo", "bgr24"),
    "RGB and alpha": bits("clip.mov", "qtrle", "argb"),
    "YUV and alpha": bits("clip.mov", "prores_ks", "yuva444p10le", pixels="yuva444p12le"),
    "alpha beside VP9": bits("clip.webm", "libvpx-vp9", "yuva420p", pixels="yuv420p"),
    "float RGB": bits("clip.mov", "exr", "gbrpf32le", tolerance=None),
    "full range": Odd(made(tags=Tags(BT709, full_range=True)), pixels="yuvj420p"),
    "HDR PQ": Odd(
        made(codec="libx265", pix_fmt="yuv420p10le", tags=Tags(BT2020, full_range=False, transfer=PQ, primaries=9)),
        warns=(f"HDR (PQ); {HDR}",),
    ),
    "HDR HLG": Odd(
        made(codec="libx265", pix_fmt="yuv420p10le", tags=Tags(BT2020, full_range=False, transfer=HLG, primaries=9)),
        warns=(f"HDR (HLG); {HDR}",),
    ),
}
SHAPES = {
    "turned 90 degrees": Odd(turned(90), size=(96, 128)),
    "turned 180 degrees": Odd(turned(180)),
    "turned 270 degrees": Odd(turned(270), size=(96, 128)),
    "mirrored and turned": Odd(turned(90, mirrored=True), size=(96, 128)),
    "portrait": Odd(made(size=(96, 160)), size=(96, 160)),
    "letterboxed": Odd(made(pictures=letterboxed(128, 96, 16)), tolerance=None),
    "long pixels": Odd(made(aspect=Fraction(4, 3)), size=(171, 96)),
    "853x481": Odd(made("clip.mkv", codec="ffv1", size=(853, 481)), size=(853, 481)),
    "1x1": Odd(made("clip.mkv", codec="ffv1", size=(1, 1)), size=(1, 1), shows=None, tolerance=None),
    "2x2": Odd(made(size=(2, 2)), size=(2, 2), shows=None, tolerance=None),
    "16x4320": Odd(made(size=(16, 4320), frames=5), 5, size=(16, 4320), segments=1),
    "8192x16": Odd(made(size=(8192, 16), frames=5), 5, size=(8192, 16), segments=1),
    "4K": Odd(made(size=(3840, 2160), frames=1), 1, size=(3840, 2160), segments=1),
    "8K": Odd(made(size=(7680, 4320), frames=1), 1, size=(7680, 4320), segments=1),
}
FIELDS = {
    "MPEG-2, top field first": Odd(
        made("clip.ts", **MPEG2 | {"fields": "tff", "options": TWO_FIELDS}), rate=25, segments=3, warns=(COMBED,)
    ),
    "MPEG-2, bottom field first": Odd(
        made("clip.ts", **MPEG2 | {"fields": "bff", "options": TWO_FIELDS}), rate=25, segments=3, warns=(COMBED,)
    ),
    "H.264, top field first": Odd(made(fields="tff", options=PLAIN | {"flags": "+ildct"}), warns=(COMBED,)),
    "H.264, bottom field first": Odd(
        made("clip.ts", fields="bff", options=PLAIN | {"flags": "+ildct", "bf": "2"}), warns=(COMBED,)
    ),
    "DV": Odd(
        made("clip.dv", codec="dvvideo", size=(720, 576), rate=Fraction(25), frames=5),
        5,
        25,
        size=(768, 576),
        segments=1,
        warns=(COMBED,),
    ),
    "progressive, then fields": Odd(
        concatenated(
            ts(), ts(fields="tff", options=PLAIN | {"flags": "+ildct"}, video_start_s=20 / 30), name="both.ts"
        ),
        40,
        segments=3,
        shows=[*range(20), *range(20)],
    ),
    "fields as pictures, ts": Odd(stored_as_fields("clip.ts", packets_per_frame=1), warns=(COMBED,)),
    "fields as packets, ts": Odd(stored_as_fields("clip.ts", packets_per_frame=2), warns=(COMBED,)),
    "fields as packets, mkv": Odd(stored_as_fields("clip.mkv", packets_per_frame=2), warns=(COMBED,)),
    "fields as pictures, mp4": Odd(stored_as_fields("clip.mp4", packets_per_frame=1), warns=(COMBED,)),
}
TIMES = {
    "29.97 a second": Odd(made(rate=Fraction(30000, 1001)), rate=30 / 1.001, segments=3),
    "23.976 a second": Odd(made(rate=Fraction(24000, 1001)), rate=24 / 1.001, segments=3),
    "1000 a second": Odd(made(rate=Fraction(1000)), rate=1000, segments=1),
    "one in ten seconds": Odd(made(rate=Fraction(1, 10)), rate=0.1, segments=30),
    "variable rate": Odd(
        made(**steps(40, 33, 17, 200, 41, 1, 90)),
        8,
        times_s=np.cumsum([0, 0.04, 0.033, 0.017, 0.2, 0.041, 0.001, 0.09]).tolist(),
        segments=1,
    ),
    "a pause of ten seconds": Odd(
        made(**steps(*[50] * 9, 10_000, *[50] * 9)),
        20,
        times_s=[*np.arange(10) / 20, *10.45 + np.arange(10) / 20],
        segments=3,
    ),
    "a pause of thirty hours": Odd(
        made("clip.mkv", **steps(*[50] * 9, 30 * 3_600_000, *[50] * 9)),
        20,
        segments=1,
        exact=False,
        warns=(COUNTED,),
    ),
    "starts at two seconds": Odd(made("clip.mkv", video_start_s=2.0)),
    "starts before zero": Odd(remuxed(made(options=PLAIN), "clip.nut", moved(-5 * 512))),
    "an edit list cuts in": Odd(
        remuxed(made(options=PLAIN), "edited.mp4", moved(-5 * 512)),
        25,
        shows=range(5, 30),
    ),
    "no timestamps, raw H.264": Odd(made("clip.h264"), segments=1, exact=False, warns=(COUNTED,)),
    "no timestamps, raw HEVC": Odd(made("clip.hevc", codec="libx265"), segments=1, exact=False, warns=(COUNTED,)),
    "no timestamps, H.264 in avi": Odd(made("clip.avi"), segments=1, exact=False, warns=(COUNTED,)),
    "no timestamps, MPEG-PS": Odd(made("clip.mpg", **MPEG2), rate=25, segments=1, exact=False, warns=(COUNTED,)),
    "timestamps in stored order": Odd(
        remuxed(made("x.mkv"), "clip.mkv", as_stored), rate=30, segments=1, exact=False, warns=(COUNTED,)
    ),
    "repeated timestamps": Odd(
        remuxed(made("x.mkv", options=PLAIN), "clip.mkv", twice), segments=1, exact=False, warns=(COUNTED,)
    ),
    "one timestamp far too late": Odd(
        remuxed(made("x.ts", options=PLAIN), "clip.ts", one_late), segments=1, exact=False, warns=(COUNTED,)
    ),
    "B-frames that refer to B-frames": Odd(
        made(options={"bf": "5", "preset": "fast", "x264-params": "b-pyramid=normal:b-adapt=0"})
    ),
    "sixteen B-frames in a row": Odd(made(options={"bf": "16", "preset": "fast", "x264-params": "b-adapt=0"})),
    "an hour": Odd(
        made(rate=Fraction(1, 2), frames=1800, size=(32, 32)),
        1800,
        0.5,
        size=(32, 32),
        segments=1800,
        shows=None,
        tolerance=None,
    ),
    "one frame": Odd(made(frames=1), 1, segments=1),
}
JOINED = {
    "clock restarts": Odd(
        concatenated(ts(), ts(), name="joined.ts"),
        40,
        segments=1,
        exact=False,
        shows=[*range(20)] * 2,
        warns=(COUNTED,),
    ),
    "clock restarts below a late start": Odd(
        concatenated(ts(video_start_s=1000), ts(), name="joined.ts"),
        40,
        segments=1,
        exact=False,
        shows=[*range(20)] * 2,
        warns=(COUNTED,),
    ),
    "size changes": Odd(
        concatenated(ts(), ts(size=(64, 48), video_start_s=20 / 30), name="joined.ts"),
        40,
        segments=3,
        shows=[*range(20)] * 2,
        logs=("picture_size_changed",),
    ),
    "landscape turns portrait": Odd(
        concatenated(ts(), ts(size=(96, 128), video_start_s=20 / 30), name="joined.ts"),
        40,
        segments=3,
        shows=None,
        tolerance=None,
        logs=("picture_size_changed",),
    ),
    "pixel format changes": Odd(
        concatenated(ts(), ts(pix_fmt="yuv422p10le", video_start_s=20 / 30), name="joined.ts"),
        40,
        segments=3,
        shows=[*range(20)] * 2,
    ),
    "codec changes": Odd(
        concatenated(ts(), ts(codec="mpeg2video", options={"b": "4M"}, video_start_s=20 / 30), name="joined.ts"),
        20,
        warns=("first 19 frames can't be decoded",),
    ),
    "two mp4 files": Odd(concatenated(made("a.mp4"), made("b.mp4", frames=5), name="joined.mp4")),
    "rubbish at the end": Odd(changed(made(), lambda data: data + b"\xfe" * 10_000)),
    "default flag on the second track": Odd(
        tracks("two.mkv", ts("a.mkv", size=(64, 48)), made("b.mkv"), main=1), warns=(f"{TRACKS}; number 2 (128x96)",)
    ),
    "default flag on the first track": Odd(
        tracks("two.mkv", made("a.mkv", size=(64, 48)), made("b.mkv"), main=0),
        size=(64, 48),
        warns=(f"{TRACKS}; number 1 (64x48)",),
    ),
    "two tracks in mp4": Odd(tracks("two.mp4", made("a.mp4"), ts("b.mp4", size=(64, 48)), main=0), warns=(TRACKS,)),
    "a cover picture first": Odd(tracks("cover.mp4", made("a.mp4"), cover=True)),
    "a data track": Odd(with_data(made("x.ts"), "data.ts")),
}
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
    "animated gif": Odd(made("clip.gif", codec="gif", pix_fmt="rgb8"), tolerance=40),
    "yuv4mpeg": Odd(made("clip.y4m", codec="wrapped_avframe")),
}
DAMAGED = {
    "mp4 cut off": Odd(changed(made(frames=120), cut(0.6)), 67, segments=5, warns=(CUT_OFF,)),
    "mkv cut off": Odd(
        changed(made("clip.mkv", frames=120, options=PLAIN), cut(0.6)), 71, segments=5, warns=(CUT_OFF,)
    ),
    "ts cut off": Odd(changed(made("clip.ts", options=PLAIN), cut(0.6)), 17, tolerance=None),
    "flv cut off": Odd(
        changed(made("clip.flv", frames=120, options=PLAIN), cut(0.6)), 71, segments=5, warns=(CUT_OFF,)
    ),
    "fragmented mp4 cut off": Odd(
        changed(made(movflags="frag_keyframe+empty_moov", options=PLAIN), cut(0.6)), 17, warns=(CUT_OFF,)
    ),
    "ts cut in": Odd(
        changed(made("clip.ts", frames=40, options=PLAIN), without_start(0.4)), 20, shows=range(20, 40), warns=(CUT_IN,)
    ),
    "mp4 without its first key frame": Odd(
        remuxed(made(frames=40, options=PLAIN), "cut.mp4", from_frame(5)), shows=range(10, 40), warns=(CUT_IN,)
    ),
    "open groups cut in": Odd(
        remuxed(made("x.mkv", frames=40, options=OPEN_GROUPS), "cut.mkv", from_frame(5)),
        shows=range(10, 40),
        warns=(CUT_IN,),
    ),
}
ODD = PIXELS | SHAPES | FIELDS | TIMES | JOINED | CONTAINERS | DAMAGED

UNREADABLE, LISTS = "not a readable video", "pictures and lists of other files are refused"
KEY = "00112233445566778899aabbccddeeff"
ENCRYPTED = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": KEY, "encryption_kid": KEY}
PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n"
SDP = (
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)

BROKEN: dict[str, tuple[Maker, str]] = {
    "empty": (written("clip.mp4", b""), "the file is empty"),
    "text": (written("clip.mp4", b"This is no video.\n" * 100), UNREADABLE),
    "noise": (written("clip.mp4", np.random.default_rng(0).bytes(50_000)), UNREADABLE),
    "zeros": (written("clip.mp4", bytes(9_000)), UNREADABLE),
    "zip": (written("clip.mp4", zipped), UNREADABLE),
    "m3u8 playlist": (written("clip.mp4", PLAYLIST), LISTS),
    "ffconcat list": (written("clip.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n"), LISTS),
    "sdp": (written("clip.mp4", SDP), LISTS),
    "png": (written("clip.mp4", picture("png", "rgb24")), LISTS),
    "jpg": (written("clip.mp4", picture("mjpeg", "yuvj420p")), LISTS),
    "bmp": (written("clip.mp4", picture("bmp", "bgr24")), LISTS),
    "webp": (written("clip.mp4", picture("libwebp", "bgra")), LISTS),
    "animated webp": (written("clip.mp4", picture("libwebp_anim", "bgra", 3)), LISTS),
    "animated png": (made("clip.apng", codec="apng", pix_fmt="rgb24"), LISTS),
    "flash animation": (made("clip.swf", codec="flv"), LISTS),
    "sound in m4a": (no_pictures("clip.m4a", "aac"), "no video stream (found: aac audio)"),
    "sound in mp3": (no_pictures("clip.mp3", "libmp3lame"), "no video stream (found: mp3 audio)"),
    "sound in wav": (no_pictures("clip.wav", "pcm_s16le"), "no video stream (found: pcm_s16le audio)"),
    "subtitles": (no_pictures("clip.mkv", "subtitles"), "no video stream (found: subrip subtitle)"),
    "a cover picture alone": (tracks("clip.mp4", cover=True), "no video stream (found: mjpeg cover picture)"),
    "no frames in mp4": (made(frames=0), "no video stream"),
    "no frames in mkv": (made("clip.mkv", frames=0), UNREADABLE),
    "no frames in avi": (made("clip.avi", frames=0), "its video stream has no frames"),
    "unknown codec in mp4": (changed(made(), swapped(b"avc1", b"zzz1")), "no decoder for its video codec"),
    "unknown codec in mkv": (changed(made("clip.mkv"), swapped(b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/XYZ")), "no decoder"),
    "unknown codec in avi": (changed(made("clip.avi", codec="mpeg4"), swapped(b"FMP4", b"ZZZZ")), "no decoder"),
    "mp4 without its index": (changed(made(movflags="write_colr"), cut(0.6)), "its index is missing or damaged"),
    "mp4 after rubbish": (changed(made(), lambda data: bytes(5_000) + data), UNREADABLE),
    "nothing decodes": (changed(made(frames=3, options=PLAIN), spoilt_after(b"mdat", 4)), "none of its 3 frames"),
    "encrypted": (made(container=ENCRYPTED), "its pictures are encrypted"),
}
