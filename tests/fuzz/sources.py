"""The whole videos that are damaged: two seconds of every shared one in several containers, and self-made ones."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path
from typing import Any

import av

from tests.integration.video.factory import VideoFactory

_SECONDS = 2.0
_CONTAINERS: dict[str, dict[str, str]] = {
    ".mp4": {"movflags": "faststart"},
    ".fragmented.mp4": {"movflags": "frag_keyframe+empty_moov"},
    ".mov": {},
    ".mkv": {},
    ".ts": {},
}
_BROADCAST = {"codec": "mpeg2video", "rate": Fraction(25), "options": {"b": "2M", "bf": "2", "g": "12"}}
_SELF_MADE: dict[str, dict[str, Any]] = {
    "h264.mp4": {"audio": "aac"},
    "hevc.mp4": {"codec": "libx265"},
    "hevc10.mkv": {"codec": "libx265", "pix_fmt": "yuv420p10le"},
    "vp9.webm": {"codec": "libvpx-vp9", "audio": "libopus"},
    "vp8.ogv": {"codec": "libvpx"},
    "av1.mkv": {"codec": "libsvtav1"},
    "mpeg4.avi": {"codec": "mpeg4", "audio": "libmp3lame"},
    "mjpeg.avi": {"codec": "mjpeg", "pix_fmt": "yuvj420p"},
    "h264.flv": {},
    "wmv2.wmv": {"codec": "wmv2", "options": {"b": "2M"}},
    "mpeg2.mpg": _BROADCAST,
    "mpeg2.mxf": _BROADCAST,
    "mpeg2.ts": _BROADCAST | {"fields": "tff", "options": {"flags": "+ildct+ilme", "b": "2M"}},
    "prores.mov": {"codec": "prores_ks", "pix_fmt": "yuv422p10le", "frames": 10},
    "ffv1.nut": {"codec": "ffv1", "frames": 10},
    "raw.h264": {},
    "anim.gif": {"codec": "gif", "pix_fmt": "rgb8"},
    "h263.3gp": {"codec": "h263", "size": (176, 144), "options": {"b": "1M"}},
}


def make_sources(folder: Path, shared: Path | None) -> list[Path]:
    """Write them into a folder; always in the same order. `shared`: the folder of real videos."""
    folder.mkdir(parents=True, exist_ok=True)
    os.environ.setdefault("SVT_LOG", "1")  # SVT-AV1 says only what is wrong
    real = [
        _copied(video, folder / f"{video.stem}{ending}", options)
        for video in (sorted(shared.glob("*.mp4")) if shared else [])
        for ending, options in _CONTAINERS.items()
        if not ("vp9" in video.stem and ending in (".ts", ".mov"))
    ]
    make = VideoFactory(folder)
    return real + [make(name, **options) for name, options in _SELF_MADE.items()]


def _copied(source: Path, target: Path, options: dict[str, str]) -> Path:
    """The packets of the first seconds, as they are."""
    with av.open(str(source)) as given, av.open(str(target), "w", options=options) as out:
        streams = {s.index: out.add_stream_from_template(s) for s in (*given.streams.video, *given.streams.audio)}
        for packet in given.demux(*(given.streams[index] for index in streams)):
            if packet.dts is not None and packet.dts * packet.time_base < _SECONDS:
                packet.stream = streams[packet.stream_index]
                out.mux(packet)
    return target
