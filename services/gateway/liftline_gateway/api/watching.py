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

LOOK_EVERY_S = 2.0
_TELL_EVERY_S, _LOOK_AT_MOST_EVERY_S = 0.5, 0.05


class WatchHub:
    """All watchers of this gateway, by job."""

    def __init__(self, jobs: JobRepository, bus: Bus) -> None:
        """No watchers yet."""
        self._jobs, self._bus = jobs, bus
        self._feeds: dict[JobKey, _Feed] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def watched(self) -> int:
        """Jobs that somebody watches."""
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
        """End every watch."""
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
            feed.take(stored)
        return feed

    def _forget(self, key: JobKey, feed: _Feed) -> None:
        if self._feeds.get(key) is feed:
            del self._feeds[key]
        if feed.task is not None:
            feed.task.cancel()


class _Feed:
    """One job, for all its watchers."""

    def __init__(self, key: JobKey, jobs: JobRepository, bus: Bus, stored: StoredJob) -> None:
        self.watchers, self.gone, self.closed = 0, False, False
        self.task: asyncio.Task[None] | None = None
        self._key, self._jobs, self._bus = key, jobs, bus
        self._speeds = Speeds()
        self._stored = stored
        self._latest: tuple[int, Job] = (0, Job())
        self._told, self._stirred = asyncio.Event(), asyncio.Event()
        self._told_s = 0.0
        self._changed = self._moved = self._hurry = False
        self._tell()

    async def after(self, seen: int) -> tuple[int, Job] | None:
        """The latest view and its number, once that is more than `seen`; None where nothing more comes."""
        while self._latest[0] <= seen:
            if self.gone or self.closed or state.is_over(self._stored.record):
                return None
            await self._told.wait()
        return self._latest

    async def run(self) -> None:
        """Look and listen until the job is over."""
        ear = asyncio.create_task(self._listen())
        try:
            while not self.gone and not state.is_over(self._stored.record):
                await self._wait()
                await self._look()
        finally:
            ear.cancel()
            with suppress(asyncio.CancelledError):
                await ear

    def close(self) -> None:
        """Nothing more comes."""
        self.closed = True
        self._wake()

    def take(self, stored: StoredJob) -> None:
        """The record as somebody read it; another state is told at once, the rest when it is time."""
        if stored.revision <= self._stored.revision:
            return
        before, self._stored = self._stored, stored
        if stored.record.state != before.record.state or self._due_s() <= time.monotonic():
            self._tell()
        else:
            self._moved = True

    async def _look(self) -> None:
        self._changed = self._hurry = False
        try:
            stored = await self._jobs.get(self._key)
        except UnavailableError as error:
            log.warning("watched_job_not_read", tenant=self._key.tenant, job=self._key.job, error=str(error))
            return
        if stored is None or stored.record.state == Job.STATE_DELETING:
            self.gone = True
            self._wake()
        else:
            self.take(stored)

    async def _wait(self) -> None:
        """Until it is time to look; what running tasks tell goes to watchers meanwhile."""
        looked_s = time.monotonic()
        while not self._changed and time.monotonic() < looked_s + LOOK_EVERY_S:
            until_s = min(self._due_s(), looked_s + LOOK_EVERY_S) if self._moved else looked_s + LOOK_EVERY_S
            with suppress(TimeoutError):
                async with asyncio.timeout(max(until_s - time.monotonic(), 0)):
                    await self._stirred.wait()
            self._stirred.clear()
            if self._moved and self._due_s() <= time.monotonic():
                self._tell()
        while not self._hurry and (rest_s := looked_s + _LOOK_AT_MOST_EVERY_S - time.monotonic()) > 0:
            with suppress(TimeoutError):
                async with asyncio.timeout(rest_s):
                    await self._stirred.wait()
            self._stirred.clear()

    async def _listen(self) -> None:
        """What was told before it begins isn't heard, so the record is looked at then."""
        while True:
            try:
                async with self._bus.listen(self._key.progress_subject) as words:
                    self._changed = True
                    self._stirred.set()
                    async for word in words:
                        self._hear(word)
            except UnavailableError:
                await asyncio.sleep(LOOK_EVERY_S)

    def _hear(self, word: bytes) -> None:
        try:
            progress = TaskProgress.FromString(word)
        except DecodeError:
            return
        if progress.HasField("id"):
            self._speeds.heard(progress)
            self._moved = True
        else:
            self._changed = True
            self._hurry |= progress.state != self._stored.record.state
        self._stirred.set()

    def _due_s(self) -> float:
        return self._told_s + _TELL_EVERY_S

    def _tell(self) -> None:
        self._moved, self._told_s = False, time.monotonic()
        job = self._speeds.view(self._stored.record)
        if job != self._latest[1]:
            self._latest = (self._latest[0] + 1, job)
            self._wake()

    def _wake(self) -> None:
        self._told.set()
        self._told = asyncio.Event()
