"""A message of a JetStream consumer, and how it ended."""

from __future__ import annotations

import json
from collections.abc import Mapping

from nats.aio.msg import Msg

from liftline.adapters.nats.connection import Connection

_NAK, _TERM, _IN_PROGRESS = b"-NAK", b"+TERM", b"+WPI"


class NatsDelivery:
    """What `liftline.ports.Delivery` says. Each word is confirmed by the server, and said again until it is."""

    __slots__ = ("_connection", "_message")

    def __init__(self, connection: Connection, message: Msg) -> None:
        self._connection, self._message = connection, message

    @property
    def subject(self) -> str:
        """Where it was published."""
        return self._message.subject

    @property
    def data(self) -> bytes:
        """What it says."""
        return self._message.data

    @property
    def headers(self) -> Mapping[str, str]:
        """What is said about it."""
        return self._message.headers or {}

    @property
    def deliveries(self) -> int:
        """How often it was delivered."""
        return self._message.metadata.num_delivered

    async def ack(self) -> None:
        """It is done."""
        await self._say(b"+ACK")

    async def nak(self, *, delay_s: float = 0.0) -> None:
        """It is not done."""
        delay = json.dumps({"delay": round(delay_s * 1e9)}).encode() if delay_s > 0 else b""
        await self._say(_NAK + b" " + delay if delay else _NAK)

    async def term(self) -> None:
        """It can't be done."""
        await self._say(_TERM)

    async def in_progress(self) -> None:
        """It is worked on."""
        await self._say(_IN_PROGRESS)

    async def _say(self, word: bytes) -> None:
        await self._connection.retry(lambda: self._connection.once(self._message.reply, word))
