"""Streams, consumers and the bucket on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import Connection, connected
from liftline.adapters.nats.records import NatsRecords
from liftline.errors import UsageError
from liftline.jobs.naming import Priority, Stage, consumer
from liftline_cli.up._nats_server import NatsServer
from tests.servers import nats_settings, running_nats


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with running_nats(tmp_path) as own:
        yield own


async def names(connection: Connection, what: str) -> set[str]:
    answer = await connection.api(f"{what}.NAMES" if what == "STREAM" else f"CONSUMER.NAMES.{what}")
    return set(answer["streams" if what == "STREAM" else "consumers"])


async def test_eight_gateways_that_start_at_once_agree(server: NatsServer) -> None:
    async def gateway() -> None:
        async with connected(nats_settings(server), name="gateway") as connection:
            await topology.ensure(connection)

    await asyncio.gather(*(gateway() for _ in range(8)))
    async with connected(nats_settings(server), name="test") as connection:
        streams = {"LIFTLINE_TASKS", "LIFTLINE_EVENTS", "LIFTLINE_DEAD", "KV_liftline", "KV_liftline_jobs"}
        assert await names(connection, "STREAM") == streams
        assert await names(connection, "LIFTLINE_EVENTS") == {"coordinator"}
        every = {consumer(stage, priority) for stage in Stage for priority in Priority}
        assert await names(connection, "LIFTLINE_TASKS") == every


async def test_making_it_again_keeps_what_is_in_it_and_takes_new_settings(server: NatsServer) -> None:
    async with connected(nats_settings(server, ack_wait_s=30), name="test") as connection:
        await topology.ensure(connection)
        await NatsBus(connection).publish("liftline.tasks.detect.normal.t.j.0", b"", message_id="1")
        await NatsRecords(connection).create("jobs.t.j", b"kept")
    changed = nats_settings(server, ack_wait_s=0.5).model_copy(update={"events_days": 1.0})
    async with connected(changed, name="test") as connection:
        await topology.ensure(connection)
        bus = NatsBus(connection)
        assert await bus.pull(["detect-normal"], wait_s=1) is not None
        assert await bus.pull(["detect-normal"], wait_s=3) is not None, "the new ack_wait isn't in use"
        entry = await NatsRecords(connection).get("jobs.t.j")
        assert entry is not None
        assert entry.value == b"kept"
        events = await connection.api("STREAM.INFO.LIFTLINE_EVENTS")
        assert events["config"]["max_age"] == 86400 * 10**9


async def test_a_worker_waits_until_the_setup_has_made_everything(server: NatsServer) -> None:
    settings = nats_settings(server)
    async with connected(settings, name="worker") as worker, connected(settings, name="gateway") as gateway:
        waiting = asyncio.create_task(topology.wait_until_there(worker))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        await topology.ensure(gateway)
        await asyncio.wait_for(waiting, 5)


async def test_a_worker_that_waits_outlasts_an_outage(server: NatsServer) -> None:
    settings = nats_settings(server)
    async with connected(settings, name="worker") as worker, connected(settings, name="gateway") as gateway:
        waiting = asyncio.create_task(topology.wait_until_there(worker))
        await asyncio.to_thread(server.kill)
        await asyncio.sleep(0.5)
        await asyncio.to_thread(server.start)
        await topology.ensure(gateway)
        await asyncio.wait_for(waiting, 8)


async def test_streams_of_someone_else_under_these_names_are_refused(server: NatsServer) -> None:
    async with connected(nats_settings(server), name="test") as connection:
        await connection.api("STREAM.CREATE.OTHERS", {"name": "OTHERS", "subjects": ["liftline.tasks.>"]})
        with pytest.raises(UsageError, match="use another NATS account"):
            await topology.ensure(connection)


async def test_deleted_records_leave_nothing_in_the_bucket(server: NatsServer) -> None:
    async with connected(nats_settings(server), name="test") as connection:
        await topology.ensure(connection)
        records = NatsRecords(connection)
        for number in range(50):
            await records.create(f"attempts.t.j.detect-{number}", b"x")
            await records.create(f"results.t.j.detect-{number}", b"x")
            await records.delete(f"attempts.t.j.detect-{number}")
        await records.delete_all("results.t.j.")
        state = (await connection.api("STREAM.INFO.KV_liftline"))["state"]
        assert state["messages"] == 0


async def test_all_of_many_keys_are_listed(server: NatsServer) -> None:
    async with connected(nats_settings(server), name="test") as connection:
        await topology.ensure(connection)
        records = NatsRecords(connection)
        for start in range(0, 12_000, 500):
            keys = (f"results.tenant.job-{number % 3}.detect-{number}" for number in range(start, start + 500))
            await asyncio.gather(*(records.create(key, b"") for key in keys))
        assert len(await records.keys("results.tenant.job-1.")) == 4000
        assert len(await records.keys("results.")) == 12_000
        assert await records.keys("active.") == []


async def test_with_replicas_records_are_read_from_the_leader(server: NatsServer) -> None:
    """A direct get may be answered by a replica that is behind; this is one server set up as several would be."""

    async with connected(nats_settings(server), name="test") as connection:
        await topology.ensure(connection)
        config = (await connection.api("STREAM.INFO.KV_liftline"))["config"]
        await connection.api("STREAM.UPDATE.KV_liftline", config | {"allow_direct": False})
        records = NatsRecords(connection)
        assert await records.get("jobs.t.j") is None
        for value in (b"", b"\x00\xff\r\n: binary"):
            revision = await records.create("jobs.t.j", value)
            entry = await records.get("jobs.t.j")
            assert entry is not None
            assert (entry.value, entry.revision) == (value, revision)
            assert await records.get_all(["jobs.t.none", "jobs.t.j"]) == {"jobs.t.j": entry}
            await records.delete("jobs.t.j")
