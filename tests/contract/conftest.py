"""Bus and records, each from both adapters: what a test asserts of one holds for the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.jobs.naming import new_id
from liftline.ports import Bus, Records
from tests.memory import Broker, MemoryBus, MemoryRecords
from tests.servers import nats_settings, running_nats


@dataclass(frozen=True)
class Service:
    """What one of several processes has of the same broker."""

    bus: Bus
    records: Records


Opening = Callable[..., AbstractAsyncContextManager[Sequence[Service]]]


@pytest.fixture(params=["memory", "nats"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """`async with opening(count, ack_wait_s=...) as services`: so many services on an empty broker."""
    if request.param == "memory":
        return in_memory
    return over(tmp_path)


@asynccontextmanager
async def in_memory(count: int = 1, *, ack_wait_s: float = 20.0) -> AsyncIterator[Sequence[Service]]:
    broker, records = Broker(ack_wait_s=ack_wait_s), MemoryRecords()
    yield [Service(MemoryBus(broker), records) for _ in range(count)]


def over(folder: Path) -> Opening:
    """Each on a server of its own: one that deletes streams and makes them anew may bring back what was in them."""

    @asynccontextmanager
    async def services(count: int = 1, *, ack_wait_s: float = 20.0) -> AsyncIterator[Sequence[Service]]:
        with running_nats(folder / new_id()) as server:
            settings = nats_settings(server, ack_wait_s=ack_wait_s)
            async with AsyncExitStack() as stack:
                connections = [await stack.enter_async_context(connected(settings, name="test")) for _ in range(count)]
                await asyncio.gather(*(topology.ensure(connection) for connection in connections))
                yield [Service(NatsBus(connection), NatsRecords(connection)) for connection in connections]

    return services
