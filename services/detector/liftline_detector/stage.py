"""The detect stage: one segment of a planned video in, everyone's keypoints in each of its frames out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections, People
from liftline.frames import Frame
from liftline.pipelining import reading_ahead
from liftline.plan import Plan, Segment
from liftline.ports import Detector, Progress, StopToken, VideoOpener
from liftline.thumbnails import LEAST_CONTRAST, GradientSpectrum, Thumbnails, contrast, thumbnail
from liftline.video.opening import DEFAULT_LIMITS, VideoLimits
from liftline.video.reading import read_frames

_FRAMES_AHEAD = 2
"""Frames decoded while the detector is busy with earlier ones."""


_OBVIOUS_CUT = 0.35
"""Frames less alike than this are of two scenes. The track stage decides on cuts again, with more in view."""


@dataclass(frozen=True)
class _Picture:
    """A frame, its thumbnail, and whether an obvious cut is before it."""

    frame: Frame
    grey: NDArray[np.uint8]
    after_cut: bool


def detect_segment(
    opener: VideoOpener, plan: Plan, segment: Segment, detector: Detector, *, stop: StopToken, progress: Progress,
    turn: Callable[[], AbstractContextManager[None]] = nullcontext, limits: VideoLimits = DEFAULT_LIMITS,
) -> Detections:  # fmt: skip
    """Detect people in frames [segment.start, segment.stop); the warm-up before them is seen but not reported.

    A new session of the detector begins at every obvious camera cut: nobody is followed over it. Each call of the model
    is made within a `turn`, which may wait for others that share the detector.

    Raises what the video and the detector raise, and Cancelled.
    """
    session = detector.start()
    found: list[tuple[int, People]] = []
    greys: list[tuple[int, NDArray[np.uint8]]] = []
    reader = read_frames(opener, plan, start=segment.warmup_start, stop=segment.stop, stop_token=stop, limits=limits)
    with (
        closing(reader) as frames,
        reading_ahead(_pictures(frames), capacity=max(_FRAMES_AHEAD, detector.batch_size)) as ahead,
    ):
        for batch in _batches(ahead, detector.batch_size):
            stop.raise_if_stopped()
            if batch[0].after_cut:
                session = detector.start()
            with turn():
                results = session.detect([picture.frame for picture in batch])
            wanted = [pair for pair in zip(batch, results, strict=True) if pair[0].frame.index >= segment.start]
            found += [(picture.frame.index, people) for picture, people in wanted]
            greys += [(picture.frame.index, picture.grey) for picture, _ in wanted]
            progress.advance(len(wanted))
    return Detections.from_frames(
        found,
        start=segment.start,
        stop=segment.stop,
        detector=detector.model.name,
        thumbnails=Thumbnails.from_frames(greys),
    )


def _pictures(frames: Iterable[Frame]) -> Iterator[_Picture]:
    before: GradientSpectrum | None = None
    for frame in frames:
        grey = thumbnail(frame.rgb)
        if contrast(grey[np.newaxis])[0] < LEAST_CONTRAST:
            yield _Picture(frame, grey, after_cut=False)
            continue
        spectrum = GradientSpectrum.of(grey)
        yield _Picture(frame, grey, after_cut=before is not None and before.similarity(spectrum).moved < _OBVIOUS_CUT)
        before = spectrum


def _batches(pictures: Iterable[_Picture], size: int) -> Iterator[list[_Picture]]:
    """At most `size` pictures at a time, none of them from before and after a cut."""
    batch: list[_Picture] = []
    for picture in pictures:
        if len(batch) == size or (batch and picture.after_cut):
            yield batch
            batch = []
        batch.append(picture)
    if batch:
        yield batch
