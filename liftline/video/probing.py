"""Decoding a video's first pictures, for what its packets don't tell: orientation, colours, fields, order."""

from __future__ import annotations

import av
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

_PICTURES = 12
"""More than any common group of reordered pictures holds."""


class Probe:
    """Fed with a stream's packets until it has seen enough.

    first: the first picture; interlaced: whether one is made of two fields taken one after the other; in_order: whether
    their timestamps rise as a decoder puts them out (they don't where a file's timestamps are in stored order).
    """

    def __init__(self, stream: VideoStream) -> None:
        """One thread: the first picture must not wait for as many packets as there are threads."""
        stream.codec_context.thread_count = 1
        self._context, self._count, self._last_pts = stream.codec_context, 0, -(1 << 63)
        self.first: VideoFrame | None = None
        self.interlaced, self.in_order = False, True

    def feed(self, packet: Packet[Stream] | None) -> None:
        """Look at one more packet; None: there are no more."""
        if self._count >= _PICTURES:
            return
        try:
            frames = self._context.decode(packet)
        except av.FFmpegError:  # a later packet may decode; a file where none does has no first frame
            return
        for frame in frames:
            self._note(frame)

    def _note(self, frame: VideoFrame) -> None:
        self._count += 1
        self.first = self.first or frame
        self.interlaced |= frame.interlaced_frame
        if frame.pts is not None:
            self.in_order &= frame.pts > self._last_pts
            self._last_pts = frame.pts
