"""Slots for running tasks: a bounded number at once, or one suspicious task alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class SlotsClosed(Exception):  # noqa: N818 - an outcome, not a failure
    """The worker is stopping: tasks that wait for a slot go back to the queue."""


class SlotTimeout(Exception):  # noqa: N818 - an outcome
    """No slot became free in time."""


class Slots:
    """`at_once` slots, first come, first served. A task that must run alone waits for all others; none overtakes it."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._running = 0
        self._alone = False
        self._waiting: deque[tuple[asyncio.Future[None], bool]] = deque()
        self._closed = False

    @asynccontextmanager
    async def slot(self, *, alone: bool = False, within_s: float | None = None) -> AsyncIterator[None]:
        """Wait for a slot and hold it while the context lasts.

        Raises SlotTimeout where none becomes free `within_s`, SlotsClosed after `close`.
        """
        await self._wait(alone, within_s)
        try:
            yield
        finally:
            self._give_back()

    def close(self) -> None:
        """Hand out no more slots; waiting tasks get SlotsClosed."""
        self._closed = True
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(SlotsClosed())

    async def _wait(self, alone: bool, within_s: float | None) -> None:
        if self._closed:
            raise SlotsClosed()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, alone))
        self._give()
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError as error:
            self._leave(future)
            raise SlotTimeout from error
        except asyncio.CancelledError:
            self._leave(future)
            raise

    def _leave(self, future: asyncio.Future[None]) -> None:
        if future.done() and not future.cancelled() and future.exception() is None:
            self._give_back()
        self._give()

    def _give(self) -> None:
        while self._waiting:
            future, alone = self._waiting[0]
            if future.done():
                self._waiting.popleft()
            elif self._alone or self._running >= (1 if alone else self._at_once):
                return
            else:
                self._waiting.popleft()
                self._running, self._alone = self._running + 1, alone
                future.set_result(None)

    def _give_back(self) -> None:
        self._running, self._alone = self._running - 1, False
        self._give()
