"""Messages of a subscription that its reader hasn't taken yet."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator

_MOST = 1000


class Backlog:
    """Messages to one subscriber, in order, within one event loop; beyond `_MOST` the oldest is dropped."""

    def __init__(self) -> None:
        self._messages = deque[bytes](maxlen=_MOST)
        self._arrived = asyncio.Event()

    def add(self, data: bytes) -> None:
        self._messages.append(data)
        self._arrived.set()

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        """The next message; waits until there is one, so iteration never ends by itself."""
        while not self._messages:
            self._arrived.clear()
            await self._arrived.wait()
        return self._messages.popleft()
