"""Planning a video: every frame's timestamp and the segments, from the packets alone.

All packets are demuxed and none is decoded, but for the first few: PyAV shows the display matrix (rotation) only on a
decoded frame, only a decoder knows in which order frames come out, and a file of which nothing decodes is found out.
It happens in a process of its own, where `plan_here` runs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, replace
from fractions import Fraction
from typing import Any, cast

import numpy as np
from av.audio.stream import AudioStream
from av.buffer import Buffer
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from liftline import plan as plan_file
from liftline.errors import InvalidVideoError, LimitExceededError
from liftline.frames import VideoInfo
from liftline.plan import Plan, Segment
from liftline.ports import StopToken, VideoOpener
from liftline.video import _cautions as cautions
from liftline.video import colour, orientation
from liftline.video._packets import PacketIndex, index_packets
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits, main_audio_stream, main_video_stream, open_container
from liftline.video.process.running import VideoTask, result_of
from liftline.video.process.session import Session

_FALLBACK_RATE = Fraction(25)
_MAX_RATE_DENOMINATOR = 100_000
_CREDIBLE_RATE = (Fraction(1, 3600), Fraction(1000))
_CREDIBLE_ASPECT = (Fraction(1, 8), Fraction(8))


def plan_video(
    opener: VideoOpener,
    *,
    name: str,
    segment_s: float = 10.0,
    warmup_s: float = 1.0,
    limits: VideoLimits = DEFAULT_LIMITS,
    stop: StopToken,
) -> Plan:
    """The plan of a video: depends on its bytes, `segment_s` and `warmup_s` (seconds) only.

    pts keep the container's own values (the first needn't be 0) where they are usable; else `exact_times` is False,
    pts count frames of 1 / average rate, and there is one segment.

    Raises InvalidVideoError (can't be opened, no frames, nothing decodes, crashes libav) and LimitExceededError.
    """
    if segment_s <= 0 or warmup_s < 0:
        raise ValueError("segment_s must be positive and warmup_s not negative")
    options = {"name": name, "segment_s": segment_s, "warmup_s": warmup_s}
    task = VideoTask(
        function=f"{__name__}:{plan_here.__name__}",
        name=name,
        request=options | {"limits": asdict(limits)},
        opener=opener,
        stop=stop,
        memory_mb=limits.max_memory_mb,
    )
    return plan_file.from_bytes(result_of(task))


def plan_here(session: Session, request: dict[str, Any], _: bytes) -> bytes:
    """`plan_video`, in the process that runs it."""
    limits = VideoLimits(**request.pop("limits"))
    return plan_file.to_bytes(_plan(session.opener, limits=limits, stop=session.alive, **request))


def _plan(
    opener: VideoOpener, *, name: str, segment_s: float, warmup_s: float, limits: VideoLimits, stop: StopToken
) -> Plan:
    with open_container(opener, name=name, limits=limits) as container:
        stream = main_video_stream(container, name=name)
        _check_size(stream.codec_context.width, stream.codec_context.height, limits, name)
        packets = index_packets(container, stream, name=name, limits=limits, stop=stop)
        first = packets.first_frame
        if first is None:
            raise InvalidVideoError(f"{name}: none of its {len(packets.pts)} frames can be decoded; export it again.")
        packets, sound = _from_first_decodable(packets, first, name), main_audio_stream(container)
        time_base, pts, rate, duration_s = _timing(stream, packets)
        info = _describe(container, stream, first, name, time_base, rate, duration_s)
        _check_duration(info, _sound_s(container, sound), limits)
        warnings = (
            *packets.warnings,
            *(cautions.of_rate(name, pts, time_base) if packets.exact else (cautions.of_times(name, rate),)),
            *cautions.of_tracks(name, container, stream),
            *cautions.of_pictures(name, first, interlaced=packets.interlaced),
        )
    _check_size(info.width_px, info.height_px, limits, name)
    parts = _segments(pts, time_base, segment_s, warmup_s) if packets.exact else (Segment(0, 0, len(pts), 0),)
    return Plan(info, pts, parts, packets.exact, warnings)


def _from_first_decodable(packets: PacketIndex, first: VideoFrame, name: str) -> PacketIndex:
    """The index without the frames before the first that decodes, with a warning; no player shows them."""
    lost = 0 if not packets.exact or first.pts is None else int(np.searchsorted(packets.pts, first.pts))
    if not 0 < lost < len(packets.pts):
        return packets
    return replace(packets, pts=packets.pts[lost:], warnings=(*packets.warnings, cautions.of_start(name, lost)))


def _sound_s(container: InputContainer, sound: AudioStream | None) -> float:
    """How long there is sound, as far as the container tells. Matroska tells of the longest track only."""
    if sound is None:
        return 0.0
    if sound.duration is None and "matroska" in container.format.name:
        return (container.duration or 0) / 1e6
    return float((sound.duration or 0) * (sound.time_base or 0))


def _check_duration(info: VideoInfo, sound_s: float, limits: VideoLimits) -> None:
    for duration_s, what in ((info.duration_s, ""), (sound_s, " of sound")):
        if duration_s > limits.max_duration_s:
            raise LimitExceededError(
                f"{info.name}: {duration_s:.1f} s{what} long, the limit is {limits.max_duration_s:g} s; cut it first."
            )


def _check_size(width: int, height: int, limits: VideoLimits, name: str) -> None:
    if width * height > limits.max_pixels:
        raise LimitExceededError(
            f"{name}: {width}x{height} pixels, the limit is {limits.max_pixels} pixels; scale it down first."
        )


def _timing(stream: VideoStream, packets: PacketIndex) -> tuple[Fraction, NDArray[np.int64], Fraction, float]:
    """Time base, pts, average rate in frames/s, and duration in seconds."""
    time_base, count = stream.time_base or Fraction(1, 90_000), len(packets.pts)
    if not packets.exact:
        rate = _credible(stream.guessed_rate) or _credible(stream.average_rate) or _FALLBACK_RATE
        first = round(packets.start * time_base * rate)
        return 1 / rate, first + np.arange(count, dtype=np.int64), rate, float(count / rate)
    rate = _credible(stream.average_rate) or _credible(stream.guessed_rate) or _FALLBACK_RATE
    steps = np.diff(packets.pts)
    last = packets.last_duration or (int(np.median(steps)) if len(steps) else round(1 / rate / time_base)) or 1
    duration = (int(packets.pts[-1] - packets.pts[0]) + last) * time_base
    if abs(rate * duration - count) > 1 + Fraction(count, 50):
        rate = _credible((count / duration).limit_denominator(_MAX_RATE_DENOMINATOR)) or rate
    return time_base, packets.pts, rate, float(duration)


def _credible(rate: Fraction | None) -> Fraction | None:
    return rate if rate is not None and _CREDIBLE_RATE[0] <= rate <= _CREDIBLE_RATE[1] else None


def _describe(
    container: InputContainer,
    stream: VideoStream,
    frame: VideoFrame,
    name: str,
    time_base: Fraction,
    rate: Fraction,
    duration_s: float,
) -> VideoInfo:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    if not _CREDIBLE_ASPECT[0] <= aspect <= _CREDIBLE_ASPECT[1]:
        aspect = Fraction(1)
    width, height = max(1, round(frame.width * aspect)), frame.height
    rotation_deg, mirrored = _orientation(frame)
    audio = main_audio_stream(container)
    return VideoInfo(
        name=name,
        container=container.format.name,
        codec=stream.codec_context.codec.canonical_name,
        pixel_format=frame.format.name,
        width_px=height if rotation_deg in (90, 270) else width,
        height_px=width if rotation_deg in (90, 270) else height,
        coded_width_px=frame.width,
        coded_height_px=frame.height,
        rotation_deg=rotation_deg,
        sample_aspect_ratio=aspect,
        time_base=time_base,
        average_rate=rate,
        duration_s=duration_s,
        audio_codec=audio.codec_context.codec.canonical_name if audio is not None else None,
        colour_range=colour.range_name(frame),
        colour_space=colour.matrix_name(frame),
        mirrored=mirrored,
    )


def _orientation(frame: VideoFrame) -> tuple[int, bool]:
    side_data = cast("Mapping[str, Buffer]", frame.side_data)  # PyAV's stub has another type than the object
    matrix = side_data.get("DISPLAYMATRIX")
    return orientation.UPRIGHT if matrix is None else orientation.parse_display_matrix(bytes(matrix))


def _segments(pts: NDArray[np.int64], time_base: Fraction, segment_s: float, warmup_s: float) -> tuple[Segment, ...]:
    """Cut where the time since the first frame passes a multiple of segment_s; warm-up reaches warmup_s back."""
    length = max(1, round(Fraction(segment_s) / time_base))
    warmup = round(Fraction(warmup_s) / time_base)
    since = pts - pts[0]
    starts = [0, *(int(i) + 1 for i in np.flatnonzero(np.diff(since // length)))]
    stops = [*starts[1:], len(pts)]
    warm = np.searchsorted(since, since[starts] - warmup).tolist()
    return tuple(Segment(n, *edges) for n, edges in enumerate(zip(starts, stops, warm, strict=True)))
