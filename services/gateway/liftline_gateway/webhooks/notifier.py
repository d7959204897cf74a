"""Sends webhooks of jobs that have ended, in the background, and records that they were sent."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.records.job_repository import JobRepository

log = structlog.get_logger(__name__)


def is_due(record: JobRecord) -> bool:
    """Whether a webhook of this job's end is still to be sent."""
    ended = record.state in (Job.STATE_SUCCEEDED, Job.STATE_FAILED, Job.STATE_CANCELLED)
    return ended and bool(record.webhook_uri) and not record.webhook_done


class Notifier:
    """One webhook per job at a time in this process. Another gateway may send the same one; receivers see by its id."""

    def __init__(self, jobs: JobRepository, send: Callable[[JobRecord], Awaitable[bool]]) -> None:
        """`send` retries until it is answered or gives up, either of which is the end of it."""
        self._jobs, self._send = jobs, send
        self._running: dict[JobKey, asyncio.Task[None]] = {}

    def start(self, record: JobRecord) -> None:
        """Send the job's webhook, if one is due."""
        key = JobKey(record.tenant, record.job)
        if is_due(record) and key not in self._running:
            task = asyncio.create_task(self._notify(key, record))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))

    async def close(self) -> None:
        """Stop sending; the reconciler of another gateway goes on."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _notify(self, key: JobKey, record: JobRecord) -> None:
        try:
            await self._send(record)
            await self._jobs.change(key, _sent)
        except UnavailableError as error:
            log.warning("webhook_not_noted", tenant=key.tenant, job=key.job, error=str(error))


def _sent(record: JobRecord) -> JobRecord:
    changed = JobRecord()
    changed.CopyFrom(record)
    changed.webhook_done = True
    return changed
