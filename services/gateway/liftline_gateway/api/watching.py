"""WatchJob: one poll of a job's record and one subscription to its tasks serve all its watchers in this gateway.

Messages over NATS only tell when to poll; the record is polled every two seconds anyway, so a message that gets lost
costs no more than that. A slow watcher misses what was in between, never the end, and nothing piles up for it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import suppress

import structlog
from google.protobuf.message import DecodeError

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey
from liftline.pipeline import state
from liftline.ports import Bus
from liftline.service.api_errors import ApiError, ErrorKind, not_found
from liftline.v1.events_pb2 import TaskProgress
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api._speeds import Speeds
from liftline_gateway.records.job_repository import JobRepository, StoredJob

log = structlog.get_logger(__name__)

POLL_EVERY_S = 2.0
_SHOW_EVERY_S, _POLL_AT_MOST_EVERY_S = 0.5, 0.05


class WatchHub:
    """All watchers of this gateway, by job."""

    def __init__(self, jobs: JobRepository, bus: Bus) -> None:
        self._jobs, self._bus = jobs, bus
        self._feeds: dict[JobKey, _Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def watched(self) -> int:
        """Number of jobs that somebody watches."""
        return len(self._feeds)

    async def watch(self, key: JobKey) -> AsyncGenerator[Job]:
        """The job now and when it changes, until it has ended. Raises ApiError, UnavailableError."""
        stored = await self._jobs.get(key)
        if stored is None or stored.record.state == Job.STATE_DELETING:
            raise not_found(f"jobs/{key.job}")
        feed = self._feed(key, stored)
        feed.watchers += 1
        try:
            seen = 0
            while (latest := await feed.after(seen)) is not None:
                seen, job = latest
                yield job
        finally:
            feed.watchers -= 1
            if not feed.watchers:
                self._forget(key, feed)
        if feed.gone:
            raise not_found(f"jobs/{key.job}")
        if feed.closed:
            raise ApiError(
                ErrorKind.UNAVAILABLE, "SHUTTING_DOWN", "This gateway ends; watch again, another one answers."
            )  # fmt: skip

    async def close(self) -> None:
        """End every watch; watchers get UNAVAILABLE."""
        for feed in self._feeds.values():
            feed.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _feed(self, key: JobKey, stored: StoredJob) -> _Feed:
        feed = self._feeds.get(key)
        if feed is None:
            feed = self._feeds[key] = _Feed(key, self._jobs, self._bus, stored)
            feed.task = asyncio.create_task(feed.run())
            self._tasks.add(feed.task)
            feed.task.add_done_callback(self._tasks.discard)
        else:
            feed.update(stored)
        return feed

    def _forget(self, key: JobKey, feed: _Feed) -> None:
        if self._feeds.get(key) is feed:
            del self._feeds[key]
        if feed.task is not None:
            feed.task.cancel()


class _Feed:
    """The poll and the subscription of one job, shared by all its watchers."""

    def __init__(self, key: JobKey, jobs: JobRepository, bus: Bus, stored: StoredJob) -> None:
        self.watchers, self.gone, self.closed = 0, False, False
        self.task: asyncio.Task[None] | None = None
        self._key, self._jobs, self._bus = key, jobs, bus
        self._speeds = Speeds()
        self._stored = stored
        self._latest: tuple[int, Job] = (0, Job())
        self._updated, self._wakeup = asyncio.Event(), asyncio.Event()
        self._shown_s = 0.0
        self._changed = self._progressed = self._urgent = False
        self._show()

    async def after(self, seen: int) -> tuple[int, Job] | None:
        """The latest view and its number, once that is more than `seen`; None where nothing more comes."""
        while self._latest[0] <= seen:
            if self.gone or self.closed or state.is_over(self._stored.record):
                return None
            await self._updated.wait()
        return self._latest

    async def run(self) -> None:
        """Poll and listen until the job is over."""
        listener = asyncio.create_task(self._listen())
        try:
            while not self.gone and not state.is_over(self._stored.record):
                await self._wait()
                await self._poll()
        finally:
            listener.cancel()
            with suppress(asyncio.CancelledError):
                await listener

    def close(self) -> None:
        """Let all watchers of this job end."""
        self.closed = True
        self._wake()

    def update(self, stored: StoredJob) -> None:
        """The record as somebody read it; another state is shown at once, the rest when it is time."""
        if stored.revision <= self._stored.revision:
            return
        before, self._stored = self._stored, stored
        if stored.record.state != before.record.state or self._due_s() <= time.monotonic():
            self._show()
        else:
            self._progressed = True

    async def _poll(self) -> None:
        self._changed = self._urgent = False
        try:
            stored = await self._jobs.get(self._key)
        except UnavailableError as error:
            log.warning("watched_job_not_read", tenant=self._key.tenant, job=self._key.job, error=str(error))
            return
        if stored is None or stored.record.state == Job.STATE_DELETING:
            self.gone = True
            self._wake()
        else:
            self.update(stored)

    async def _wait(self) -> None:
        """Until it is time to poll; what running tasks tell is shown to watchers meanwhile."""
        polled_s = time.monotonic()
        while not self._changed and time.monotonic() < polled_s + POLL_EVERY_S:
            until_s = min(self._due_s(), polled_s + POLL_EVERY_S) if self._progressed else polled_s + POLL_EVERY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(max(until_s - time.monotonic(), 0)):
                    await self._wakeup.wait()
            self._wakeup.clear()
            if self._progressed and self._due_s() <= time.monotonic():
                self._show()
        while not self._urgent and (rest_s := polled_s + _POLL_AT_MOST_EVERY_S - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._wakeup.wait()
            self._wakeup.clear()

    async def _listen(self) -> None:
        """What was told before the subscription is missed, so the record is polled once it is there."""
        while True:
            try:
                async with self._bus.listen(self._key.progress_subject) as messages:
                    self._changed = True
                    self._wakeup.set()
                    async for message in messages:
                        self._receive(message)
            except UnavailableError:
                await asyncio.sleep(POLL_EVERY_S)

    def _receive(self, message: bytes) -> None:
        try:
            progress = TaskProgress.FromString(message)
        except DecodeError:
            return
        if progress.HasField("id"):
            self._speeds.update(progress)
            self._progressed = True
        else:
            self._changed = True
            self._urgent |= progress.state != self._stored.record.state
        self._wakeup.set()

    def _due_s(self) -> float:
        return self._shown_s + _SHOW_EVERY_S

    def _show(self) -> None:
        self._progressed, self._shown_s = False, time.monotonic()
        job = self._speeds.view(self._stored.record)
        if job != self._latest[1]:
            self._latest = (self._latest[0] + 1, job)
            self._wake()

    def _wake(self) -> None:
        self._updated.set()
        self._updated = asyncio.Event()
