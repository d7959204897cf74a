"""The way on which a pull's messages come: an inbox that outlives the pull as long as nothing is on its way.

The protocol (https://docs.nats.io/reference/reference-protocols/nats_api_reference, "Fetching from a consumer of type
pull"): a request to `$JS.API.CONSUMER.MSG.NEXT.<stream>.<consumer>` names an inbox; messages come there under their own
subjects, and so do status lines: 404 nothing there, 408 time is over, 409 the request was dropped.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from contextlib import suppress

from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from liftline.errors import UnavailableError
from liftline.nats.connection import Connection

_LATE_S = 5.0


class Channel:
    """One inbox, used by one pull at a time. Whatever comes after that pull is given back at once."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._inbox = connection.client.new_inbox()
        self._subscription: Subscription | None = None
        self._came = deque[Msg]()
        self._taken: list[Msg] = []
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False
        self._giving_back = set[asyncio.Task[None]]()
        self._forget_loss = connection.when_lost(self._lose)

    @property
    def usable(self) -> bool:
        """Whether another pull may use it."""
        return not self._closed

    async def request(self, stream: str, consumer: str, *, batch: int, expires_s: float = 0.0) -> None:
        """Ask for messages: those that are there, or with `expires_s` those that come. Raises UnavailableError."""
        if self._subscription is None:
            self._subscription = await self._connection.subscribe(self._inbox, self._hear)
        wanted = {"batch": batch, "expires": round(expires_s * 1e9)} if expires_s else {"batch": batch, "no_wait": True}
        await self._connection.say(
            f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}", json.dumps(wanted).encode(), reply=self._inbox
        )

    async def next(self, *, wait_s: float) -> Msg | None:
        """The next message or status; None when there is none in time. Raises UnavailableError when NATS is lost."""
        loop = asyncio.get_running_loop()
        end = loop.time() + wait_s
        while not self._came:
            if self._closed:
                raise self._connection.unavailable("the connection was lost")
            left_s = end - loop.time()
            if left_s <= 0:
                return None
            self._waiting = loop.create_future()
            timer = loop.call_later(left_s, self._wake)
            try:
                await self._waiting
            finally:
                timer.cancel()
        message = self._came.popleft()
        if message.reply:
            self._taken.append(message)
        return message

    def settle(self) -> None:
        """Whoever pulled answers now for the messages that `next` gave."""
        self._taken.clear()

    def give_back_taken(self) -> None:
        """Nobody answers for the messages that `next` gave since `settle`."""
        for message in self._taken:
            self._give_back(message)
        self._taken.clear()

    async def close(self) -> None:
        """Take no more; what comes nevertheless goes back. Something may be on its way for a moment."""
        if self._closed:
            return
        self._closed = True
        self._forget_loss()
        while self._came:
            self._give_back(self._came.popleft())
        if self._subscription is not None:
            asyncio.get_running_loop().call_later(_LATE_S, self._connection.forget, self._subscription)
            await self._connection.unsubscribe(self._subscription)

    def _hear(self, message: Msg) -> None:
        if self._closed:
            self._give_back(message)
        else:
            self._came.append(message)
            self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def _lose(self) -> None:
        self._closed = True
        self._forget_loss()
        if self._subscription is not None:
            self._connection.forget(self._subscription)
        self._wake()

    def _give_back(self, message: Msg) -> None:
        if message.reply:
            task = asyncio.get_running_loop().create_task(self._nak(message.reply))
            self._giving_back.add(task)
            task.add_done_callback(self._giving_back.discard)

    async def _nak(self, reply: str) -> None:
        with suppress(UnavailableError):  # it comes again after ack_wait
            await self._connection.say(reply, b"-NAK")
