"""How fast running tasks are, from what they tell in passing; nothing here is remembered anywhere else."""

from __future__ import annotations

import time
from collections import defaultdict, deque
from collections.abc import Callable

from liftline.jobs.naming import SEGMENTED, Stage
from liftline.pipeline import bitset
from liftline.v1.events_pb2 import TaskProgress
from liftline.v1.job_service_pb2 import Job, StageProgress
from liftline.v1.records_pb2 import JobRecord, StageRecord
from liftline_gateway.api.views import duration, job_view

_OVER_S, _LEAST_S = 10.0, 1.0


class Speeds:
    """Frames per second of one job's stages, over the last ten seconds and all workers."""

    def __init__(self, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._running: defaultdict[int, dict[int, int]] = defaultdict(dict)
        self._history: defaultdict[int, deque[tuple[float, int]]] = defaultdict(deque)

    def update(self, progress: TaskProgress) -> None:
        """A task told how far it is. One that begins again elsewhere counts once it is further than before."""
        frames = self._running[progress.id.stage]
        frames[progress.id.number] = max(progress.frames_done, frames.get(progress.id.number, 0))

    def view(self, record: JobRecord) -> Job:
        """The job with frames of running tasks, frames/s, and the time that is left for segments."""
        job = job_view(record)
        of = {stage.stage: stage for stage in record.stages}
        for progress in job.stages:
            self._fill(progress, of[progress.stage], frame_count=record.frame_count)
        return job

    def _fill(self, progress: StageProgress, record: StageRecord, *, frame_count: int) -> None:
        running = self._running[record.stage]
        for number in [number for number in running if bitset.contains(record.done, number)]:
            del running[number]
        frames = record.frames_done + sum(running.values())
        progress.frames_done = min(frames, frame_count) if frame_count else frames
        speed = self._speed(record.stage, frames)
        if progress.tasks_done == progress.tasks:
            return
        progress.frames_per_second = speed
        if speed > 0 and Stage.of(record.stage) in SEGMENTED:
            progress.time_left.CopyFrom(duration((frame_count - progress.frames_done) / speed))

    def _speed(self, stage: int, frames: int) -> float:
        history, now = self._history[stage], self._clock_s()
        history.append((now, frames))
        while len(history) > 1 and history[0][0] < now - _OVER_S:
            history.popleft()
        begin, before = history[0]
        return max(frames - before, 0) / (now - begin) if now - begin >= _LEAST_S else 0.0
