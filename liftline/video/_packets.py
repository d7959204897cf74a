"""Going through all packets of a video once: which frames are shown, when, and whether timestamps can be trusted."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.stream import Discard, Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from liftline.errors import InvalidVideoError, LimitExceededError
from liftline.ports import StopToken
from liftline.video._fields import SecondFields
from liftline.video._probing import Probe
from liftline.video.opening import VideoLimits, data_packets, reason

_MAX_REORDER_FRAMES = 16
"""No codec shows a frame further away from where it is stored; a larger jump is a clock that restarted."""

_MAX_PAUSE_S = 6 * 3600
"""A longer pause is a clock that restarted: MPEG's 33 bits begin again after 26.5 hours, libav takes the one for the
other, and an mp4 file can't hold it."""

_MISSING_TAIL_S = 1.0
_MICROSECOND = Fraction(1, 1_000_000)


@dataclass(frozen=True)
class PacketIndex:
    """pts (F,) int64 ascending in the stream's time base; meaningless numbers, but of the right count, if not `exact`.

    start: time base units of the first frame if any is known. last_duration: of the frame shown last, 0 if unknown.
    warnings are sentences for the user.
    """

    pts: NDArray[np.int64]
    exact: bool
    start: int
    last_duration: int
    first_frame: VideoFrame | None
    interlaced: bool
    warnings: tuple[str, ...]


@dataclass
class _Tally:
    """What is noted while packets go by; all lists in stored order."""

    pts: array[int] = field(default_factory=lambda: array("q"))
    hidden: bool = False
    missing: bool = False
    backwards: bool = False
    start: int | None = None
    last_dts: int | None = None
    latest: tuple[int, int] = (-(1 << 62), 0)
    packets: int = 0
    trailing_corrupt: int = 0
    end_s: Fraction = Fraction(0)
    demux_error: str | None = None


def index_packets(
    container: InputContainer, stream: VideoStream, *, name: str, limits: VideoLimits, stop: StopToken
) -> PacketIndex:
    """Demux everything; decode the first few pictures only.

    Raises InvalidVideoError when there is not one frame, or encrypted ones, LimitExceededError when there are too many.
    """
    tally, probe, hidden = _Tally(), Probe(stream), _hidden_packets(stream)
    for packet in _demux(container, stream, tally):
        stop.raise_if_stopped()
        _note_end(packet, tally)
        if packet.stream_index != stream.index:
            continue
        probe.feed(packet)
        tally.packets += 1
        if packet.has_sidedata("encryption_info"):
            raise InvalidVideoError(f"{name}: its pictures are encrypted (copy protection); give a copy without it.")
        if hidden(packet):
            tally.hidden = True
        elif not packet.is_discard:
            _note_frame(packet, tally)
        if len(tally.pts) > limits.max_frames:
            raise LimitExceededError(f"{name}: more than {limits.max_frames} frames, which is the limit; cut it first.")
    probe.feed(None)
    warnings = _end_warnings(container, stream, tally, name)
    if tally.trailing_corrupt:
        del tally.pts[-tally.trailing_corrupt :]
    if not tally.pts:
        raise InvalidVideoError(f"{name}: its video stream has no frames; export or record it again.")
    return _finish(stream, tally, probe, warnings)


def _demux(container: InputContainer, stream: VideoStream, tally: _Tally) -> Iterator[Packet[Stream]]:
    """Non-empty packets until the end or until the file can't be read on, which is noted."""
    if stream.duration is not None:  # else the other streams tell where the file should end
        for other in container.streams:
            if other.index != stream.index:
                other.discard = Discard.all
    try:
        yield from data_packets(container)
    except av.FFmpegError as error:
        tally.demux_error = reason(error)


def _note_end(packet: Packet[Any], tally: _Tally) -> None:
    at = packet.pts if packet.pts is not None else packet.dts
    if at is not None and packet.time_base:
        tally.end_s = max(tally.end_s, (at + (packet.duration or 0)) * packet.time_base)


def _note_frame(packet: Packet[Any], tally: _Tally) -> None:
    if packet.dts is not None:
        tally.backwards |= tally.last_dts is not None and packet.dts < tally.last_dts
        tally.last_dts = packet.dts
    at = packet.pts if packet.pts is not None else packet.dts
    if at is not None and tally.start is None:
        tally.start = at
    tally.missing |= packet.pts is None
    tally.pts.append(packet.pts if packet.pts is not None else 0)
    if packet.pts is not None:
        tally.latest = max(tally.latest, (packet.pts, packet.duration or 0))
    tally.trailing_corrupt = tally.trailing_corrupt + 1 if packet.is_corrupt else 0


def _hidden_packets(stream: VideoStream) -> Callable[[Packet[Any]], bool]:
    """Tells packets that are no shown frame of their own; to be asked for every packet, in stored order.

    VP8 keeps frames that are only referred to in such (RFC 6386, section 9.1: show_frame), H.264 second fields.
    """
    codec = stream.codec_context.codec.canonical_name
    if codec == "vp8":
        return lambda packet: not memoryview(packet)[0] & 0x10
    if codec == "h264":
        fields = SecondFields(stream.codec_context.extradata)
        return lambda packet: fields.is_second(bytes(packet))
    return lambda _: False


def _end_warnings(container: InputContainer, stream: VideoStream, tally: _Tally, name: str) -> tuple[str, ...]:
    """Whether the file ends before it should."""
    cut = tally.demux_error is not None or tally.trailing_corrupt > 0
    if "mp4" in container.format.name:  # edits may leave out samples, but not from libav's own index
        cut |= len(stream.index_entries) > tally.packets
    else:
        expected = _expected_end(container, stream)
        cut |= expected is not None and tally.end_s + _MISSING_TAIL_S < expected
    if not cut:
        return ()
    shown = len(tally.pts) - tally.trailing_corrupt
    why = f" ({tally.demux_error})" if tally.demux_error else ""
    return (f"{name}: the file is cut off or damaged{why}; the {shown} frames before that are used.",)


def _expected_end(container: InputContainer, stream: VideoStream) -> Fraction | None:
    if stream.duration is not None and stream.time_base:
        return ((stream.start_time or 0) + stream.duration) * stream.time_base
    if container.duration is None:
        return None
    start = 0 if "matroska" in container.format.name else container.start_time or 0  # there, it counts from 0
    return (start + container.duration) * _MICROSECOND


def _finish(stream: VideoStream, tally: _Tally, probe: Probe, warnings: tuple[str, ...]) -> PacketIndex:
    stored = np.array(tally.pts, np.int64)
    order = np.argsort(stored, kind="stable")
    pts = stored[order]
    exact = probe.in_order and not (tally.missing or tally.backwards) and _credible(stream, order, np.diff(pts))
    last, duration = tally.latest
    return PacketIndex(
        pts=pts,
        exact=exact,
        start=int(pts[0]) if exact else tally.start or 0,
        last_duration=duration if exact and last == pts[-1] and not tally.hidden else 0,
        first_frame=probe.first,
        interlaced=probe.interlaced,
        warnings=warnings,
    )


def _credible(stream: VideoStream, order: NDArray[np.int64], steps: NDArray[np.int64]) -> bool:
    """Whether frames are stored about where they are shown (`order`), one at a time, without a pause of hours."""
    limit = _MAX_REORDER_FRAMES if stream.codec_context.reorder_depth else 0
    if np.abs(order - np.arange(len(order))).max() > limit:
        return False
    return not len(steps) or (int(steps.min()) > 0 and int(steps.max()) * (stream.time_base or 0) <= _MAX_PAUSE_S)
