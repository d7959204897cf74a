"""Telling clients' servers that jobs have ended, in the background, and remembering that they were told."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.records.job_repository import JobBook

log = structlog.get_logger(__name__)


def is_owed(record: JobRecord) -> bool:
    """Whether a server waits for word of this job's end."""
    ended = record.state in (Job.STATE_SUCCEEDED, Job.STATE_FAILED, Job.STATE_CANCELLED)
    return ended and bool(record.webhook_uri) and not record.webhook_done


class Notices:
    """One attempt per job at a time in this process. Another gateway may send the same word; its id tells receivers."""

    def __init__(self, book: JobBook, tell: Callable[[JobRecord], Awaitable[bool]]) -> None:
        """`tell` tries until it is answered or gives up, either of which is the end of it."""
        self._book, self._tell = book, tell
        self._running: dict[JobKey, asyncio.Task[None]] = {}

    def start(self, record: JobRecord) -> None:
        """Begin to tell where somebody waits for it."""
        key = JobKey(record.tenant, record.job)
        if is_owed(record) and key not in self._running:
            task = asyncio.create_task(self._send(key, record))
            self._running[key] = task
            task.add_done_callback(lambda _: self._running.pop(key, None))

    async def close(self) -> None:
        """Stop telling; the reconciler of another gateway goes on."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _send(self, key: JobKey, record: JobRecord) -> None:
        try:
            await self._tell(record)
            await self._book.change(key, _told)
        except UnavailableError as error:
            log.warning("webhook_not_noted", tenant=key.tenant, job=key.job, error=str(error))


def _told(record: JobRecord) -> JobRecord:
    told = JobRecord()
    told.CopyFrom(record)
    told.webhook_done = True
    return told
