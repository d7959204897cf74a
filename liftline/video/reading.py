"""Decoding a range of a plan's frames to upright, square-pixel RGB, in order, with bounded memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing

import av
import numpy as np
import structlog
from av.container import InputContainer
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from liftline.errors import InvalidVideoError
from liftline.plan import Plan
from liftline.ports import StopToken, VideoOpener
from liftline.video import colour
from liftline.video.frames import Frame, VideoInfo
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits, main_video_stream, open_container
from liftline.video.orientation import upright

log = structlog.get_logger(__name__)

_Indexed = tuple[int, VideoFrame]

_SEEK_BACK_S = (0.0, 1.0, 5.0, 30.0)
"""How much before the wanted frame to look for a key frame, in turn, until decoding delivers that frame."""


def read_frames(
    opener: VideoOpener, plan: Plan, *, start: int, stop: int, stop_token: StopToken, threads: int = 0
) -> Iterator[Frame]:
    """Frames start..stop-1 of the plan, ascending; those that can't be decoded are left out.

    Pixels don't depend on where reading starts, nor on `threads` (0: as many as there are cores).

    Raises InvalidVideoError when the whole video was asked for and nothing decodes, ValueError for a bad range.
    """
    if not 0 <= start <= stop <= plan.frame_count:
        raise ValueError(f"frames {start}..{stop} are not in 0..{plan.frame_count}")
    if start == stop:
        return
    picture, times, count = _Picture(plan.info), plan.frame_times_s, 0
    pixels = max(DEFAULT_LIMITS.max_pixels, plan.info.coded_width_px * plan.info.coded_height_px)
    with open_container(opener, name=plan.info.name, limits=VideoLimits(max_pixels=pixels)) as container:
        stream = main_video_stream(container, name=plan.info.name)
        stream.thread_type = "AUTO"
        stream.thread_count = threads
        with closing(_decode_range(container, stream, plan, start, stop, stop_token)) as decoded:
            for index, frame in decoded:
                yield Frame(index, float(times[index]), picture.rgb(frame))
                count += 1
    if count == 0 and (start, stop) == (0, plan.frame_count):
        raise InvalidVideoError(f"{plan.info.name}: none of its {stop} frames can be decoded; export it again.")
    if count < stop - start:
        log.warning("frames_not_decoded", video=plan.info.name, start=start, stop=stop, missing=stop - start - count)


class _Picture:
    """Converts decoded frames of one video; keeps the swscale context between frames."""

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        turned = info.rotation_deg in (90, 270)
        self._width = info.height_px if turned else info.width_px
        self._height = info.width_px if turned else info.height_px
        self._reformatter = VideoReformatter()

    def rgb(self, frame: VideoFrame) -> NDArray[np.uint8]:
        """(H,W,3) uint8, upright, square pixels, of the plan's size whatever the frame's."""
        matrix = colour.swscale_matrix(colour.matrix_name(frame))
        converted = self._reformatter.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="rgb24",
            src_colorspace=matrix,
            src_color_range=colour.swscale_range(colour.range_name(frame)),
            dst_color_range=ColorRange.JPEG,
        )
        return upright(
            converted.to_ndarray().astype(np.uint8, copy=False),
            rotation_deg=self._info.rotation_deg,
            mirrored=self._info.mirrored,
        )


def _decode_range(
    container: InputContainer, stream: VideoStream, plan: Plan, start: int, stop: int, stop_token: StopToken
) -> Generator[_Indexed]:
    """(index, frame) of start..stop-1, from a key frame early enough that frame `start` is among them if it decodes."""
    frames, first = _begin(container, stream, plan, start, stop, stop_token)
    if first is None or first[0] >= stop:
        return
    yield first
    if first[0] == stop - 1:
        return
    for index, frame in frames:
        if index < stop:
            yield index, frame
        if index >= stop - 1:
            return


def _begin(
    container: InputContainer, stream: VideoStream, plan: Plan, start: int, stop: int, stop_token: StopToken
) -> tuple[Iterator[_Indexed], _Indexed | None]:
    """The first frame from `start` on and those after it, reading from further back while frame `start` is missing.

    Key frames in an index carry decoding times, and the pictures after one may need an earlier one (open GOPs). Only
    when the whole range seems missing is the video read from its beginning.
    """
    from_beginning = start == 0 or not plan.exact_times
    if not from_beginning:
        for back_s in _SEEK_BACK_S:
            if not _seek(container, stream, int(plan.pts[start]) - round(back_s / plan.info.time_base)):
                break
            frames, first = _first_from(container, stream, plan, start, stop_token)
            if first is not None and first[0] == start:
                return frames, first
        else:
            if first is not None and first[0] < stop:
                return frames, first
        _seek(container, stream, int(plan.pts[0]) - round(_SEEK_BACK_S[-1] / plan.info.time_base))
    return _first_from(container, stream, plan, start, stop_token)


def _first_from(
    container: InputContainer, stream: VideoStream, plan: Plan, start: int, stop_token: StopToken
) -> tuple[Iterator[_Indexed], _Indexed | None]:
    frames = _indexed(container, stream, plan, stop_token)
    return frames, next((item for item in frames if item[0] >= start), None)


def _seek(container: InputContainer, stream: VideoStream, pts: int) -> bool:
    try:
        container.seek(pts, stream=stream, backward=True)
    except av.FFmpegError:
        return False
    return True


def _indexed(container: InputContainer, stream: VideoStream, plan: Plan, stop_token: StopToken) -> Iterator[_Indexed]:
    """Decoded frames with their place in the plan; frames the plan doesn't know are dropped."""
    last = -1
    for frame in _decoded(container, stream, stop_token):
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


def _decoded(container: InputContainer, stream: VideoStream, stop_token: StopToken) -> Iterator[VideoFrame]:
    """Every picture from here to the end; packets that fail are skipped, a file that can't be read on ends it."""
    packets = container.demux(stream)
    while True:
        stop_token.raise_if_stopped()
        try:
            packet = next(packets, None)
        except av.FFmpegError:
            break
        if packet is None:
            break
        if packet.size:  # an empty packet would drain the decoder
            yield from _decode(stream, packet)
    yield from _decode(stream, None)


def _decode(stream: VideoStream, packet: Packet[VideoStream] | None) -> list[VideoFrame]:
    try:
        return stream.codec_context.decode(packet)
    except av.FFmpegError:
        return []
