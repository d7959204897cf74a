"""The reconciler: finds what was lost on the way and puts it right. One gateway does it at a time, by lease.

No job depends on a message that may be missed: every job that needs care has an entry `active.<tenant>.<job>`, and each
without news for `stale_s` is looked into. Whatever is found is done by the same steps as in the undisturbed case.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey, Priority, TaskKey
from liftline.pipeline import state
from liftline.ports import Bus
from liftline.telemetry.metrics import GatewayMetrics, from_zero
from liftline.telemetry.traces import continuing
from liftline.v1.events_pb2 import Event
from liftline.v1.job_service_pb2 import Failure
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.coordination.advancing import Advancer
from liftline_gateway.coordination.creation_steps import CreationSteps
from liftline_gateway.coordination.lease import Lease
from liftline_gateway.coordination.removal import Remover
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from liftline_gateway.webhooks.notifier import Notifier, is_due

log = structlog.get_logger(__name__)
_ALL_TASKS = "liftline.tasks.>"
_JOBS_AT_ONCE = 32
_LEFT_TO_OTHERS = 3
"""Rounds, of which others begin one within the time between two."""
_MOST_GENERATIONS = 100
"""Tasks of one job don't vanish so often unless something takes them away each time."""
Now = Callable[[], datetime]


class Repair(StrEnum):
    """What was put right that shouldn't have been wrong; tidying up after jobs and uploads is none."""

    CREATION_COMPLETED = "creation_completed"
    EVENT_LOST = "event_lost"
    TASK_LOST = "task_lost"
    PUBLISHING_FINISHED = "publishing_finished"
    OUTPUTS_FOUND = "outputs_found"


class Reconciler:
    """Looks after jobs in rounds. What it remembers between them only saves work."""

    def __init__(
        self,
        jobs: JobRepository,
        bus: Bus,
        advancer: Advancer,
        creation: CreationSteps,
        remover: Remover,
        notifier: Notifier,
        metrics: GatewayMetrics,
        *,
        stale: timedelta,
        now: Now = lambda: datetime.now(UTC),
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """A job without news for `stale` is looked into, again after as long.

        `now` is compared with times in records; what is due when, is told by `elapsed_s`, which nobody sets.
        """
        self._jobs, self._bus, self._advancer, self._metrics = jobs, bus, advancer, metrics
        self._creation, self._remover, self._notifier = creation, remover, notifier
        self._stale, self._now, self._elapsed_s = stale, now, elapsed_s
        self._due: dict[JobKey, float] = {}
        self._attempts_due = -math.inf
        from_zero(metrics.repairs, Repair)
        self._at_once = asyncio.Semaphore(_JOBS_AT_ONCE)

    async def run(self, stop: asyncio.Event, lease: Lease, *, every: timedelta) -> None:
        """A round now and then while the lease is held, until told to stop.

        Whoever can't do something lets others try: perhaps it alone can't, as a store refuses clocks that are wrong.
        """
        left_to_others = 0
        while not stop.is_set():
            left_to_others = max(0, left_to_others - 1)
            try:
                if not left_to_others and await lease.hold() and not await self._round_unless(stop):
                    left_to_others = _LEFT_TO_OTHERS
                    await lease.release()
            except UnavailableError as error:
                self._metrics.bus_errors.inc()
                log.warning("reconciling_put_off", error=str(error))
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), every.total_seconds())
        with suppress(UnavailableError):
            await lease.release()

    async def round(self) -> bool:
        """Look into every job that is due; whether that could be done of all.

        Raises UnavailableError where it isn't known which those are.
        """
        attempted = await self._jobs.attempted_jobs() if self._attempts_due <= self._elapsed_s() else set()
        keys = await self._jobs.active_jobs()
        await self._remove_attempts(attempted.difference(keys))
        self._due = {key: self._due[key] for key in keys if key in self._due}
        due = [key for key in keys if self._due.get(key, -math.inf) <= self._elapsed_s()]
        waiting = _Queues(self._bus)
        done = await asyncio.gather(*(self._safely(key, waiting) for key in due))
        try:
            await self._remover.remove_expired_uploads(now=self._now())
        except UnavailableError as error:
            log.warning("uploads_put_off", error=str(error))
            done.append(False)
        self._metrics.rounds.inc()
        return all(done)

    async def _remove_attempts(self, idle: Collection[JobKey]) -> None:
        """Of jobs that need no care: a worker may have begun in the moment in which its job was tidied up."""
        for key in idle:
            await self._jobs.records.delete_all(key.attempts)
        if self._attempts_due <= self._elapsed_s():
            self._attempts_due = self._elapsed_s() + self._stale.total_seconds()

    async def _round_unless(self, stop: asyncio.Event) -> bool:
        """A round; told to stop, it leaves what it hasn't done to the next one, of whichever gateway."""
        looking, stopping = asyncio.create_task(self.round()), asyncio.create_task(stop.wait())
        try:
            await asyncio.wait((looking, stopping), return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
            looking.cancel()
        await asyncio.wait((looking,))
        return looking.cancelled() or looking.result()

    async def _safely(self, key: JobKey, waiting: _Queues) -> bool:
        """Look into one job; what goes wrong there stops no other. False where others may have more luck."""
        async with self._at_once:
            with structlog.contextvars.bound_contextvars(tenant=key.tenant, job=key.job):
                try:
                    await self._look(key, waiting)
                except UnavailableError as error:
                    log.warning("job_put_off", error=str(error))
                    return False
                except Exception:
                    log.exception("job_not_reconciled")
                    self._put_off(key)
        return True

    async def _look(self, key: JobKey, waiting: _Queues) -> None:
        stored = await self._jobs.get(key)
        if stored is None:
            await self._unfinished_creation(key)
            return
        record = stored.record
        now, news = self._now(), record.update_time.ToDatetime(tzinfo=UTC)
        if abs(now - news) < self._stale:  # further in the future: by a clock that was wrong
            self._put_off(key, already=max(now - news, timedelta()))
            return
        with continuing({"traceparent": record.traceparent}):
            await self._repair(key, record, waiting)
        self._put_off(key)

    def _put_off(self, key: JobKey, *, already: timedelta = timedelta()) -> None:
        """Look into it when it has been without news for `stale`, of which so much has passed."""
        self._due[key] = self._elapsed_s() + (self._stale - already).total_seconds()

    async def _unfinished_creation(self, key: JobKey) -> None:
        """Complete it once it isn't under way any more; what was never promised is forgotten."""
        if key not in self._due:
            self._put_off(key)
            return
        active = await self._jobs.active(key)
        request = await self._jobs.request(key.tenant, active.request_id) if active and active.request_id else None
        if request is not None and request.job == key.job:
            await self._creation.complete(request)
            await self._creation.tidy(UploadKey(key.tenant, request.upload))
            self._count(Repair.CREATION_COMPLETED)
        elif await self._jobs.get(key) is None:
            await self._jobs.remove_active(key)

    async def _repair(self, key: JobKey, record: JobRecord, waiting: _Queues) -> None:
        if is_due(record):
            self._notifier.start(record)
        elif state.is_over(record):
            await self._tidy_upload(key, record)
            await self._remover.clean(key, record, now=self._now())
        elif record.publishing:
            await self._advancer.publish_outputs(key)
            self._count(Repair.PUBLISHING_FINISHED)
        else:
            await self._find_lost(key, record, waiting)

    async def _tidy_upload(self, key: JobKey, record: JobRecord) -> None:
        """What was uploaded for it is gone since it was made, unless something was in the way then."""
        request = await self._jobs.request(key.tenant, record.request_id)
        if request is not None and request.job == key.job:
            await self._creation.tidy(UploadKey(key.tenant, request.upload))

    async def _find_lost(self, key: JobKey, record: JobRecord, waiting: _Queues) -> None:
        """Results without an event are taken in; tasks that are nowhere are published anew.

        Queues are looked at before results: a task that was done in between has a result. Where something seems gone
        they are looked at again, since its record may have been read, and its tasks released, after the first look.
        """
        gone = _not_among(await waiting.subjects(), record, state.pending(record))
        if gone:
            gone = _not_among(await self._bus.task_subjects(key.task_subjects), record, gone)
        if gone and await self._advancer.adopt_outputs(key):
            self._count(Repair.OUTPUTS_FOUND)
            return
        results = await asyncio.gather(*(self._jobs.result(task) for task in gone))
        time = self._jobs.time()
        found = [
            Event(id=task.wire, time=time, finished=result)
            for task, result in zip(gone, results, strict=True)
            if result is not None
        ]
        lost = [task for task, result in zip(gone, results, strict=True) if result is None]
        if found:
            await self._take(key, found)
        if lost:
            await self._publish_again(key, lost, seen=record.generation)

    async def _take(self, key: JobKey, found: Sequence[Event]) -> None:
        self._count(Repair.EVENT_LOST, len(found))
        record = await self._advancer.take(key, found)
        if record is None:
            return
        await self._advancer.follow(record)
        if record.publishing:
            await self._advancer.publish_outputs(key)

    async def _publish_again(self, key: JobKey, lost: Sequence[TaskKey], *, seen: int) -> None:
        self._count(Repair.TASK_LOST, len(lost))
        log.warning("tasks_lost", tasks=[task.name for task in lost])

        def again(record: JobRecord) -> state.Step:
            still = [task for task in lost if task in set(state.pending(record))]
            if state.is_over(record) or record.generation != seen or not still:
                return record, []
            if record.generation < _MOST_GENERATIONS:
                return state.release_again(record, still)
            failure = Failure(
                reason=Failure.REASON_INTERNAL,
                message=f"Tasks were lost {_MOST_GENERATIONS} times, last {still[0].name}; something removes them.",
                stage=still[0].stage.wire,
                segment=still[0].number,
            )
            return state.fail(record, failure, time=self._jobs.time()), []

        record = await self._advancer.step(key, again)
        if record is not None:
            await self._advancer.follow(record)

    def _count(self, kind: Repair, count: int = 1) -> None:
        self._metrics.repairs.labels(kind).inc(count)


class _Queues:
    """Subjects of all tasks that aren't done, asked for when they are first needed."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._answer: asyncio.Future[set[str]] | None = None

    async def subjects(self) -> set[str]:
        if self._answer is None:
            self._answer = asyncio.ensure_future(self._bus.task_subjects(_ALL_TASKS))
        return await self._answer


def _not_among(subjects: set[str], record: JobRecord, tasks: Sequence[TaskKey]) -> list[TaskKey]:
    priority = Priority.of(record.priority)
    return [task for task in tasks if task.subject(priority) not in subjects]
