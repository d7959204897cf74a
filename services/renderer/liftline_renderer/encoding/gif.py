"""A GIF of a finished video: two passes, one for the palette and one for the pictures, so that memory stays bounded.

Filters: https://ffmpeg.org/ffmpeg-filters.html, palettegen and paletteuse.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
from av.filter import Graph
from av.filter.context import FilterContext
from av.video.frame import VideoFrame
from av.video.reformatter import Interpolation, VideoReformatter

from liftline.errors import InvalidVideoError
from liftline.files.atomic import atomic_path
from liftline.ports import StopToken, VideoOpener
from liftline.video.opening import local_opener, main_video_stream, open_container
from liftline_renderer.encoding.writing import disk_errors

DEFAULT_MAX_WIDTH_PX, DEFAULT_MAX_FPS = 480, 12
_GIF_TIME_BASE = Fraction(1, 100)


def write_gif(
    source: VideoOpener | Path,
    output: Path,
    *,
    max_width_px: int = DEFAULT_MAX_WIDTH_PX,
    max_fps: int = DEFAULT_MAX_FPS,
    stop: StopToken,
) -> None:
    """Write `source`, an upright mp4 of ours, as an endless GIF of at most that width and rate; whole or not at all.

    Raises InvalidVideoError, OutputError, Cancelled.
    """
    if max_width_px < 2 or not 1 <= max_fps <= 50:
        raise ValueError("max_width_px must be at least 2, max_fps 1 to 50")
    opener = local_opener(source) if isinstance(source, Path) else source
    palette = _palette(_pictures(opener, output.name, max_width_px, max_fps, stop))
    if palette is None:
        raise InvalidVideoError(f"{output.name}: the video it is made from has no frames that decode.")
    with atomic_path(output) as temporary, ExitStack() as stack:
        stack.enter_context(disk_errors())
        target = stack.enter_context(av.open(str(temporary.absolute()), "w", format="gif"))
        stream = target.add_stream("gif", rate=max_fps)
        pictures = _pictures(opener, output.name, max_width_px, max_fps, stop)
        for picture in _with_palette(pictures, palette):
            if not stream.codec_context.is_open:
                stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, "pal8"
                stream.codec_context.time_base = _GIF_TIME_BASE
            target.mux(stream.encode(picture))
        target.mux(stream.encode(None))


def _pictures(opener: VideoOpener, name: str, max_width_px: int, max_fps: int, stop: StopToken) -> Iterator[VideoFrame]:
    """Small RGB frames, at most max_fps of them a second, timed in hundredths of a second from the first."""
    reformatter, next_at, origin = VideoReformatter(), -1, None
    with open_container(opener, name=name) as container:
        stream = main_video_stream(container, name=name)
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            stop.raise_if_stopped()
            if frame.pts is None or frame.time_base is None:
                continue
            origin = frame.pts if origin is None else origin
            at = round((frame.pts - origin) * frame.time_base / _GIF_TIME_BASE)
            if at < next_at:
                continue
            next_at = at + round(1 / (max_fps * _GIF_TIME_BASE))
            yield _small(reformatter, frame, max_width_px, at)


def _small(reformatter: VideoReformatter, frame: VideoFrame, max_width_px: int, at: int) -> VideoFrame:
    width = min(frame.width, max_width_px)
    height = max(1, round(frame.height * width / frame.width))
    small = reformatter.reformat(frame, width=width, height=height, format="bgra", interpolation=Interpolation.AREA)
    small.pts, small.time_base = at, _GIF_TIME_BASE
    return small


def _source(graph: Graph, frame: VideoFrame) -> FilterContext:
    return graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=_GIF_TIME_BASE)


def _palette(pictures: Iterator[VideoFrame]) -> VideoFrame | None:
    """The 256 colours that suit all pictures; None when there are no pictures."""
    first = next(pictures, None)
    if first is None:
        return None
    graph = Graph()
    source, sink = _source(graph, first), graph.add("buffersink")
    graph.link_nodes(source, graph.add("palettegen", reserve_transparent="0"), sink).configure()
    for picture in chain([first], pictures):
        source.push(picture)
    source.push(None)
    palette = sink.pull()
    return palette if isinstance(palette, VideoFrame) else None


def _with_palette(pictures: Iterator[VideoFrame], palette: VideoFrame) -> Iterator[VideoFrame]:
    """The pictures in the palette's colours."""
    first = next(pictures, None)
    if first is None:
        return
    graph = Graph()
    source, colours = _source(graph, first), _source(graph, palette)
    use, sink = graph.add("paletteuse", dither="bayer", bayer_scale="4", diff_mode="rectangle"), graph.add("buffersink")
    source.link_to(use, 0, 0)
    colours.link_to(use, 0, 1)
    use.link_to(sink)
    graph.configure()
    colours.push(palette)
    colours.push(None)
    for picture in chain([first], pictures, [None]):
        source.push(picture)
        yield from _pulled(sink)


def _pulled(sink: FilterContext) -> Iterator[VideoFrame]:
    """What the filters have ready."""
    while True:
        try:
            frame = sink.pull()
        except (av.error.BlockingIOError, av.error.EOFError):
            return
        if isinstance(frame, VideoFrame):
            yield frame
