"""What a user should know about a video that can be read, but not quite as it is: one sentence each."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from liftline.frames import frame_rate
from liftline.video.opening import NOT_THE_VIDEO

_FEWEST_FRAMES = 30
"""Of fewer, one pause would be many."""
_HDR_CURVES = {16: "PQ", 18: "HLG"}
"""ITU-T H.273, table 3: SMPTE ST 2084 and ARIB STD-B67."""


def of_pictures(name: str, frame: VideoFrame, *, interlaced: bool) -> list[str]:
    """About pixels that come out as they are stored; `frame` is the first picture."""
    found = []
    if interlaced:
        found.append(
            f"{name}: interlaced; moving people look combed, which costs accuracy. Frames are used as they are; "
            "deinterlace first for better poses (ffmpeg -vf bwdif)."
        )
    if curve := _HDR_CURVES.get(int(frame.color_trc)):
        found.append(
            f"{name}: HDR ({curve}); colours are not tone-mapped, so pictures look pale and people in the dark may be "
            "missed; convert it to SDR first if so."
        )
    return found


def of_tracks(name: str, container: InputContainer, chosen: VideoStream) -> list[str]:
    """About other videos in the same file."""
    videos = [stream for stream in container.streams.video if not stream.disposition & NOT_THE_VIDEO]
    if len(videos) == 1:
        return []
    size = f"{chosen.codec_context.width}x{chosen.codec_context.height}"
    return [
        f"{name}: {len(videos)} video tracks; number {videos.index(chosen) + 1} ({size}) is used; keep another one "
        "alone in a file to use that (ffmpeg -map)."
    ]


def of_times(name: str, rate: Fraction) -> str:
    """About timestamps that can't be used."""
    return (
        f"{name}: timestamps are missing or contradict each other; frames are shown in order, {float(rate):g} a second."
    )


def of_rate(name: str, pts: NDArray[np.int64], time_base: Fraction) -> list[str]:
    """About frames that aren't evenly spaced."""
    if len(pts) < _FEWEST_FRAMES or not (rate := frame_rate((pts - pts[0]) * float(time_base))).varies:
        return []
    average = (len(pts) - 1) / float((pts[-1] - pts[0]) * time_base)
    return [
        f"{name}: its frame rate varies: mostly {rate.hz:.4g} frames a second, {average:.4g} on average. Every frame "
        "has its own time in all results; where a format knows one rate alone, use its times instead."
    ]


def of_start(name: str, count: int) -> str:
    """About frames before the first that decodes."""
    return (
        f"{name}: the first {count} frames can't be decoded (cut in between key frames, or damaged); they are left out."
    )
