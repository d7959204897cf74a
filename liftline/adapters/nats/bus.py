"""`liftline.ports.Bus` over NATS JetStream."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial

import structlog
from nats.aio.msg import Msg

from liftline.adapters.nats._backlog import Backlog
from liftline.adapters.nats._delivery import NatsDelivery
from liftline.adapters.nats._pulling import Puller
from liftline.adapters.nats.connection import ApiError, Connection
from liftline.adapters.nats.subjects import subjects
from liftline.adapters.nats.topology import COORDINATOR, EVENTS, TASKS
from liftline.errors import UnavailableError
from liftline.ports import Bus, Delivery

_NO_MESSAGE, _GONE = 10037, (400, 404)
_log = structlog.get_logger(__name__)


class NatsBus(Bus):
    """Tasks and events in JetStream streams, the rest as plain messages. Use it within the connection's event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tasks, self._events = Puller(connection, TASKS), Puller(connection, EVENTS)

    async def publish(
        self, subject: str, data: bytes, *, message_id: str, headers: Mapping[str, str] | None = None
    ) -> None:
        all_headers = {**(headers or {}), "Nats-Msg-Id": message_id}

        async def publish() -> None:
            answer = await self._connection.once(subject, data, headers=all_headers)
            try:
                self._connection.read(answer)
            except ApiError as error:
                raise self._connection.unavailable(f"{subject} isn't kept, {error}") from error

        await self._connection.retry(publish)

    async def pull(self, consumers: Sequence[str], *, wait_s: float) -> Delivery | None:
        found = await self._tasks.pull(consumers, at_most=1, wait_s=wait_s)
        return NatsDelivery(self._connection, found[0]) if found else None

    async def pull_events(self, *, at_most: int, wait_s: float) -> list[Delivery]:
        found = await self._events.pull([COORDINATOR], at_most=at_most, wait_s=wait_s)
        return [NatsDelivery(self._connection, message) for message in found]

    async def task_subjects(self, subject_filter: str) -> set[str]:
        return set(await subjects(self._connection, TASKS, subject_filter))

    async def purge_tasks(self, subject_filter: str) -> None:
        """See `Bus.purge_tasks`. Tasks are deleted one by one.

        A purge by subject that takes the task which its consumer delivered last makes nats-server 2.15.1 forget all
        others in progress: they stay in the stream and are never redelivered.
        """
        sequence: int | None = 0
        while sequence is not None:
            sequence = await self._connection.retry(partial(self._remove_next, subject_filter, sequence))

    async def tell(self, subject: str, data: bytes) -> None:
        await self._connection.say(subject, data)

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """See `Bus.listen`. The server knows of the subscription when the context is entered."""
        backlog = Backlog()
        async with self._connection.hearing(subject, lambda message: backlog.add(message.data)):
            yield backlog

    async def ask(self, subject: str, data: bytes, *, wait_s: float) -> bytes | None:
        try:
            return (await self._connection.once(subject, data, wait_s=wait_s)).data
        except UnavailableError:
            if self._connection.is_there:
                return None
            raise

    @asynccontextmanager
    async def answering(self, subject: str, answer: Callable[[bytes], Awaitable[bytes | None]]) -> AsyncIterator[None]:
        answering = set[asyncio.Task[None]]()

        def hear(message: Msg) -> None:
            task = asyncio.get_running_loop().create_task(self._answer(message, answer))
            answering.add(task)
            task.add_done_callback(answering.discard)

        async with self._connection.hearing(subject, hear):
            yield
        for task in answering:
            task.cancel()

    async def _answer(self, message: Msg, answer: Callable[[bytes], Awaitable[bytes | None]]) -> None:
        try:
            data = await answer(message.data)
            if data is not None and message.reply:
                await self._connection.say(message.reply, data)
        except UnavailableError as error:
            _log.warning("answer_not_sent", subject=message.subject, error=str(error))

    async def _remove_next(self, subject_filter: str, after: int) -> int | None:
        """Delete the first task behind sequence `after` that passes the filter; its sequence, None if there is none."""
        wanted = {"seq": after + 1, "next_by_subj": subject_filter}
        try:
            found = await self._connection.api(f"STREAM.MSG.GET.{TASKS}", wanted)
        except ApiError as error:
            if error.number == _NO_MESSAGE:
                return None
            raise self._connection.unavailable(f"{subject_filter} can't be found, {error}") from error
        sequence = int(found["message"]["seq"])
        try:
            await self._connection.api(f"STREAM.MSG.DELETE.{TASKS}", {"seq": sequence})
        except ApiError as error:
            if error.code not in _GONE:
                raise self._connection.unavailable(f"task {sequence} can't be removed, {error}") from error
        return sequence
