"""What a worker does right now: written by its loop and its handlers, read by whoever asks."""

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
    """How a worker came to an end with a task."""

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
    """Record of what a worker does. Every method may be called from any thread, and none waits for long."""

    def __init__(
        self,
        *,
        worker: str,
        stages: Sequence[Stage],
        metrics: WorkerMetrics,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """Warming up, with no tasks."""
        self._worker, self._stages, self._metrics, self._clock_s = worker, tuple(stages), metrics, clock_s
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
        """It has loaded its models and takes tasks."""
        with self._lock:
            self._state = WorkerStatus.STATE_SERVING
            self._models, self._device = tuple(loaded.models), loaded.device
            self._speed = _Speed(self._clock_s)

    def draining(self) -> None:
        """It takes no more tasks."""
        with self._lock:
            self._state = WorkerStatus.STATE_DRAINING

    def began(self, key: TaskKey) -> None:
        """Work on a task begins."""
        with self._lock:
            self._running[key] = _Running(key, datetime.now(UTC), self._clock_s())
        self._metrics.running.labels(key.stage).inc()

    def advanced(self, key: TaskKey, frames: int = 1) -> None:
        """So many more frames of it are done."""
        with self._lock:
            running = self._running.get(key)
            if running is None:
                return
            running.frames += frames
            self._speed.add(frames)
        self._metrics.frames.labels(key.stage).inc(frames)

    def ended(self, key: TaskKey, ending: TaskEnd) -> None:
        """It came to an end; once per `began`."""
        with self._lock:
            running = self._running.pop(key)
            self._done += ending is TaskEnd.DONE
            self._failed += ending is TaskEnd.FAILED
            seconds = self._clock_s() - running.begun_s
        self._metrics.running.labels(key.stage).dec()
        self._metrics.tasks.labels(key.stage, ending).inc()
        if ending is TaskEnd.DONE:
            self._metrics.task_seconds.labels(key.stage).observe(seconds)

    def went_wrong(self, message: str) -> None:
        """Something failed; the last such message is shown."""
        with self._lock:
            self._error = message, datetime.now(UTC)

    @property
    def worker(self) -> str:
        """Name of the worker."""
        return self._worker

    @property
    def metrics(self) -> WorkerMetrics:
        """Where the worker counts what isn't on the board."""
        return self._metrics

    def snapshot(self) -> WorkerStatus:
        """All of it as it is now."""
        with self._lock:
            status = WorkerStatus(
                worker=self._worker,
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
        for metric in (self._metrics.running, self._metrics.frames, self._metrics.task_seconds):
            from_zero(metric, self._stages)
        from_zero(self._metrics.tasks, self._stages, TaskEnd)


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
