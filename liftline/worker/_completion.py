"""How a task ends in this worker: done, dropped, given back or failed. Nothing else acknowledges deliveries.

Every step is retried through an outage of NATS, and is idempotent.
"""

from __future__ import annotations

import structlog

from liftline.errors import Cancelled
from liftline.jobs.messages import publish_dead, publish_event
from liftline.ports import Bus, Records
from liftline.v1.events_pb2 import Event, TaskResult
from liftline.v1.job_service_pb2 import Failure
from liftline.v1.records_pb2 import DeadTask
from liftline.worker._failures import died, meaning
from liftline.worker.admission.admission import AttemptsExhausted, Postponed
from liftline.worker.admission.slots import SlotsClosed, SlotTimeout
from liftline.worker.attempts import forget_attempts
from liftline.worker.board import TaskEnd, WorkerBoard
from liftline.worker.running_task import JobEnded, RunningTask, StopReason

log = structlog.get_logger("liftline.worker")


class Completion:
    """Acknowledges and publishes how tasks ended; errors are shown on the board."""

    def __init__(self, bus: Bus, records: Records, board: WorkerBoard) -> None:
        self._bus, self._records, self._board = bus, records, board

    async def done(self, running: RunningTask, result: TaskResult) -> TaskEnd:
        """Its result is on record: publish the event, then acknowledge."""
        await self._publish(running, Event(id=running.key.wire, finished=result))
        await running.retry(lambda: running.delivery.ack())
        log.info("task_done", seconds=round(result.seconds, 3), frames=result.frames_done, by=result.worker)
        return TaskEnd.DONE

    async def without_result(self, running: RunningTask, error: Exception) -> TaskEnd:
        """It raised `error`: an outcome of the loop's own, or an exception of a handler."""
        if isinstance(error, JobEnded) or running.stop_reason is StopReason.JOB_ENDED:
            return await self.dropped(running)
        if isinstance(error, (SlotsClosed, SlotTimeout)):
            return await self.given_back(running, delay_s=0.0)
        if isinstance(error, Postponed):
            return await self.given_back(running, delay_s=error.delay_s)
        if isinstance(error, AttemptsExhausted):
            return await self._given_up(running, error)
        if isinstance(error, Cancelled) and running.stop_reason is StopReason.WORKER_STOPPING:
            return await self.given_back(running, delay_s=0.0)
        return await self._went_wrong(running, error)

    async def dropped(self, running: RunningTask) -> TaskEnd:
        """Its job is over: forget attempts at it and acknowledge."""
        if running.attempt is not None:
            await running.retry(lambda: forget_attempts(self._records, running.key))
        await running.retry(lambda: running.delivery.ack())
        log.info("task_dropped")
        return TaskEnd.DROPPED

    async def given_back(self, running: RunningTask, *, delay_s: float, counts: bool = False) -> TaskEnd:
        """Redeliver it after `delay_s`. `counts`: leave the attempt on record, as if the worker had crashed."""
        attempt = running.attempt
        if attempt is not None and not counts:
            await running.retry(attempt.end)
        await running.retry(lambda: running.delivery.nak(delay_s=delay_s))
        log.info("task_given_back", delay_s=delay_s, counts=counts)
        return TaskEnd.GIVEN_BACK

    async def _went_wrong(self, running: RunningTask, error: Exception) -> TaskEnd:
        means = meaning(error, running.key)
        self._board.went_wrong(f"{running.key.job.job} {running.key.name}: {error or type(error).__name__}")
        if isinstance(means, Failure):
            fault = means.reason == Failure.REASON_INTERNAL
            log.error("task_failed", error=str(error), exc_info=error if fault else None)
            return await self._failed(running, means)
        log.warning("task_went_wrong", error=str(error) or type(error).__name__)
        return await self.given_back(running, delay_s=means.delay_s, counts=means.counts)

    async def _given_up(self, running: RunningTask, error: AttemptsExhausted) -> TaskEnd:
        failure = died(running.key, error.workers)
        log.error("task_given_up", workers=list(error.workers))
        self._board.went_wrong(failure.message)
        dead = DeadTask(task=running.task, workers=error.workers)
        dead.time.GetCurrentTime()
        await running.retry(lambda: publish_dead(self._bus, dead))
        return await self._failed(running, failure)

    async def _failed(self, running: RunningTask, failure: Failure) -> TaskEnd:
        await self._publish(running, Event(id=running.key.wire, failed=failure))
        await running.retry(lambda: forget_attempts(self._records, running.key))
        await running.retry(lambda: running.delivery.term())
        return TaskEnd.FAILED

    async def _publish(self, running: RunningTask, event: Event) -> None:
        event.time.GetCurrentTime()
        await running.retry(lambda: publish_event(self._bus, event, attempt=self._board.worker))
