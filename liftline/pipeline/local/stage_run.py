"""The tasks of one stage, in this process: several at a time where that pays, the first error stopping the others."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import TypeVar

from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline.handler import StageHandler
from liftline.pipeline.local.job_files import JobFiles
from liftline.pipeline.local.ports import LocalStages, Observer
from liftline.pipeline.local.task_work import LocalWork, Scratch
from liftline.pipeline.task_results import task_result
from liftline.ports import Progress, VideoOpener
from liftline.progress import FrameCounter, StopFlag
from liftline.v1.events_pb2 import Task, TaskResult

_WORKER = "local"
_COUNTED = frozenset((Stage.DETECT, Stage.TRACK, Stage.LIFT, Stage.RENDER))
"""Stages whose frames are counted while they run; the others finish all at once."""
T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class StageRun:
    """What running a stage of one video takes, whichever stage."""

    video: VideoOpener | None
    files: JobFiles
    scratch: Scratch
    stages: LocalStages
    observer: Observer
    stop: StopFlag

    def run(
        self, stage: Stage, tasks: Sequence[Task], *, frames: int | None = None, frames_before: int = 0,
        segments: Sequence[TaskResult] = (), finished: Callable[[Task, TaskResult], object] | None = None,
    ) -> list[TaskResult]:  # fmt: skip
        """Results of tasks of one stage, in their order; each is told to `finished` as soon as it is there.

        Args:
            stage: of all of them.
            tasks: what is to be done.
            frames: that the stage has in all; None where that isn't known.
            frames_before: of them, those done in an earlier run.
            segments: for a stage that needs them, the results of all segments of the stage before.
            finished: called in the thread of the task.

        Raises:
            LiftlineError: what the handler raises; tasks that run beside are stopped.
        """
        local, clock = self.stages(stage), _Clock()
        with self.observer.step(str(stage), frames if stage in _COUNTED else None) as told:
            progress = told if stage in _COUNTED else FrameCounter()
            progress.advance(frames_before)

            def one(task: Task) -> TaskResult:
                result = self._result(local.handler, task, segments, progress, clock)
                if finished is not None:
                    finished(task, result)
                return result

            results = in_threads(one, tasks, self.stop, at_once=local.at_once)
        self.warn_of(results)
        return results

    def warn_of(self, results: Sequence[TaskResult]) -> None:
        """Tell the user what tasks warned of."""
        for result in results:
            for warning in result.warnings:
                self.observer.warn(warning)

    def _result(
        self, handler: StageHandler, task: Task, segments: Sequence[TaskResult], progress: Progress, clock: _Clock
    ) -> TaskResult:
        work = LocalWork(
            task, segments, video=self.video, files=self.files, scratch=self.scratch, stop=self.stop, progress=progress
        )  # fmt: skip
        with work.cleaned_up():
            outcome = handler(work)
            artifacts = [self.files.add(TaskKey.of(task.id), product) for product in outcome.products]
        return task_result(outcome, artifacts, seconds=clock.lap_s(), worker=_WORKER)


class _Clock:
    """How much longer a stage took by each of its tasks: of tasks that run at once, the sum is the time that passed."""

    def __init__(self) -> None:
        self._lock, self._last = threading.Lock(), time.perf_counter()

    def lap_s(self) -> float:
        """Seconds since the task that ended before, or since the beginning."""
        with self._lock:
            before, self._last = self._last, time.perf_counter()
            return self._last - before


def in_threads(work: Callable[[T], R], items: Sequence[T], stop: StopFlag, *, at_once: int) -> list[R]:
    """Run `work` on all items, so many at a time; the first error stops the others. One at a time needs no thread."""
    if min(at_once, len(items)) <= 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(max_workers=min(at_once, len(items))) as pool:
        futures: list[Future[R]] = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.stop()
            for future in futures:
                future.cancel()
            raise
    return [future.result() for future in futures]
