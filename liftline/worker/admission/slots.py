"""Whose turn it is to run: so many tasks at once, or a suspicious one alone."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class NoMoreTurns(Exception):  # noqa: N818 - an outcome, not a failure
    """The worker ends; others do what hasn't started."""


class TurnIsLate(Exception):  # noqa: N818 - an outcome
    """It hasn't come in time."""


class Turns:
    """First come, first served. Whoever must be alone waits until the others have finished; nobody passes it."""

    def __init__(self, at_once: int) -> None:
        """So many at a time."""
        self._at_once = at_once
        self._running = 0
        self._alone = False
        self._waiting: deque[tuple[asyncio.Future[None], bool]] = deque()
        self._closed = False

    @asynccontextmanager
    async def turn(self, *, alone: bool = False, within_s: float | None = None) -> AsyncIterator[None]:
        """Wait for a turn and have it while the context lasts.

        Raises TurnIsLate when it doesn't come `within_s`, NoMoreTurns when no more are given.
        """
        await self._wait(alone, within_s)
        try:
            yield
        finally:
            self._give_back()

    def close(self) -> None:
        """Give no more turns; who waits for one is told."""
        self._closed = True
        while self._waiting:
            future, _ = self._waiting.popleft()
            if not future.done():
                future.set_exception(NoMoreTurns())

    async def _wait(self, alone: bool, within_s: float | None) -> None:
        if self._closed:
            raise NoMoreTurns()
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((future, alone))
        self._give()
        try:
            async with asyncio.timeout(within_s):
                await future
        except TimeoutError as error:
            self._leave(future)
            raise TurnIsLate from error
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
