"""Putting drawn segments and the source's audio into the final mp4; video packets are copied, never encoded again.

Timestamps come from the plan alone. Audio that mp4 players know (AAC, MP3) is copied, other audio encoded to AAC.
It happens in a process of its own, where `mux_here` runs.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import av
import numpy as np
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream
from numpy.typing import NDArray

from liftline import plan as plan_file
from liftline.errors import InvalidArtifactError, InvalidVideoError
from liftline.files.atomic import atomic_path
from liftline.plan import Plan
from liftline.ports import StopToken, VideoOpener
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits, main_audio_stream, open_container
from liftline.video.process.running import VideoTask, result_of
from liftline.video.process.session import Session
from liftline_renderer.encoding._audio import Timed, add_audio, audio_start_s
from liftline_renderer.encoding.writing import disk_errors

_MIN_TIMESCALE = 10_000
_INDEX_BYTES = 256
"""What the muxer notes of a picture, until it writes the index."""

_HEARD_BEFORE_S, _HEARD_AFTER_S = 10, 1
"""Devices start their sound and stop it a little beside the pictures."""

_PRIMING_S = 1
"""What encoders put before the first sound is shorter."""


class DrawnSegment(Protocol):
    """A drawn segment as `mux` needs it; `MuxSegment`, or one whose file is fetched late."""

    @property
    def path(self) -> Path:
        """Its file. Asked for when its turn has come, in order, so that it may be brought then."""
        ...

    @property
    def frame_index(self) -> NDArray[np.int64]:
        """Which frames of the plan are in it, (N,) rising."""
        ...


@dataclass(frozen=True)
class MuxSegment:
    """A drawn segment: its file, and which frames of the plan are in it, (N,) int64 rising."""

    path: Path
    frame_index: NDArray[np.int64]


def mux(
    segments: Sequence[DrawnSegment],
    *,
    plan: Plan,
    source: VideoOpener | None,
    output: Path,
    stop: StopToken,
    limits: VideoLimits = DEFAULT_LIMITS,
) -> None:
    """Write `output`: whole or not at all. Without `source` there is no audio.

    The video's first timestamp becomes 0, or later if audio begins earlier; all differences stay exact. Audio is heard
    while there are pictures, and a little before and after.

    Raises InvalidVideoError (no frame at all, it crashes libav), LimitExceededError (too much memory or time),
    InvalidArtifactError (segments don't match), OutputError, Cancelled.
    """
    drawn = [segment for segment in segments if len(segment.frame_index)]
    if not drawn:
        raise InvalidVideoError(f"{plan.info.name}: none of its frames can be decoded; export it again.")
    lengths = [len(segment.frame_index) for segment in drawn]
    plan_bytes, index = plan_file.to_bytes(plan), np.concatenate([segment.frame_index for segment in drawn])
    with atomic_path(output) as temporary:
        result_of(
            VideoTask(
                function=f"{__name__}:{mux_here.__name__}",
                name=plan.info.name,
                request={"output": str(temporary), "lengths": lengths, "with_sound": source is not None},
                payload=index.astype("<i8").tobytes() + plan_bytes,
                opener=source,
                stop=stop,
                memory_mb=limits.max_memory_mb + (_INDEX_BYTES * plan.frame_count >> 20),
                answers={"segment": lambda number: str(drawn[number].path.absolute())},
            )
        )


def mux_here(session: Session, request: dict[str, Any], payload: bytes) -> None:
    """`mux`, in the process that runs it."""
    lengths = request["lengths"]
    index = np.frombuffer(payload, "<i8", sum(lengths))
    plan = plan_file.from_bytes(payload[index.nbytes :])
    parts = np.split(index, np.cumsum(lengths)[:-1])
    drawn = [_AskedSegment(session, number, part) for number, part in enumerate(parts)]
    _mux(drawn, plan, session.opener if request["with_sound"] else None, Path(request["output"]), session.alive)


@dataclass(frozen=True)
class _AskedSegment:
    """A drawn segment whose path the parent tells when its turn has come."""

    session: Session
    number: int
    frame_index: NDArray[np.int64]

    @cached_property
    def path(self) -> Path:
        return Path(self.session.ask("segment", self.number))


def _mux(drawn: Sequence[DrawnSegment], plan: Plan, source: VideoOpener | None, output: Path, stop: StopToken) -> None:
    with ExitStack() as stack:
        container = stack.enter_context(open_container(source, name=plan.info.name)) if source is not None else None
        heard = main_audio_stream(container) if container is not None else None
        clock = _Clock.of(plan, audio_start_s(heard) if heard is not None else None)
        stack.enter_context(disk_errors())
        target = stack.enter_context(_create(output, clock.timescale))
        video = _add_video(target, drawn[0].path, clock.timescale)
        tracks = [_video_packets(drawn, plan, clock, video)]
        if container is not None and heard is not None:
            shift_s = clock.lead_s - clock.start_s
            tracks.append(add_audio(target, container, heard, shift_s=shift_s, span_s=clock.heard_s))
        for _, packet in heapq.merge(*tracks, key=lambda timed: timed[0]):
            stop.raise_if_stopped()
            target.mux(packet)


@dataclass(frozen=True)
class _Clock:
    """The output track's time: ticks are a fraction of the plan's unit, so that no timestamp is rounded.

    start_s: the source's time of the first frame; lead_s: how much earlier its audio begins.
    """

    timescale: int
    ticks_per_unit: int
    start_s: Fraction
    lead_s: Fraction
    start_pts: int
    end_pts: int

    @classmethod
    def of(cls, plan: Plan, audio_start_s: Fraction | None) -> _Clock:
        base = plan.info.time_base
        factor = -(-_MIN_TIMESCALE // base.denominator)
        start, last = int(plan.pts[0]), int(plan.pts[-1])
        lead = max(Fraction(0), start * base - audio_start_s) if audio_start_s is not None else Fraction(0)
        return cls(
            timescale=base.denominator * factor,
            ticks_per_unit=base.numerator * factor,
            start_s=start * base,
            lead_s=min(lead, Fraction(_HEARD_BEFORE_S)),
            start_pts=start,
            end_pts=max(last + 1, start + round(Fraction(plan.info.duration_s) / base)),
        )

    @property
    def heard_s(self) -> tuple[Fraction, Fraction]:
        """From when to when sound counts, in the source's time."""
        length_s = Fraction((self.end_pts - self.start_pts) * self.ticks_per_unit, self.timescale)
        priming_s = 0 if self.lead_s == _HEARD_BEFORE_S else _PRIMING_S
        return self.start_s - self.lead_s - priming_s, self.start_s + length_s + _HEARD_AFTER_S

    def ticks(self, pts: int) -> int:
        """A plan's pts in ticks of the output track."""
        return (pts - self.start_pts) * self.ticks_per_unit + round(self.lead_s * self.timescale)


def _create(path: Path, timescale: int) -> OutputContainer:
    options = {"movflags": "faststart", "video_track_timescale": str(timescale), "movie_timescale": str(timescale)}
    return av.open(str(path.absolute()), "w", format="mp4", options=options)


def _add_video(target: OutputContainer, first: Path, timescale: int) -> VideoStream:
    with _open_segment(first) as segment:
        video = target.add_stream_from_template(segment.streams.video[0])
    video.time_base = Fraction(1, timescale)
    return video


@contextmanager
def _open_segment(path: Path) -> Iterator[InputContainer]:
    if not path.is_file() or path.stat().st_size == 0:
        raise InvalidArtifactError(f"{path}: not a readable segment (missing or empty); render it again.")
    try:
        with path.open("rb") as file, av.open(file, "r", format="mp4") as container:
            if len(container.streams.video) != 1:
                raise InvalidArtifactError(f"{path}: a drawn segment must hold one video stream; render it again.")
            yield container
    except av.error.InvalidDataError as error:
        raise InvalidArtifactError(f"{path}: not a readable segment ({error}); render it again.") from error


def _video_packets(segments: Sequence[DrawnSegment], plan: Plan, clock: _Clock, video: VideoStream) -> Iterator[Timed]:
    """Every drawn frame's packet with the plan's time; the gap a missing frame leaves is filled by the one before."""
    parameters = bytes(video.codec_context.extradata or b"")
    index = np.concatenate([segment.frame_index for segment in segments])
    ends = [*(int(plan.pts[i]) for i in index[1:]), clock.end_pts]
    frames = zip(index.tolist(), ends, strict=True)
    for segment in segments:
        with _open_segment(segment.path) as container:
            stream = container.streams.video[0]
            if bytes(stream.codec_context.extradata or b"") != parameters:
                raise InvalidArtifactError(f"{segment.path}: encoded with other settings than the first segment.")
            count = 0
            for packet in container.demux(stream):
                if not packet.size:
                    continue
                count += 1
                if count > len(segment.frame_index):
                    break
                frame, end = next(frames)
                start = clock.ticks(int(plan.pts[frame]))
                packet.stream, packet.time_base = video, Fraction(1, clock.timescale)
                packet.pts = packet.dts = start
                packet.duration = clock.ticks(end) - start
                yield start / clock.timescale, packet
        if count != len(segment.frame_index):
            raise InvalidArtifactError(
                f"{segment.path}: holds {count} frames or more, its index {len(segment.frame_index)}; render it again."
            )
