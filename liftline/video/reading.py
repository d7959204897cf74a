"""Reading a range of a plan's frames as upright, square-pixel RGB, in order, in a process of limited memory."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from typing import Any

import numpy as np
import structlog
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, VideoReformatter
from numpy.typing import NDArray

from liftline import plan as plan_file
from liftline.errors import InvalidVideoError
from liftline.frames import Frame, VideoInfo
from liftline.plan import Plan
from liftline.ports import StopToken, VideoOpener
from liftline.processors import processors
from liftline.video import colour
from liftline.video._decoding import Indexed, RangeDecoder
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits, open_container
from liftline.video.orientation import put_upright
from liftline.video.process.pictures import SharedPictures
from liftline.video.process.running import VideoTask, run
from liftline.video.process.session import Session

_MOST_THREADS = 4
"""Each has pictures of its own in work, about 22 MB at 4K. libav would take up to 16, by the processors of the machine;
a pod's memory would grow with its node, and decoding isn't what takes the time."""
log = structlog.get_logger(__name__)


def read_frames(
    opener: VideoOpener,
    plan: Plan,
    *,
    start: int,
    stop: int,
    stop_token: StopToken,
    threads: int | None = None,
    limits: VideoLimits = DEFAULT_LIMITS,
) -> Generator[Frame]:
    """Frames start..stop-1 of the plan, ascending; those that can't be decoded are left out, and their number logged.

    Pixels don't depend on where reading starts, nor on `threads`, a few by default. Pictures of another size than the
    plan's are scaled to it, with black bars if they lie where the plan's stand. A frame's memory is used again once
    nothing refers to it. Close it where it isn't read to the end.

    Raises InvalidVideoError when the whole video was asked for and nothing decodes, or it crashes libav,
    LimitExceededError where it takes more memory than `limits` allow or too long, ValueError for a bad range.
    """
    if not 0 <= start <= stop <= plan.frame_count:
        raise ValueError(f"frames {start}..{stop} are not in 0..{plan.frame_count}")
    if start == stop:
        return
    times, count = plan.frame_times_s, 0
    threads = threads or min(processors() + 1, _MOST_THREADS)  # one more, as libav: one is being handed over
    task = VideoTask(
        function=f"{__name__}:{read_here.__name__}",
        name=plan.info.name,
        request={"start": start, "stop": stop, "threads": threads, "max_pixels": limits.max_pixels},
        payload=plan_file.to_bytes(plan),
        opener=opener,
        stop=stop_token,
        memory_mb=limits.max_memory_mb,
    )
    with (
        closing(SharedPictures(plan.info.height_px, plan.info.width_px)) as pictures,
        closing(run(task, pictures)) as steps,
    ):
        for room, index in steps:
            yield Frame(index, float(times[index]), pictures.take(room))
            count += 1
    if count == 0 and (start, stop) == (0, plan.frame_count):
        raise InvalidVideoError(f"{plan.info.name}: none of its {stop} frames can be decoded; export it again.")
    if count < stop - start:
        log.warning("frames_not_decoded", video=plan.info.name, start=start, stop=stop, missing=stop - start - count)


def read_here(session: Session, request: dict[str, Any], plan_bytes: bytes) -> None:
    """`read_frames`, in the process that runs it."""
    plan = plan_file.from_bytes(plan_bytes)
    picture = _Picture(plan.info)
    for index, frame in _decode(session, plan, **request):
        room, out = session.room()
        picture.draw(frame, out)
        session.put(room, index)


def _decode(session: Session, plan: Plan, *, start: int, stop: int, threads: int, max_pixels: int) -> Iterator[Indexed]:
    """Decode with many threads; with one from there on, if that takes too much memory or the file's end is damaged.

    Several frames are in work at once when the end is reached, and one that fails takes the others with it.
    """
    limits = VideoLimits(max_pixels=max(max_pixels, plan.info.coded_width_px * plan.info.coded_height_px))
    for count in dict.fromkeys((threads, 1)):
        try:
            with open_container(session.opener, name=plan.info.name, limits=limits) as container:
                decoder = RangeDecoder(container, plan, threads=count, stop_token=session.alive)
                for index, frame in decoder.frames(start, stop):
                    yield index, frame
                    start = index + 1
        except MemoryError:
            if count == 1:
                raise
            continue
        if start == stop or not decoder.drained or not plan.exact_times:
            return


class _Picture:
    """Converts decoded frames of one video; keeps the swscale context between frames."""

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        turned = info.rotation_deg in (90, 270)
        self._width = info.height_px if turned else info.width_px
        self._height = info.width_px if turned else info.height_px
        self._reformatter = VideoReformatter()
        self._size_changed = False

    def draw(self, frame: VideoFrame, out: NDArray[np.uint8]) -> None:
        """Onto (H,W,3) uint8: upright, with square pixels, of the plan's size whatever the frame's."""
        width, height = self._size_of(frame)
        converted = self._reformatter.reformat(
            frame,
            width=width,
            height=height,
            format="rgb24",
            src_colorspace=colour.swscale_matrix(colour.matrix_name(frame)),
            src_color_range=colour.swscale_range(colour.range_name(frame)),
            dst_color_range=ColorRange.JPEG,
            threads=1,
        )
        rgb = _pixels(converted)
        if (width, height) != (self._width, self._height):
            rgb = _centred(rgb, self._width, self._height)
        put_upright(rgb, out, rotation_deg=self._info.rotation_deg, mirrored=self._info.mirrored)

    def _size_of(self, frame: VideoFrame) -> tuple[int, int]:
        """The whole picture; for one that turned from landscape to portrait or back, what fits in between bars."""
        coded = self._info.coded_width_px, self._info.coded_height_px
        if (frame.width, frame.height) == coded:
            return self._width, self._height
        if not self._size_changed:
            self._size_changed = True
            log.warning("picture_size_changed", video=self._info.name, planned=coded, found=(frame.width, frame.height))
        if (frame.width > frame.height) == (coded[0] > coded[1]):  # square pixels or not, broadcasts keep the view
            return self._width, self._height
        width = frame.width * float(self._info.sample_aspect_ratio)
        scale = min(self._width / width, self._height / frame.height)
        return max(1, round(width * scale)), max(1, round(frame.height * scale))


def _pixels(frame: VideoFrame) -> NDArray[np.uint8]:
    """(H,W,3) over libav's own memory, which is the frame's."""
    plane = frame.planes[0]
    rows: NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(frame.height, plane.line_size)
    return rows[:, : 3 * frame.width].reshape(frame.height, frame.width, 3)


def _centred(rgb: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    framed = np.zeros((height, width, 3), np.uint8)
    top, left = (height - rgb.shape[0]) // 2, (width - rgb.shape[1]) // 2
    framed[top : top + rgb.shape[0], left : left + rgb.shape[1]] = rgb
    return framed
