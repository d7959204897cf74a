"""A message of a JetStream consumer, and its acknowledgement."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nats.aio.msg import Msg

from liftline.adapters.nats.connection import Connection
from liftline.ports import Delivery

_NAK, _TERM, _IN_PROGRESS = b"-NAK", b"+TERM", b"+WPI"


class NatsDelivery(Delivery):
    """A JetStream message. Each acknowledgement is retried until the server confirms it."""

    __slots__ = ("_connection", "_message")

    def __init__(self, connection: Connection, message: Msg) -> None:
        self._connection, self._message = connection, message

    @property
    def subject(self) -> str:
        return self._message.subject

    @property
    def data(self) -> bytes:
        return self._message.data

    @property
    def headers(self) -> Mapping[str, str]:
        return self._message.headers or {}

    @property
    def deliveries(self) -> int:
        return self._message.metadata.num_delivered

    async def ack(self) -> None:
        await self._say(b"+ACK")

    async def nak(self, *, delay_s: float = 0.0) -> None:
        delay = json.dumps({"delay": round(delay_s * 1e9)}).encode() if delay_s > 0 else b""
        await self._say(_NAK + b" " + delay if delay else _NAK)

    async def term(self) -> None:
        await self._say(_TERM)

    async def in_progress(self) -> None:
        await self._say(_IN_PROGRESS)

    async def _say(self, word: bytes) -> None:
        await self._connection.retry(lambda: self._connection.once(self._message.reply, word))
