"""`liftline.ports.Records` within this process."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from liftline.errors import UnavailableError
from liftline.ports import Entry


class MemoryRecords:
    """Several services of a test share one. Set `reachable` to False, and every call raises UnavailableError."""

    def __init__(self) -> None:
        self.reachable = True
        self._entries: dict[str, Entry] = {}
        self._last = 0

    async def get(self, key: str) -> Entry | None:
        await self._reach()
        return self._entries.get(key)

    async def get_all(self, keys: Sequence[str]) -> dict[str, Entry]:
        """What is there under these keys."""
        await self._reach()
        return {key: self._entries[key] for key in keys if key in self._entries}

    async def create(self, key: str, value: bytes) -> int | None:
        await self._reach()
        return None if key in self._entries else self._put(key, value)

    async def update(self, key: str, value: bytes, *, revision: int) -> int | None:
        await self._reach()
        there = self._entries.get(key)
        return self._put(key, value) if there is not None and there.revision == revision else None

    async def delete(self, key: str) -> None:
        await self._reach()
        self._entries.pop(key, None)

    async def keys(self, prefix: str) -> list[str]:
        await self._reach()
        return sorted(key for key in self._entries if key.startswith(prefix))

    async def delete_all(self, prefix: str) -> None:
        for key in await self.keys(prefix):
            del self._entries[key]

    async def _reach(self) -> None:
        await asyncio.sleep(0)
        if not self.reachable:
            raise UnavailableError("The in-memory records can't be reached: they were told so.")

    def _put(self, key: str, value: bytes) -> int:
        self._last += 1
        self._entries[key] = Entry(value, self._last)
        return self._last
