"""Decoding a video's first pictures, for what its packets don't tell: orientation, colours, fields, order."""

from __future__ import annotations

import av
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from liftline.video.opening import raise_if_out_of_memory

_PICTURES = 12
"""More than any common group of reordered pictures holds."""

_MAX_STEPS_BACK = 1


class Probe:
    """Fed with a stream's packets until it has seen enough.

    first: the first picture; interlaced: whether one is made of two fields taken one after the other.
    """

    def __init__(self, stream: VideoStream) -> None:
        """One thread: the first picture must not wait for as many packets as there are threads."""
        stream.codec_context.thread_count = 1
        self._stream, self._context, self._count = stream, stream.codec_context, 0
        self._last_pts, self._steps_back, self._damaged = -(1 << 63), 0, False
        self.first: VideoFrame | None = None
        self.interlaced = False

    @property
    def in_order(self) -> bool:
        """Whether timestamps rise as a decoder puts frames out; they don't where a file has them in stored order.

        A damaged picture may come out at any place and says nothing.
        """
        return self._damaged or self._steps_back <= _MAX_STEPS_BACK

    def feed(self, packet: Packet[Stream] | None) -> None:
        """Look at one more packet; None: there are no more."""
        if self._count >= _PICTURES:
            return
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError as error:  # a later packet may decode; a file where none does has no first frame
            raise_if_out_of_memory(error, self._stream)
            self._damaged = True
            return
        for frame in frames:
            self._note(frame)

    def _note(self, frame: VideoFrame) -> None:
        self._count += 1
        self.first = self.first or frame
        self.interlaced |= frame.interlaced_frame
        self._damaged |= frame.is_corrupt
        if frame.pts is not None:
            self._steps_back += frame.pts <= self._last_pts
            self._last_pts = frame.pts
