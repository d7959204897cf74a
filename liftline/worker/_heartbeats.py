"""While a task runs: its ack deadline is extended, its progress published, and it is stopped when its job is over.

Only a task that makes progress gets heartbeats. One that makes none hangs in some library's thread, which can be ended
only with the process.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

import structlog

from liftline.errors import UnavailableError
from liftline.jobs.messages import tell_progress
from liftline.ports import Bus, Records
from liftline.v1.events_pb2 import TaskProgress
from liftline.worker.board import WorkerBoard
from liftline.worker.running_task import JobEnded, RunningTask, StopReason, check_job

_LONGEST_STEP_S = 1.0
log = structlog.get_logger("liftline.worker")


@dataclass(frozen=True)
class Heartbeats:
    """Heartbeats of running tasks.

    Attributes:
        every_s: seconds between two heartbeats.
        stall_s: a task that makes no progress for so long hangs.
        deadline_s: a handler that takes longer in all hangs.
        hangs: called then with the task and the reason; ends the process.
    """

    bus: Bus
    records: Records
    board: WorkerBoard
    every_s: float
    stall_s: float
    deadline_s: float
    hangs: Callable[[RunningTask, str], Awaitable[None]]

    @asynccontextmanager
    async def beating(self, running: RunningTask) -> AsyncIterator[None]:
        """Send heartbeats for the task while the context lasts."""
        beating = asyncio.create_task(self._beat(running))
        try:
            yield
        finally:
            beating.cancel()
            await asyncio.wait({beating})
            if not beating.cancelled() and (error := beating.exception()) is not None:
                log.error("heartbeats_ended", error=str(error), exc_info=error)

    async def _beat(self, running: RunningTask) -> None:
        step_s = min(_LONGEST_STEP_S, self.every_s, self.stall_s / 4, self.deadline_s / 4)
        clock = _Clock(most_s=2 * step_s)
        spoke_s, ran_s = time.monotonic(), 0.0
        moved = False
        told = 0
        while True:
            await asyncio.sleep(step_s)
            passed_s = clock.passed_s()
            moves = running.moved()
            moved |= moves
            running.stalled_s = 0.0 if moves else running.stalled_s + passed_s
            ran_s += passed_s if running.in_handler else 0.0
            if running.stalled_s >= self.stall_s:
                return await self.hangs(running, f"nothing has moved for {self.stall_s:g} s")
            if ran_s >= self.deadline_s:
                return await self.hangs(running, f"it has taken {self.deadline_s:g} s")
            if time.monotonic() - spoke_s >= self.every_s:
                await self._look_after(running, alive=moved)
                spoke_s, moved = time.monotonic(), False
            if running.frames_done != told:
                told = running.frames_done
                await self._tell(running)

    async def _look_after(self, running: RunningTask, *, alive: bool) -> None:
        try:
            if alive:
                await running.delivery.in_progress()
                self.board.metrics.heartbeats.inc()
            await check_job(self.records, running)
        except UnavailableError:
            self.board.metrics.bus_errors.inc()
        except JobEnded:
            log.info("job_is_over")
            running.request_stop(StopReason.JOB_ENDED)

    async def _tell(self, running: RunningTask) -> None:
        progress = TaskProgress(id=running.key.wire, frames_done=running.frames_done, worker=self.board.worker)
        with suppress(UnavailableError):
            await tell_progress(self.bus, progress)


class _Clock:
    """Time between checks, at most `most_s` each: time that the whole process was suspended for doesn't count."""

    def __init__(self, *, most_s: float) -> None:
        self._most_s, self._last_s = most_s, time.monotonic()

    def passed_s(self) -> float:
        now_s = time.monotonic()
        passed_s = min(now_s - self._last_s, self._most_s)
        self._last_s = now_s
        return passed_s
