"""Taking events into a job's record, by compare-and-set: tasks are published first, then the record knows of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

from liftline.jobs.messages import publish_task, tell_changed
from liftline.jobs.naming import JobKey, TaskKey
from liftline.pipeline.state import Step, advance, is_over
from liftline.ports import Bus
from liftline.v1.events_pb2 import Event, Task
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.coordination.publishing import Publisher
from liftline_gateway.records.job_repository import JobRepository
from liftline_gateway.webhooks.notifier import Notifier


class Advancer:
    """Changes jobs, and does what follows from a change. Every method raises UnavailableError and may be repeated."""

    def __init__(self, jobs: JobRepository, bus: Bus, publisher: Publisher, notifier: Notifier) -> None:
        self._jobs, self._bus = jobs, bus
        self._publisher, self._notifier = publisher, notifier

    async def take(self, key: JobKey, events: Sequence[Event]) -> JobRecord | None:
        """Take events into a job; its record then, None where there is none."""
        settled = [await self._settled(event) for event in events]
        return await self.step(key, lambda record: advance(record, *settled))

    async def step(self, key: JobKey, step: Callable[[JobRecord], Step]) -> JobRecord | None:
        """Take a step, which may be tried several times; the record then, None where there is none."""
        published: set[tuple[str, int]] = set()
        return await self._jobs.step(key, step, lambda tasks: self._publish(tasks, published))

    async def follow(self, record: JobRecord) -> None:
        """What a change leads to. Whatever is lost of it here the reconciler does later."""
        key = JobKey(record.tenant, record.job)
        await tell_changed(self._bus, key, record.state)
        if record.state == Job.STATE_FAILED:
            await self._bus.purge_tasks(key.task_subjects)
        self._notifier.start(record)

    async def publish_outputs(self, key: JobKey) -> None:
        """Put the outputs into their places and end the job."""
        record = await self._publisher.publish(key)
        if record is not None and is_over(record):
            await self.follow(record)

    async def adopt_outputs(self, key: JobKey) -> bool:
        """Whether the outputs are there although the job's record doesn't know; then the job has ended."""
        record = await self._publisher.adopt(key)
        if record is not None:
            await self.follow(record)
        return record is not None

    async def _settled(self, event: Event) -> Event:
        """The event; but a task of which there is a result has not failed, whoever says so."""
        if not event.HasField("failed"):
            return event
        result = await self._jobs.result(TaskKey.of(event.id))
        return event if result is None else Event(id=event.id, time=event.time, finished=result)

    async def _publish(self, tasks: Iterable[Task], published: set[tuple[str, int]]) -> None:
        """Publish tasks, except those that were published before a compare-and-set conflict."""
        new = {(TaskKey.of(task.id).name, task.generation): task for task in tasks}
        for name in published & new.keys():
            del new[name]
        done = await asyncio.gather(*(publish_task(self._bus, task) for task in new.values()), return_exceptions=True)
        for problem in done:
            if isinstance(problem, BaseException):
                raise problem
        published |= new.keys()
