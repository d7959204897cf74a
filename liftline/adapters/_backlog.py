"""What was told and not yet heard."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

_MOST = 1000


class Backlog:
    """Words for one listener, within one event loop; the oldest is dropped when there are too many."""

    def __init__(self) -> None:
        """Nothing was told."""
        self._told = deque[bytes](maxlen=_MOST)
        self._something = asyncio.Event()

    def add(self, data: bytes) -> None:
        """Something was told."""
        self._told.append(data)
        self._something.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        """What is heard, one after the other."""
        return self

    async def __anext__(self) -> bytes:
        """The next word, once there is one."""
        while not self._told:
            self._something.clear()
            await self._something.wait()
        return self._told.popleft()
