"""The source's audio in the final mp4: packets copied where players know the codec, else encoded to AAC."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Any, TypeAlias

import av
import structlog
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet

from liftline.video.opening import data_packets

log = structlog.get_logger(__name__)

_LOWEST_MP3_RATE = 16_000
_AAC_RATES = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000, 64000, 88200, 96000)
_AAC_FRAME_SAMPLES = 1024
_BITS_PER_CHANNEL = 96_000
_AAC_LAYOUTS = {
    **{name: name for name in ("mono", "stereo", "3.0", "4.0", "5.0", "5.1")},
    "5.0(side)": "5.0",
    "5.1(side)": "5.1",
}
"""Channel layouts that every AAC decoder knows; all others are mixed down to stereo."""

Timed: TypeAlias = "tuple[float, Packet[Any]]"
"""A packet of the output and its time in seconds."""

_Packets: TypeAlias = "Iterator[Packet[AudioStream]]"


def audio_start_s(stream: AudioStream) -> Fraction:
    """When the audio is first heard, in the source's time; encoder priming before it doesn't count."""
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def add_audio(
    target: OutputContainer,
    source: InputContainer,
    stream: AudioStream,
    *,
    shift_s: Fraction,
    span_s: tuple[Fraction, Fraction],
) -> Iterator[Timed]:
    """Add an audio track to `target`; its packets, each `shift_s` later than in the source, follow from the result.

    Only those within `span_s`, from when to when in the source's time, are read: sound may last for days.
    """
    packets = _within(_packets(source, stream), span_s)
    codec, rate = stream.codec_context.codec.canonical_name, stream.rate or 48_000
    known = bool(stream.rate and stream.channels)  # not so where it begins after what was probed
    if known and (codec == "aac" or (codec == "mp3" and rate >= _LOWEST_MP3_RATE)):
        return _copied(packets, target.add_stream_from_template(stream), shift_s)
    rate = min(_AAC_RATES, key=lambda known: abs(known - rate))
    layout = _AAC_LAYOUTS.get(stream.layout.name, "stereo")
    encoder = target.add_stream("aac", rate=rate)
    encoder.codec_context.layout = layout
    encoder.codec_context.bit_rate = _BITS_PER_CHANNEL * encoder.codec_context.channels
    encoder.codec_context.time_base = Fraction(1, rate)
    return _encoded(packets, stream, encoder, shift_s)


def _copied(packets: _Packets, copy: AudioStream, shift_s: Fraction) -> Iterator[Timed]:
    last: int | None = None
    for packet in packets:
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None or (last is not None and at <= last):
            continue
        last = at
        packet.stream = copy
        packet.pts = packet.dts = at + round(shift_s / packet.time_base)
        yield float(packet.pts * packet.time_base), packet


def _encoded(packets: _Packets, stream: AudioStream, encoder: AudioStream, shift_s: Fraction) -> Iterator[Timed]:
    shift = round(shift_s * encoder.rate)
    for frame in chain(_resampled(packets, stream, encoder), [None]):
        for packet in encoder.encode(frame):
            if packet.pts is None:
                continue
            packet.pts = packet.dts = packet.pts + shift
            yield packet.pts / encoder.rate, packet


def _resampled(packets: _Packets, stream: AudioStream, encoder: AudioStream) -> Iterator[AudioFrame]:
    """The decoded audio as the encoder wants it, silence where there are gaps."""
    resampler, kind = _resampler(encoder), None
    for frame in _decoded(packets, stream):
        was, kind = kind, (frame.format.name, frame.layout.name, frame.sample_rate)
        if was is not None and kind != was:
            yield from resampler.resample(None)
            resampler = _resampler(encoder)
        yield from resampler.resample(frame)
    yield from resampler.resample(None)


def _resampler(encoder: AudioStream) -> AudioResampler:
    return AudioResampler(
        format=encoder.format.name,
        layout=encoder.layout.name,
        rate=encoder.rate,
        frame_size=_AAC_FRAME_SAMPLES,
        options={"async": "1"},
    )


def _decoded(packets: _Packets, stream: AudioStream) -> Iterator[AudioFrame]:
    damaged = 0
    for packet in chain(packets, [None]):
        try:
            yield from stream.decode(packet)
        except MemoryError:
            raise
        except av.FFmpegError:
            damaged += 1
    if damaged:
        log.warning("audio_not_decoded", packets=damaged)


def _within(packets: _Packets, span_s: tuple[Fraction, Fraction]) -> _Packets:
    """Those that are heard then; packets without a time go along."""
    start_s, end_s = span_s
    for packet in packets:
        at = packet.pts if packet.pts is not None else packet.dts
        if at is not None and at * packet.time_base >= end_s:
            return
        if at is None or at * packet.time_base >= start_s:
            yield packet


def _packets(source: InputContainer, stream: AudioStream) -> _Packets:
    """Packets with data, up to where the source can't be read any further."""
    try:
        yield from data_packets(source, stream)
    except av.FFmpegError as error:
        log.warning("audio_cut_off", reason=str(error))
