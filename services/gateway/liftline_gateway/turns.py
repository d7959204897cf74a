"""Turns: how much goes on at a time, so that nobody alone takes what all share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager


class Turns:
    """At most `of_one` at a time under one key, and `of_all` in total; the others wait, first come, first served."""

    def __init__(self, *, of_one: int, of_all: int) -> None:
        """Nothing goes on yet."""
        self._of_one, self._all = of_one, asyncio.Semaphore(of_all)
        self._by_key: dict[Hashable, _Key] = {}

    @asynccontextmanager
    async def turn(self, key: Hashable) -> AsyncIterator[None]:
        """Wait for a turn, and hold it."""
        its = self._by_key.setdefault(key, _Key(self._of_one))
        its.users += 1
        try:
            async with its.places, self._all:
                yield
        finally:
            its.users -= 1
            if not its.users:
                del self._by_key[key]


class _Key:
    def __init__(self, places: int) -> None:
        self.places, self.users = asyncio.Semaphore(places), 0
