"""A worker's status: written by its loop and its handlers, read by the status service."""

from __future__ import annotations

import os
import re
import secrets
import socket
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from liftline import __version__
from liftline.jobs.naming import Stage, TaskKey
from liftline.jobs.wire import model_message
from liftline.pipeline.handler import LoadedService
from liftline.ports import ModelInfo
from liftline.telemetry.metrics import WorkerMetrics, from_zero
from liftline.v1.worker_service_pb2 import TaskStatus, WorkerStatus

_SPEED_OVER_S = 30


class TaskEnd(StrEnum):
    """How a task ended in a worker."""

    DONE = "done"
    FAILED = "failed"
    GIVEN_BACK = "given_back"
    DROPPED = "dropped"


def worker_name(service: str) -> str:
    """Name of this process, unlike that of any other, earlier ones of this machine included; a token (`naming`)."""
    host = re.sub(r"[^A-Za-z0-9-]", "-", socket.gethostname())[:30]
    return f"{service}-{host}-{os.getpid()}-{secrets.token_hex(4)}"


@dataclass
class _Running:
    key: TaskKey
    begun: datetime
    begun_s: float
    frames: int = 0


class WorkerBoard:
    """A worker's state, tasks, counts and speed. Every method may be called from any thread, and none waits for long.

    Attributes:
        worker: the worker's name.
        metrics: for counts that aren't part of the status as well.
    """

    def __init__(
        self,
        *,
        worker: str,
        stages: Sequence[Stage],
        metrics: WorkerMetrics,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.worker, self.metrics, self._stages, self._clock_s = worker, metrics, tuple(stages), clock_s
        self._lock = threading.Lock()
        self._state = WorkerStatus.STATE_WARMING_UP
        self._models: tuple[ModelInfo, ...] = ()
        self._device = ""
        self._running: dict[TaskKey, _Running] = {}
        self._done = self._failed = 0
        self._error: tuple[str, datetime] | None = None
        self._started = datetime.now(UTC)
        self._speed = _Speed(clock_s)
        self._count_from_zero()

    def serving(self, loaded: LoadedService) -> None:
        """Models are loaded and tasks are taken: the state is SERVING."""
        with self._lock:
            self._state = WorkerStatus.STATE_SERVING
            self._models, self._device = tuple(loaded.models), loaded.device
            self._speed = _Speed(self._clock_s)

    def draining(self) -> None:
        """No more tasks are taken: the state is DRAINING."""
        with self._lock:
            self._state = WorkerStatus.STATE_DRAINING

    def began(self, key: TaskKey) -> None:
        """A task has been taken."""
        with self._lock:
            self._running[key] = _Running(key, datetime.now(UTC), self._clock_s())
        self.metrics.running.labels(key.stage).inc()

    def advanced(self, key: TaskKey, frames: int = 1) -> None:
        """`frames` more frames of a task are done; ignored for a task that has ended."""
        with self._lock:
            running = self._running.get(key)
            if running is None:
                return
            running.frames += frames
            self._speed.add(frames)
        self.metrics.frames.labels(key.stage).inc(frames)

    def ended(self, key: TaskKey, ending: TaskEnd) -> None:
        """A task ended; once per `began`."""
        with self._lock:
            running = self._running.pop(key)
            self._done += ending is TaskEnd.DONE
            self._failed += ending is TaskEnd.FAILED
            seconds = self._clock_s() - running.begun_s
        self.metrics.running.labels(key.stage).dec()
        self.metrics.tasks.labels(key.stage, ending).inc()
        if ending is TaskEnd.DONE:
            self.metrics.task_seconds.labels(key.stage).observe(seconds)

    def went_wrong(self, message: str) -> None:
        """Keep an error message; the status shows the last one."""
        with self._lock:
            self._error = message, datetime.now(UTC)

    def snapshot(self) -> WorkerStatus:
        """The status now, as a message."""
        with self._lock:
            status = WorkerStatus(
                worker=self.worker,
                version=__version__,
                state=self._state,
                stages=[stage.wire for stage in self._stages],
                models=[model_message(model) for model in self._models],
                device=self._device,
                tasks=[_task_status(running) for running in self._running.values()],
                tasks_done=self._done,
                tasks_failed=self._failed,
                frames_per_second=self._speed.frames_per_second,
            )
            error = self._error
        status.start_time.FromDatetime(self._started)
        if error is not None:
            status.last_error = error[0]
            status.last_error_time.FromDatetime(error[1])
        status.gpu_memory_bytes, status.gpu_memory_total_bytes = _gpu_memory(status.device)
        return status

    def _count_from_zero(self) -> None:
        for metric in (self.metrics.running, self.metrics.frames, self.metrics.task_seconds):
            from_zero(metric, self._stages)
        from_zero(self.metrics.tasks, self._stages, TaskEnd)


class _Speed:
    """Frames of the last half minute, a second at a time."""

    def __init__(self, clock_s: Callable[[], float]) -> None:
        self._clock_s, self._begin_s = clock_s, clock_s()
        self._seconds: deque[tuple[int, int]] = deque()

    def add(self, frames: int) -> None:
        second = int(self._clock_s())
        if self._seconds and self._seconds[-1][0] == second:
            frames += self._seconds.pop()[1]
        self._seconds.append((second, frames))
        self._forget(second)

    @property
    def frames_per_second(self) -> float:
        now_s = self._clock_s()
        self._forget(int(now_s))
        return sum(frames for _, frames in self._seconds) / min(max(now_s - self._begin_s, 1.0), _SPEED_OVER_S)

    def _forget(self, second: int) -> None:
        while self._seconds and self._seconds[0][0] <= second - _SPEED_OVER_S:
            self._seconds.popleft()


def _task_status(running: _Running) -> TaskStatus:
    job = running.key.job
    status = TaskStatus(
        tenant=job.tenant, job=job.job, stage=running.key.stage.wire, segment=running.key.number,
        frames_done=running.frames,
    )  # fmt: skip
    status.start_time.FromDatetime(running.begun)
    return status


def _gpu_memory(device: str) -> tuple[int, int]:
    """Bytes PyTorch holds on a CUDA device and bytes it has; zeros where PyTorch isn't in use there."""
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda") or not torch.cuda.is_initialized():
        return 0, 0
    return int(torch.cuda.memory_reserved(device)), int(torch.cuda.mem_get_info(device)[1])
