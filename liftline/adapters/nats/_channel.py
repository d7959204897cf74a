"""The inbox on which one pull after the other gets its messages.

The protocol (https://docs.nats.io/reference/reference-protocols/nats_api_reference, "Fetching from a consumer of type
pull"): a request to `$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>` names an inbox; messages come there under their own
subjects, and so do status lines: 404 nothing there, 408 time is over, 409 the request was dropped.

Nothing takes a request back but to close the inbox, and then what is on its way is lost until `ack_wait` is over
(nats-server 2.15.1 too). So an inbox stays; the next pull gets what was asked for before, and what comes between two
pulls is given back at once.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress

from nats.aio.msg import Msg

from liftline.adapters.nats.connection import Connection
from liftline.errors import UnavailableError

_SHORT_REPLY_TOKENS = 9


class Channel:
    """One inbox, used by one pull at a time."""

    def __init__(self, connection: Connection, stream: str) -> None:
        self._connection, self._stream = connection, stream
        self._inbox = connection.client.new_inbox()
        self._subscribed = self._resting = self._lost = False
        self._came = deque[Msg]()
        self._taken: list[Msg] = []
        self._waiting: asyncio.Future[None] | None = None
        self._asked_until_s: dict[str, float] = {}
        self._giving_back = set[asyncio.Task[None]]()

    def begin(self) -> None:
        """Begin a pull: messages are kept for `next` from now on."""
        self._resting = self._lost = False

    def settle(self) -> None:
        """The caller owns the messages that `next` gave: they aren't given back."""
        self._taken.clear()

    def rest(self) -> None:
        """End the pull: messages that aren't settled are given back (nak)."""
        self._resting = True
        for message in (*self._taken, *self._came):
            self._give_back(message)
        self._taken.clear()
        self._came.clear()

    def asked(self, consumer: str) -> float:
        """Until when, by the loop's clock, an earlier request to this consumer waits for a message; 0 for none."""
        until_s = self._asked_until_s.get(consumer, 0.0)
        return until_s if until_s > asyncio.get_running_loop().time() else 0.0

    def note_asked(self, consumer: str, *, until_s: float) -> None:
        """Note that a request to this consumer waits for a message until then."""
        self._asked_until_s[consumer] = until_s

    async def request(self, consumer: str, *, batch: int, expires_s: float = 0.0) -> None:
        """Ask for messages: those that are there, or with `expires_s` those that come. Raises UnavailableError."""
        if not self._subscribed:
            await self._connection.subscribe(self._inbox, self._hear)
            self._connection.when_lost(self._lose)
            self._subscribed = True
        wanted = {"batch": batch, "expires": round(expires_s * 1e9)} if expires_s else {"batch": batch, "no_wait": True}
        await self._connection.say(
            f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{consumer}", json.dumps(wanted).encode(), reply=self._inbox
        )

    async def next(self, *, until_s: float) -> Msg | None:
        """The next message or status; None when there is none by then. Raises UnavailableError when NATS is lost."""
        loop = asyncio.get_running_loop()
        while not self._came:
            if self._lost:
                raise self._connection.unavailable("the connection was lost")
            if until_s <= loop.time():
                return None
            self._waiting = loop.create_future()
            timer = loop.call_at(until_s, self._wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
        message = self._came.popleft()
        if message.reply:
            self._taken.append(message)
            self._asked_until_s.pop(consumer_of(message), None)
        return message

    def _hear(self, message: Msg) -> None:
        if self._resting:
            self._give_back(message)
        else:
            self._came.append(message)
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _lose(self) -> None:
        self._lost = True
        self._asked_until_s.clear()
        self._wake()

    def _give_back(self, message: Msg) -> None:
        if message.reply:
            self._asked_until_s.pop(consumer_of(message), None)
            task = asyncio.get_running_loop().create_task(self._nak(message.reply))
            self._giving_back.add(task)
            task.add_done_callback(self._giving_back.discard)

    async def _nak(self, reply: str) -> None:
        with suppress(UnavailableError):  # it comes again after ack_wait
            await self._connection.say(reply, b"-NAK")


def consumer_of(message: Msg) -> str:
    """The consumer that sent it: `$JS.ACK.<stream>.<consumer>.…`, or with domain and account before the stream."""
    tokens = message.reply.split(".")
    return tokens[3] if len(tokens) == _SHORT_REPLY_TOKENS else tokens[5]
