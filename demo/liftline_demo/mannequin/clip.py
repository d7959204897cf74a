"""Renders the walk to an H.264 file with its exact truth beside it; the same arguments give the same picture."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, partial
from multiprocessing import get_context
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline import poses
from liftline.files.atomic import atomic_path
from liftline.ports import Progress, StopToken
from liftline.processors import processors
from liftline_demo.mannequin.figure import body_of
from liftline_demo.mannequin.gait import Pose, Walk, pose_at
from liftline_demo.mannequin.raymarch import trace
from liftline_demo.mannequin.shading import SUN, EmptyRoom, paint, room
from liftline_demo.mannequin.truth import truth_of
from liftline_demo.mannequin.view import View
from liftline_renderer.encoding.encode import SegmentWriter

WALK = Walk()
LAP_S = 4.8


@dataclass(frozen=True)
class Clip:
    """What a clip is made from: nothing else decides its pixels. size_px is width, height (both even).

    The default is one lap: the figure is seen from the front, diagonally, from the side and from behind, and the clip
    loops.
    """

    frames: int = 120
    rate: Fraction = Fraction(25)
    size_px: tuple[int, int] = (640, 480)
    seed: int = 0

    def pose(self, frame: int) -> Pose:
        """The figure in a frame. Clips of about a lap or more are stretched to whole laps; short ones show a part."""
        laps = float(self.frames / self.rate) / LAP_S
        whole = max(1, round(laps)) if laps > 0.75 else laps
        return pose_at(WALK, whole * WALK.cycles_per_lap * frame / self.frames)


def truth_path(clip: Path) -> Path:
    """Where the truth of this clip lies."""
    return clip.with_suffix(".truth.npz")


def render_clip(
    output: Path, clip: Clip, *, workers: int | None = None, stop: StopToken | None = None,
    progress: Progress | None = None,
) -> None:  # fmt: skip
    """Write the clip to `output` (mp4) and its truth, a `Poses` file, to `truth_path(output)`.

    `workers` processes draw frames (default: one per core, none for short clips); their number changes no pixel. The
    truth is written last, so where it exists the clip is whole.
    """
    (width, height), rate = clip.size_px, clip.rate
    view = View.of_the_walk(width, height)
    truth_path(output).unlink(missing_ok=True)
    with (
        atomic_path(output) as unfinished,
        SegmentWriter(unfinished, width_px=width, height_px=height, time_base=1 / rate, rate=rate, threads=2) as writer,
        _pictures(clip, workers) as pictures,
    ):
        for pts, rgb in enumerate(pictures):
            if stop is not None:
                stop.raise_if_stopped()
            writer.write(rgb, pts=pts)
            if progress is not None:
                progress.advance()
    moments = [clip.pose(frame) for frame in range(clip.frames)]
    poses.save(truth_path(output), truth_of(moments, view, rate=rate, video=output.name))


def draw_frame(clip: Clip, frame: int) -> NDArray[np.uint8]:
    """(H,W,3) RGB picture of one frame."""
    view = View.of_the_walk(*clip.size_px)
    pose = clip.pose(frame)
    body = body_of(pose)
    surface = trace(body, view, SUN)
    return paint(surface, body, pose, view, _room(clip.size_px, clip.seed), seed=clip.seed * 1_000_003 + frame)


@cache
def _room(size_px: tuple[int, int], seed: int) -> EmptyRoom:
    """The room behind every frame, made once per process."""
    return room(View.of_the_walk(*size_px), seed=seed)


@contextmanager
def _pictures(clip: Clip, workers: int | None) -> Iterator[Iterator[NDArray[np.uint8]]]:
    """Every frame's picture in order, drawn by worker processes where the clip is worth starting them."""
    draw = partial(draw_frame, clip)
    pixels = clip.frames * clip.size_px[0] * clip.size_px[1]
    count = workers if workers is not None else processors() if pixels > 5_000_000 else 1
    if count <= 1:
        yield map(draw, range(clip.frames))
        return
    with ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_ready_worker) as pool:
        try:
            yield pool.map(draw, range(clip.frames), chunksize=2)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _ready_worker() -> None:
    """One thread per process, and Ctrl-C is the parent's business."""
    cv2.setNumThreads(1)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
