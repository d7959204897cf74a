"""A running task: its delivery, its progress, and why it is to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from enum import Enum, auto
from typing import TypeVar

import structlog

from liftline.jobs.naming import TaskKey
from liftline.net.retrying import TASK_RECORD, retry_async
from liftline.ports import Delivery, Records
from liftline.progress import StopFlag
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline.worker.attempts import Attempt
from liftline.worker.board import WorkerBoard

T = TypeVar("T")


class JobEnded(Exception):  # noqa: N818 - an outcome, not a failure
    """The task's job ended, was cancelled or removed: its result isn't wanted."""


_CHECKED_LATELY_S = 1.0
log = structlog.get_logger("liftline.worker.loop")
_ALIVE = (Job.STATE_QUEUED, Job.STATE_RUNNING)


class StopReason(Enum):
    """Why a task was told to stop."""

    JOB_ENDED = auto()
    WORKER_STOPPING = auto()


class RunningTask:
    """A task in this process: its handler's threads report progress, the heartbeats check it.

    A redelivery replaces `delivery`; `attempt` is None until it is admitted.
    """

    def __init__(self, key: TaskKey, task: Task, delivery: Delivery, board: WorkerBoard) -> None:
        self.key, self.task, self.delivery = key, task, delivery
        self.attempt: Attempt | None = None
        self.stop = StopFlag()
        self.stop_reason: StopReason | None = None
        self.checked_s = -float("inf")
        self.frames_done = 0
        self.stalled_s = 0.0
        self._board = board
        self._lock = threading.Lock()
        self._moves = 0
        self.in_handler = False
        self._transfers = 0

    def advance(self, frames: int = 1) -> None:
        """See `Progress.advance`."""
        with self._lock:
            self._moves += 1
            self.frames_done += frames
        self._board.advanced(self.key, frames)

    @contextmanager
    def handled(self) -> Iterator[None]:
        """A handler works on it: only its progress counts. Before and after, requests have timeouts of their own."""
        self.in_handler = True
        try:
            yield
        finally:
            self.in_handler = False

    @contextmanager
    def transferring(self) -> Iterator[None]:
        """A transfer from the store counts as progress."""
        self._transfer(1)
        try:
            yield
        finally:
            self._transfer(-1)

    def fetched(self, size_bytes: int) -> None:
        """Count bytes fetched from the store."""
        self._board.metrics.fetched_bytes.inc(size_bytes)

    def stored(self, size_bytes: int) -> None:
        """Count bytes put into the store."""
        self._board.metrics.stored_bytes.inc(size_bytes)

    async def retry(self, call: Callable[[], Awaitable[T]]) -> T:
        """Retry a call to NATS, however long the outage; failures are logged and counted."""
        return await retry_async(TASK_RECORD, call, failed=self._bus_is_away)

    def store_is_away(self, error: Exception) -> None:
        """Log and count a failed request to the store."""
        log.warning("server_away", error=str(error))
        self._board.metrics.store_errors.inc()

    def _bus_is_away(self, error: Exception) -> None:
        log.warning("server_away", error=str(error))
        self._board.metrics.bus_errors.inc()

    def moved(self) -> bool:
        """Whether there was progress since the last call."""
        with self._lock:
            moved = bool(self._moves or self._transfers) or not self.in_handler
            self._moves = 0
            return moved

    def request_stop(self, why: StopReason) -> None:
        """Stop the handler at its next check of the StopToken. The first reason stays."""
        self.stop_reason = self.stop_reason or why
        self.stop.stop()

    def _transfer(self, more: int) -> None:
        with self._lock:
            self._transfers += more
            self._moves += 1


async def check_job(records: Records, running: RunningTask) -> None:
    """Raise JobEnded where the job has ended or is gone. Reads its record at most once a second."""
    now_s = time.monotonic()
    if now_s - running.checked_s < _CHECKED_LATELY_S:
        return
    entry = await records.get(running.key.job.record)
    if entry is None or JobRecord.FromString(entry.value).state not in _ALIVE:
        raise JobEnded
    running.checked_s = now_s
