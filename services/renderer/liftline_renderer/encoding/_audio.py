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


def audio_start_s(stream: AudioStream) -> Fraction:
    """When the audio is first heard, in the source's time; encoder priming before it doesn't count."""
    return (stream.start_time or 0) * (stream.time_base or Fraction(0))


def add_audio(
    target: OutputContainer, source: InputContainer, stream: AudioStream, *, shift_s: Fraction
) -> Iterator[Timed]:
    """Add an audio track to `target`; its packets, each `shift_s` later than in the source, follow from the result."""
    codec, rate = stream.codec_context.codec.canonical_name, stream.rate or 48_000
    known = bool(stream.rate and stream.channels)  # not so where it begins after what was probed
    if known and (codec == "aac" or (codec == "mp3" and rate >= _LOWEST_MP3_RATE)):
        return _copied(source, stream, target.add_stream_from_template(stream), shift_s)
    rate = min(_AAC_RATES, key=lambda known: abs(known - rate))
    layout = _AAC_LAYOUTS.get(stream.layout.name, "stereo")
    encoder = target.add_stream("aac", rate=rate)
    encoder.codec_context.layout = layout
    encoder.codec_context.bit_rate = _BITS_PER_CHANNEL * encoder.codec_context.channels
    encoder.codec_context.time_base = Fraction(1, rate)
    return _encoded(source, stream, encoder, shift_s)


def _copied(source: InputContainer, stream: AudioStream, copy: AudioStream, shift_s: Fraction) -> Iterator[Timed]:
    last: int | None = None
    for packet in _packets(source, stream):
        at = packet.pts if packet.pts is not None else packet.dts
        if at is None or (last is not None and at <= last):
            continue
        last = at
        packet.stream = copy
        packet.pts = packet.dts = at + round(shift_s / packet.time_base)
        yield float(packet.pts * packet.time_base), packet


def _encoded(source: InputContainer, stream: AudioStream, encoder: AudioStream, shift_s: Fraction) -> Iterator[Timed]:
    shift = round(shift_s * encoder.rate)
    for frame in chain(_resampled(source, stream, encoder), [None]):
        for packet in encoder.encode(frame):
            if packet.pts is None:
                continue
            packet.pts = packet.dts = packet.pts + shift
            yield packet.pts / encoder.rate, packet


def _resampled(source: InputContainer, stream: AudioStream, encoder: AudioStream) -> Iterator[AudioFrame]:
    """The decoded audio as the encoder wants it, silence where there are gaps."""
    resampler, kind = _resampler(encoder), None
    for frame in _decoded(source, stream):
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


def _decoded(source: InputContainer, stream: AudioStream) -> Iterator[AudioFrame]:
    damaged = 0
    for packet in chain(_packets(source, stream), [None]):
        try:
            yield from stream.decode(packet)
        except av.FFmpegError:
            damaged += 1
    if damaged:
        log.warning("audio_not_decoded", packets=damaged)


def _packets(source: InputContainer, stream: AudioStream) -> Iterator[Packet[AudioStream]]:
    """Packets with data, up to where the source can't be read any further."""
    try:
        yield from data_packets(source, stream)
    except av.FFmpegError as error:
        log.warning("audio_cut_off", reason=str(error))
