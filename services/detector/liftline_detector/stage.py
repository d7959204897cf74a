"""The detect stage: one segment of a planned video in, everyone's keypoints in each of its frames out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

from liftline.channels import reading_ahead
from liftline.detections import Detections, People
from liftline.plan import Plan, Segment
from liftline.ports import Detector, Progress, StopToken, VideoOpener
from liftline.video.frames import Frame
from liftline.video.reading import read_frames

_FRAMES_AHEAD = 2
"""Frames decoded while the detector is busy with earlier ones."""


def detect_segment(
    opener: VideoOpener, plan: Plan, segment: Segment, detector: Detector, *, stop: StopToken, progress: Progress
) -> Detections:
    """Detect people in frames [segment.start, segment.stop); the warm-up before them is seen but not reported.

    Raises what the video and the detector raise, and Cancelled.
    """
    session = detector.start()
    found: list[tuple[int, People]] = []
    frames = read_frames(opener, plan, start=segment.warmup_start, stop=segment.stop, stop_token=stop)
    with reading_ahead(frames, capacity=max(_FRAMES_AHEAD, detector.batch_size)) as ahead:
        for batch in _batches(ahead, detector.batch_size):
            stop.raise_if_stopped()
            results = zip(batch, session.detect(batch), strict=True)
            wanted = [(frame.index, people) for frame, people in results if frame.index >= segment.start]
            found += wanted
            progress.advance(len(wanted))
    return Detections.from_frames(found, start=segment.start, stop=segment.stop, detector=detector.model.name)


def _batches(frames: Iterable[Frame], size: int) -> Iterator[list[Frame]]:
    iterator = iter(frames)
    while batch := list(islice(iterator, size)):
        yield batch
