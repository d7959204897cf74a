"""Bus and records, each from both adapters: what a test asserts of one holds for the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass

import nats
import pytest
from nats.aio.client import Client
from nats.errors import NoRespondersError

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.ports import Bus, Records
from liftline_cli.up._nats_server import NatsServer
from tests.memory import Broker, MemoryBus, MemoryRecords
from tests.servers import nats_settings


@dataclass(frozen=True)
class Service:
    """What one of several processes has of the same broker."""

    bus: Bus
    records: Records


Opening = Callable[..., AbstractAsyncContextManager[Sequence[Service]]]


@pytest.fixture(params=["memory", "nats"])
def opening(request: pytest.FixtureRequest) -> Opening:
    """`async with opening(count, ack_wait_s=...) as services`: so many services on an empty broker."""
    if request.param == "memory":
        return in_memory
    return over(request.getfixturevalue("nats_server"))


@asynccontextmanager
async def in_memory(count: int = 1, *, ack_wait_s: float = 20.0) -> AsyncIterator[Sequence[Service]]:
    broker, records = Broker(ack_wait_s=ack_wait_s), MemoryRecords()
    yield [Service(MemoryBus(broker), records) for _ in range(count)]


def over(server: NatsServer) -> Opening:
    @asynccontextmanager
    async def services(count: int = 1, *, ack_wait_s: float = 20.0) -> AsyncIterator[Sequence[Service]]:
        await _empty(server)
        settings = nats_settings(server, ack_wait_s=ack_wait_s)
        async with AsyncExitStack() as stack:
            connections = [await stack.enter_async_context(connected(settings, name="test")) for _ in range(count)]
            await asyncio.gather(*(topology.ensure(connection) for connection in connections))
            await _purge(server)
            yield [Service(NatsBus(connection), NatsRecords(connection)) for connection in connections]

    return services


async def _empty(server: NatsServer) -> None:
    """Delete all streams, and wait until they are deaf too: nats-server 2.15.1 lets them answer a little longer."""
    client = await nats.connect(server.url)
    try:
        streams = client.jetstream()
        while there := await streams.streams_info():
            for stream in there:
                assert stream.config.name is not None
                await streams.delete_stream(stream.config.name)
                for subject in stream.config.subjects or ():
                    await _unheard(client, subject.replace(">", "nobody"))
    finally:
        await client.close()


async def _purge(server: NatsServer) -> None:
    """Empty streams that were just made: what an earlier test's client was about to publish lies in them, if rarely."""
    client = await nats.connect(server.url)
    try:
        streams = client.jetstream()
        for stream in await streams.streams_info():
            assert stream.config.name is not None
            if stream.state.messages:
                await streams.purge_stream(stream.config.name)
    finally:
        await client.close()


async def _unheard(client: Client, subject: str) -> None:
    """Wait until nothing answers there."""
    with suppress(NoRespondersError):
        while True:
            await client.request(subject, b"")
