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
from liftline.ports import Delivery

_NO_MESSAGE, _GONE = 10037, (400, 404)
_log = structlog.get_logger(__name__)


class NatsBus:
    """Tasks and events in streams, the rest in passing. Use it within the connection's event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._tasks, self._events = Puller(connection, TASKS), Puller(connection, EVENTS)

    async def publish(
        self, subject: str, data: bytes, *, message_id: str, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep a message."""
        all_headers = {**(headers or {}), "Nats-Msg-Id": message_id}

        async def publish() -> None:
            answer = await self._connection.once(subject, data, headers=all_headers)
            try:
                self._connection.read(answer)
            except ApiError as error:
                raise self._connection.unavailable(f"{subject} isn't kept, {error}") from error

        await self._connection.retry(publish)

    async def pull(self, consumers: Sequence[str], *, wait_s: float) -> Delivery | None:
        """One task of the first of these consumers that has any, or that gets one first."""
        found = await self._tasks.pull(consumers, at_most=1, wait_s=wait_s)
        return NatsDelivery(self._connection, found[0]) if found else None

    async def pull_events(self, *, at_most: int, wait_s: float) -> list[Delivery]:
        """Events that no one has had, as soon as there is one; all callers share them."""
        found = await self._events.pull([COORDINATOR], at_most=at_most, wait_s=wait_s)
        return [NatsDelivery(self._connection, message) for message in found]

    async def task_subjects(self, subject_filter: str) -> set[str]:
        """Subjects of tasks that aren't done: waiting or worked on."""
        return set(await subjects(self._connection, TASKS, subject_filter))

    async def purge_tasks(self, subject_filter: str) -> None:
        """Forget tasks, those that are worked on too.

        One by one: a purge by subject that takes the task which its consumer delivered last makes nats-server 2.15.1
        forget all others that are worked on; they stay in the stream, and nobody gets them again.
        """
        sequence: int | None = 0
        while sequence is not None:
            sequence = await self._connection.retry(partial(self._remove_next, subject_filter, sequence))

    async def tell(self, subject: str, data: bytes) -> None:
        """Say something to whoever listens just now."""
        await self._connection.say(subject, data)

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[bytes]]:
        """Hear what is told from the moment the context is entered; the oldest is dropped when nobody reads."""
        backlog = Backlog()
        async with self._connection.hearing(subject, lambda message: backlog.add(message.data)):
            yield backlog

    async def ask(self, subject: str, data: bytes, *, wait_s: float) -> bytes | None:
        """Ask whoever answers there; None when nobody does."""
        try:
            return (await self._connection.once(subject, data, wait_s=wait_s)).data
        except UnavailableError:
            if self._connection.is_there:
                return None
            raise

    @asynccontextmanager
    async def answering(self, subject: str, answer: Callable[[bytes], Awaitable[bytes | None]]) -> AsyncIterator[None]:
        """Answer while the context lasts; None is silence."""
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
        """The sequence of the first task after that one which passes the filter, and which now isn't there any more."""
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
