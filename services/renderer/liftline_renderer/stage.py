"""The render stage: one segment of a video, with its poses drawn, as an encoded segment file."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.files.atomic import atomic_path
from liftline.frames import Frame
from liftline.pipelining import reading_ahead, writing_behind
from liftline.plan import Plan, Segment
from liftline.ports import Progress, StopToken, VideoOpener
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits
from liftline.video.reading import read_frames
from liftline_renderer.compositor import Compositor
from liftline_renderer.drawing.strokes import Image
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.layout import RenderSettings, output_size

__all__ = ["RenderSettings", "output_size", "render_segment"]

FRAMES_AHEAD, PICTURES_BEHIND = 3, 3
"""Decoded frames waiting to be drawn, and drawn pictures waiting to be encoded."""


def render_segment(
    opener: VideoOpener,
    plan: Plan,
    segment: Segment,
    poses: Poses,
    scene: Scene,
    output: Path,
    *,
    settings: RenderSettings,
    stop: StopToken,
    progress: Progress,
    limits: VideoLimits = DEFAULT_LIMITS,
) -> NDArray[np.int64]:
    """Decode, draw and encode one segment; the file appears whole or not at all.

    Returns the indices of the frames in it, rising: frames that can't be decoded are left out.
    Raises Cancelled, InvalidVideoError, LimitExceededError, OutputError.
    """
    cv2.setNumThreads(1)  # decoding and encoding run beside it; OpenCV's own threads would only get in their way
    compositor = Compositor(plan.info.width_px, plan.info.height_px, poses, scene, settings)
    frames = read_frames(opener, plan, start=segment.start, stop=segment.stop, stop_token=stop, limits=limits)
    written: list[int] = []
    try:
        with (
            atomic_path(output) as temporary,
            reading_ahead(_with_source_errors(frames), capacity=FRAMES_AHEAD) as decoded,
            writing_behind(partial(_encode, temporary, plan, compositor), capacity=PICTURES_BEHIND) as encode,
        ):
            for frame in decoded:
                stop.raise_if_stopped()
                encode((compositor.draw(frame), int(plan.pts[frame.index])))
                progress.advance(frame.index + 1 - (written[-1] + 1 if written else segment.start))
                written.append(frame.index)
    except _SourceError as failure:
        raise failure.error from failure.error.__cause__
    progress.advance(segment.stop - (written[-1] + 1 if written else segment.start))
    return np.array(written, np.int64)


class _SourceError(Exception):
    """Reading the video failed with an OSError, which must not be taken for one of the output."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


def _with_source_errors(frames: Iterator[Frame]) -> Iterator[Frame]:
    try:
        yield from frames
    except OSError as error:
        raise _SourceError(error) from error


def _encode(path: Path, plan: Plan, compositor: Compositor, pictures: Iterator[tuple[Image, int]]) -> None:
    with SegmentWriter(
        path,
        width_px=compositor.panes.width,
        height_px=compositor.panes.height,
        time_base=plan.info.time_base,
        rate=plan.info.average_rate,
    ) as writer:
        for picture, pts in pictures:
            writer.write(picture, pts=pts)
