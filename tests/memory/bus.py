"""`liftline.ports.Bus` on a broker of this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

from liftline.adapters.nats._backlog import Backlog
from liftline.ports import Delivery
from tests.memory.broker import Broker
from tests.memory.queue import Kept, Queue, subject_passes


class MemoryDelivery:
    """A `Delivery` of a message in a queue of the broker."""

    def __init__(self, broker: Broker, queue: Queue, kept: Kept) -> None:
        self._broker, self._queue, self._kept = broker, queue, kept
        self.subject, self.data, self.headers, self.deliveries = kept.subject, kept.data, kept.headers, kept.deliveries

    async def ack(self) -> None:
        await self._remove()

    async def term(self) -> None:
        await self._remove()

    async def nak(self, *, delay_s: float = 0.0) -> None:
        await self._free_in(delay_s)
        self._broker.wake()

    async def in_progress(self) -> None:
        await self._free_in(self._queue.ack_wait_s)

    async def _free_in(self, wait_s: float) -> None:
        await self._broker.reach()
        self._kept.free_at_s = self._broker.clock() + wait_s

    async def _remove(self) -> None:
        await self._broker.reach()
        self._queue.kept.pop(self._kept.number, None)


class MemoryBus:
    """One service's connection to the broker: a `Bus`."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    async def publish(
        self, subject: str, data: bytes, *, message_id: str, headers: Mapping[str, str] | None = None
    ) -> None:
        await self._broker.reach()
        self._broker.queue(subject).add(subject, data, message_id, headers or {})
        self._broker.wake()

    async def pull(self, consumers: Sequence[str], *, wait_s: float) -> Delivery | None:
        def take() -> list[Delivery]:
            tasks = self._broker.tasks
            for consumer in consumers:
                kept = tasks.take(lambda subject, name=consumer: _consumer(subject) == name)  # type: ignore[misc]
                if kept is not None:
                    return [MemoryDelivery(self._broker, tasks, kept)]
            return []

        found = await self._wait_for(self._broker.tasks, take, wait_s)
        return found[0] if found else None

    async def pull_events(self, *, at_most: int, wait_s: float) -> list[Delivery]:
        def take() -> list[Delivery]:
            events, found = self._broker.events, list[Delivery]()
            while len(found) < at_most and (kept := events.take(lambda _: True)) is not None:
                found.append(MemoryDelivery(self._broker, events, kept))
            return found

        return await self._wait_for(self._broker.events, take, wait_s)

    async def task_subjects(self, subject_filter: str) -> set[str]:
        await self._broker.reach()
        return {one.subject for one in self._broker.tasks.matching(subject_filter)}

    async def purge_tasks(self, subject_filter: str) -> None:
        await self._broker.reach()
        for one in self._broker.tasks.matching(subject_filter):
            del self._broker.tasks.kept[one.number]

    async def tell(self, subject: str, data: bytes) -> None:
        await self._broker.reach()
        for subject_filter, listeners in tuple(self._broker.listeners.items()):
            if subject_passes(subject_filter, subject):
                for hear in tuple(listeners):
                    hear(data)

    @asynccontextmanager
    async def listen(self, subject: str) -> AsyncIterator[AsyncIterator[bytes]]:
        await self._broker.reach()
        backlog = Backlog()
        listeners = self._broker.listeners.setdefault(subject, [])
        listeners.append(backlog.add)
        try:
            yield backlog
        finally:
            listeners.remove(backlog.add)

    async def ask(self, subject: str, data: bytes, *, wait_s: float) -> bytes | None:
        await self._broker.reach()
        asked = [asyncio.ensure_future(answer(data)) for answer in self._broker.answers.get(subject, ())]
        try:
            for one in asyncio.as_completed(asked, timeout=wait_s):
                answer = await one
                if answer is not None:
                    return answer
        except TimeoutError:
            pass
        finally:
            for one_asked in asked:
                one_asked.cancel()
        return None

    @asynccontextmanager
    async def answering(self, subject: str, answer: Callable[[bytes], Awaitable[bytes | None]]) -> AsyncIterator[None]:
        await self._broker.reach()
        answers = self._broker.answers.setdefault(subject, [])
        answers.append(answer)
        try:
            yield
        finally:
            answers.remove(answer)

    async def _wait_for(self, queue: Queue, take: Callable[[], list[Delivery]], wait_s: float) -> list[Delivery]:
        end = time.monotonic() + wait_s
        while True:
            await self._broker.reach()
            found = take()
            left_s = end - time.monotonic()
            if found or left_s <= 0:
                return found
            await self._broker.changed(queue, wait_s=left_s)


def _consumer(subject: str) -> str:
    _, _, stage, priority, *_ = subject.split(".")
    return f"{stage}-{priority}"
