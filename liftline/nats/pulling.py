"""Taking messages from several JetStream consumers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from nats.aio.msg import Msg

from liftline.errors import UnavailableError
from liftline.nats.channel import Channel
from liftline.nats.connection import Connection

_ANSWER_S, _GRACE_S, _AGAIN_S, _SHORTEST_S = 2.0, 1.0, 0.1, 0.01
_NOTHING_THERE, _TIME_OVER = "404", "408"


class Puller:
    """Pulls of one connection; any number at once, each on a channel of its own."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._idle: list[Channel] = []

    async def pull(self, stream: str, consumers: Sequence[str], *, at_most: int, wait_s: float) -> list[Msg]:
        """What is there for the first consumer that has any, else what comes first. Raises UnavailableError."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        while True:
            try:
                async with self._channel() as channel:
                    return await self._pull(channel, stream, consumers, at_most=at_most, end=end)
            except UnavailableError:
                if loop.time() + _AGAIN_S >= end:
                    raise
            await asyncio.sleep(_AGAIN_S)

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[Channel]:
        channel = self._idle.pop() if self._idle else Channel(self._connection)
        try:
            yield channel
        except BaseException:
            channel.give_back_taken()
            await channel.close()
            raise
        channel.settle()
        if channel.usable:
            self._idle.append(channel)

    async def _pull(
        self, channel: Channel, stream: str, consumers: Sequence[str], *, at_most: int, end: float
    ) -> list[Msg]:  # fmt: skip
        for consumer in consumers:
            if found := await self._there(channel, stream, consumer, at_most):
                return found
        found = await self._first(channel, stream, consumers, end)
        if found and len(found) < at_most and channel.usable:
            found += await self._there(channel, stream, consumers[0], at_most - len(found))
        return found

    async def _there(self, channel: Channel, stream: str, consumer: str, at_most: int) -> list[Msg]:
        await channel.request(stream, consumer, batch=at_most)
        found: list[Msg] = []
        while len(found) < at_most:
            message = await channel.next(wait_s=_ANSWER_S)
            if message is None:
                raise self._connection.unavailable(f"no answer from consumer {consumer} of {stream}")
            if not message.reply:
                self._check(stream, message)
                break
            found.append(message)
        return found

    async def _first(self, channel: Channel, stream: str, consumers: Sequence[str], end: float) -> list[Msg]:
        left_s = end - asyncio.get_running_loop().time()
        if left_s < _SHORTEST_S:
            return []
        for consumer in consumers:
            await channel.request(stream, consumer, batch=1, expires_s=left_s)
        for unanswered in reversed(range(len(consumers))):
            message = await channel.next(wait_s=max(end - asyncio.get_running_loop().time(), 0.0) + _GRACE_S)
            if message is None:
                raise self._connection.unavailable(f"no answer from consumers of {stream}")
            if message.reply:
                if unanswered:
                    await channel.close()
                return [message]
            self._check(stream, message)
        return []

    def _check(self, stream: str, message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status not in (_NOTHING_THERE, _TIME_OVER):
            description = (message.headers or {}).get("Description", "no reason given")
            raise self._connection.unavailable(f"a pull of {stream} ended with {status} {description}")
