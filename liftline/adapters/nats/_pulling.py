"""Taking messages from several JetStream consumers at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from nats.aio.msg import Msg

from liftline.adapters.nats._channel import Channel
from liftline.adapters.nats.connection import Connection
from liftline.net.retrying import NATS_REQUEST, retry_async

_GRACE_S, _AGAIN_S, _SHORTEST_S, _NEARLY_S = 1.0, 0.1, 0.01, 0.25
_NOTHING_THERE, _TIME_OVER, _OTHERS_WAIT = "404", "408", "Requests Pending"


class Puller:
    """Pulls of one stream over one connection; any number at once, each on a channel of its own."""

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection, self._stream = connection, stream
        self._resting: list[Channel] = []

    async def pull(self, consumers: Sequence[str], *, at_most: int, wait_s: float) -> list[Msg]:
        """Messages of the first consumer that has any, else the first to arrive. Raises UnavailableError."""
        end = asyncio.get_running_loop().time() + wait_s

        async def attempt() -> list[Msg]:
            async with self._channel() as channel:
                return await self._pull(channel, consumers, at_most=at_most, end=end)

        return await retry_async(NATS_REQUEST.within(wait_s), attempt)

    @asynccontextmanager
    async def _channel(self) -> AsyncIterator[Channel]:
        channel = self._resting.pop() if self._resting else Channel(self._connection, self._stream)
        channel.begin()
        try:
            yield channel
            channel.settle()
        finally:
            channel.rest()
            self._resting.append(channel)

    async def _pull(self, channel: Channel, consumers: Sequence[str], *, at_most: int, end: float) -> list[Msg]:
        answered = False
        for consumer in consumers:
            if channel.asked(consumer):
                continue  # an earlier request still waits, so nothing is there
            found = await self._there(channel, consumer, at_most)
            if found:
                return found
            answered = True
        found = await self._first(channel, consumers, end, answered=answered)
        if found and len(found) < at_most:
            found += await self._there(channel, consumers[0], at_most - len(found))
        return found

    async def _there(self, channel: Channel, consumer: str, at_most: int) -> list[Msg]:
        """Up to `at_most` messages that the consumer has now, without waiting for new ones."""
        found: list[Msg] = []
        await channel.request(consumer, batch=at_most)
        until_s = asyncio.get_running_loop().time() + _GRACE_S
        while len(found) < at_most and (message := await channel.next(until_s=until_s)) is not None:
            if message.reply:
                found.append(message)
            elif self._says_nothing_there(message):
                return found
        if not found:
            raise self._connection.unavailable(f"no answer from consumer {consumer} of {self._stream}")
        return found

    def _says_nothing_there(self, message: Msg) -> bool:
        """Whether it answers a request for what is there; else an earlier one, whose time is over."""
        return self._status(message) == _NOTHING_THERE or (message.headers or {}).get("Description") == _OTHERS_WAIT

    async def _first(self, channel: Channel, consumers: Sequence[str], end: float, *, answered: bool) -> list[Msg]:
        """The first message that any of the consumers gets until `end`, in a list; empty if none does."""
        now = asyncio.get_running_loop().time()
        if end - now < _SHORTEST_S:
            return []
        to_ask = [consumer for consumer in consumers if channel.asked(consumer) < end - _NEARLY_S]
        for consumer in to_ask:
            await channel.request(consumer, batch=1, expires_s=end - now)
            channel.note_asked(consumer, until_s=end)
        answered = answered or not to_ask
        while (message := await channel.next(until_s=end if answered else end + _GRACE_S)) is not None:
            if message.reply:
                return [message]
            self._status(message)
            answered = True
        if not answered:
            raise self._connection.unavailable(f"no answer from consumers of {self._stream}")
        return []

    def _status(self, message: Msg) -> str:
        headers = message.headers or {}
        status = headers.get("Status", "")
        if status not in (_NOTHING_THERE, _TIME_OVER):
            description = headers.get("Description", "no reason given")
            raise self._connection.unavailable(f"a pull of {self._stream} ended with {status} {description}")
        return status
