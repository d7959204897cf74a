"""Decoded pictures of a range of a plan's frames: seeking, matching timestamps to the plan, surviving damage."""

from __future__ import annotations

from collections.abc import Iterator

import av
import numpy as np
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from liftline.plan import Plan
from liftline.ports import StopToken
from liftline.video.opening import data_packets, main_video_stream, raise_if_out_of_memory

Indexed = tuple[int, VideoFrame]
"""A picture and its place in the plan."""

_SEEK_BACK_S = (0.0, 1.0, 5.0, 30.0)
"""How long before the wanted frame to look for a key frame, in turn, until decoding delivers that frame."""


class RangeDecoder:
    """Decodes frames start..stop-1 of a plan from an open container, in order; those that fail are left out."""

    def __init__(self, container: InputContainer, plan: Plan, *, threads: int, stop_token: StopToken) -> None:
        """The container must not have been read from."""
        self._container, self._plan, self._stop_token = container, plan, stop_token
        self._stream: VideoStream = main_video_stream(container, name=plan.info.name)
        self._stream.thread_type = "AUTO"
        self._stream.thread_count = threads
        self.drained = False

    def frames(self, start: int, stop: int) -> Iterator[Indexed]:
        """The pictures. `drained` tells afterwards whether the file ended before frame stop-1 was passed."""
        frames, first = self._begin(start, stop)
        if first is None or first[0] >= stop:
            return
        yield first
        last = first[0]
        while last < stop - 1:
            index, frame = next(frames, (stop, None))
            if frame is None or index >= stop:
                return
            last = index
            yield index, frame

    def _begin(self, start: int, stop: int) -> tuple[Iterator[Indexed], Indexed | None]:
        """The first frame from `start` on and those after it, reading from further back while frame `start` is missing.

        Key frames in an index carry decoding times, and the pictures after one may need an earlier one (open groups of
        pictures). Only when the whole range seems missing is the video read from its beginning.
        """
        if start == 0 or not self._plan.exact_times:
            return self._first_from(start)
        for back_s in _SEEK_BACK_S:
            if not self._seek(start, back_s):
                break
            frames, first = self._first_from(start)
            if first is not None and (first[0] == start or (back_s == _SEEK_BACK_S[-1] and first[0] < stop)):
                return frames, first
        self._seek(0, _SEEK_BACK_S[-1])
        return self._first_from(start)

    def _first_from(self, start: int) -> tuple[Iterator[Indexed], Indexed | None]:
        frames = self._indexed()
        return frames, next((item for item in frames if item[0] >= start), None)

    def _seek(self, index: int, back_s: float) -> bool:
        pts = int(self._plan.pts[index]) - round(back_s / self._plan.info.time_base)
        try:
            self._container.seek(pts, stream=self._stream, backward=True)
        except av.FFmpegError:
            return False
        return True

    def _indexed(self) -> Iterator[Indexed]:
        """Decoded frames with their place in the plan; frames the plan doesn't know are dropped."""
        plan, last = self._plan, -1
        for frame in self._decoded():
            if not plan.exact_times:
                index = last + 1
            elif frame.pts is None:
                continue
            else:
                index = int(np.searchsorted(plan.pts, frame.pts))
                if index <= last or index >= plan.frame_count or plan.pts[index] != frame.pts:
                    continue
            if index >= plan.frame_count:
                return
            last = index
            yield index, frame

    def _decoded(self) -> Iterator[VideoFrame]:
        """Every picture from here on; packets that fail are skipped, a file that can't be read on ends it."""
        self.drained = False
        packets = data_packets(self._container, self._stream)  # an empty packet would drain the decoder
        while (packet := self._next(packets)) is not None:
            self._stop_token.raise_if_stopped()
            yield from self._decode(packet)
        self.drained = True
        yield from self._decode(None)

    def _next(self, packets: Iterator[Packet[VideoStream]]) -> Packet[VideoStream] | None:
        try:
            return next(packets, None)
        except av.FFmpegError:
            return None

    def _decode(self, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
        try:
            return self._stream.codec_context.decode(packet)
        except av.FFmpegError as error:
            raise_if_out_of_memory(error, self._stream)
            return []
