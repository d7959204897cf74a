"""A nats-server that is killed and started again on its store: all goes on without new connections, nothing is lost."""

from __future__ import annotations

import asyncio
import signal
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.errors import UnavailableError
from liftline.ports import Bus
from liftline_cli.up._nats_server import NatsServer
from tests.servers import nats_settings, running_nats

DOWN_S = 1.0


@pytest.fixture
def server(tmp_path: Path) -> Iterator[NatsServer]:
    with running_nats(tmp_path) as own:
        yield own


@asynccontextmanager
async def service(server: NatsServer, *, ack_wait_s: float = 2.0) -> AsyncIterator[tuple[NatsBus, NatsRecords]]:
    async with connected(nats_settings(server, ack_wait_s=ack_wait_s), name="test") as connection:
        await topology.ensure(connection)
        yield NatsBus(connection), NatsRecords(connection)


async def outage(server: NatsServer, *, down_s: float = DOWN_S) -> None:
    """Kill the server as a crash would, and start it again after so long."""
    await asyncio.to_thread(server.kill)
    await asyncio.sleep(down_s)
    await asyncio.to_thread(server.start)


def subject(number: int) -> str:
    return f"liftline.tasks.detect.normal.t.j.{number}"


async def publish(bus: Bus, number: int) -> None:
    await bus.publish(subject(number), b"data", message_id=str(number))


async def test_a_waiting_pull_goes_on_after_an_outage(server: NatsServer) -> None:
    async with service(server) as (one, _), service(server) as (other, _):
        pulling = asyncio.create_task(one.pull(["plan-normal", "detect-normal"], wait_s=15))
        await asyncio.sleep(0.2)
        await outage(server)
        await publish(other, 1)
        began = time.monotonic()
        task = await pulling
        assert task is not None
        assert task.subject == subject(1)
        assert time.monotonic() - began < 3
        await task.ack()


async def test_a_pull_of_events_goes_on_after_an_outage(server: NatsServer) -> None:
    async with service(server) as (one, _), service(server) as (other, _):
        pulling = asyncio.create_task(one.pull_events(at_most=10, wait_s=15))
        await asyncio.sleep(0.2)
        await outage(server)
        await other.publish("liftline.events.t.j.finished", b"", message_id="e")
        assert [event.subject for event in await pulling] == ["liftline.events.t.j.finished"]


async def test_all_tasks_published_during_outages_are_done_and_none_is_left(server: NatsServer) -> None:
    count = 400

    async def work(bus: Bus, done: Counter[str]) -> None:
        while True:
            with suppress(UnavailableError):
                task = await bus.pull(["detect-normal", "plan-normal"], wait_s=1)
                if task is not None:
                    await asyncio.sleep(0.005)
                    await task.ack()
                    done[task.subject] += 1

    async def all_are_done(bus: Bus, done: Counter[str]) -> None:
        while len(done) < count or await bus.task_subjects("liftline.tasks.>"):
            await asyncio.sleep(0.2)

    async with service(server) as (one, _), service(server) as (other, _), service(server) as (third, _):
        done = Counter[str]()
        working = [asyncio.create_task(work(bus, done)) for bus in (one, other) for _ in range(3)]
        for number in range(count):
            if number in (100, 250):
                down = asyncio.create_task(outage(server))
            await publish(third, number)
            await asyncio.sleep(0.002)
        await down
        await asyncio.wait_for(all_are_done(third, done), 40)
        for one_working in working:
            one_working.cancel()
        assert set(done) == {subject(number) for number in range(count)}


async def test_what_was_published_before_a_crash_is_there_after_it(server: NatsServer) -> None:
    async with service(server) as (bus, records):
        await asyncio.gather(*(publish(bus, number) for number in range(200)))
        await asyncio.gather(*(records.create(f"jobs.t.{number}", b"%d" % number) for number in range(200)))
        await outage(server, down_s=0)
        assert await bus.task_subjects("liftline.tasks.>") == {subject(number) for number in range(200)}
        assert len(await records.keys("jobs.t.")) == 200


async def test_tasks_that_were_done_before_a_crash_do_not_count_as_waiting_after_it(server: NatsServer) -> None:
    async with service(server, ack_wait_s=1) as (bus, _):
        await asyncio.gather(*(publish(bus, number) for number in range(60)))
        for _ in range(50):
            task = await bus.pull(["detect-normal"], wait_s=1)
            assert task is not None
            await task.ack()
        await asyncio.sleep(1.5)  # the consumer's state is written once a second, the stream's much later
        await outage(server, down_s=0)
        assert await bus.task_subjects("liftline.tasks.>") == {subject(number) for number in range(50, 60)}


async def test_purged_tasks_do_not_come_back_after_a_crash(server: NatsServer) -> None:
    async with service(server) as (bus, _):
        await asyncio.gather(*(publish(bus, number) for number in range(50)))
        await bus.purge_tasks("liftline.tasks.>")
        await outage(server, down_s=0)
        assert await bus.task_subjects("liftline.tasks.>") == set()
        assert await bus.pull(["detect-normal"], wait_s=0.3) is None


async def test_deleted_records_do_not_come_back_after_a_crash(server: NatsServer) -> None:
    async with service(server) as (_, records):
        for number in range(20):
            await records.create(f"jobs.t.{number}", b"")
            await records.create(f"results.t.j.{number}", b"")
            await records.delete(f"jobs.t.{number}")
        await records.delete_all("results.t.j.")
        await outage(server, down_s=0)
        assert await records.keys("") == []


async def test_deleted_records_that_were_changed_before_do_not_come_back_after_a_crash(server: NatsServer) -> None:
    async with service(server) as (_, records):
        await records.create("jobs.t.before", b"")
        for number in range(20):
            revision = await records.create(f"jobs.t.{number}", b"first")
            for _ in range(3):
                assert revision is not None
                revision = await records.update(f"jobs.t.{number}", b"later", revision=revision)
        await records.create("jobs.t.after", b"")
        for number in range(20):
            await records.delete(f"jobs.t.{number}")
        await outage(server, down_s=0)
        assert await records.keys("jobs.") == ["jobs.t.after", "jobs.t.before"]


async def test_a_task_in_work_during_an_outage_can_still_be_kept_and_acked(server: NatsServer) -> None:
    async with service(server, ack_wait_s=5) as (bus, _):
        await publish(bus, 1)
        task = await bus.pull(["detect-normal"], wait_s=2)
        assert task is not None
        down = asyncio.create_task(outage(server))
        await asyncio.sleep(0.3)
        await task.in_progress()
        await task.ack()
        await down
        assert await bus.task_subjects("liftline.tasks.>") == set()


async def test_no_increment_is_lost_or_counted_twice_over_outages(server: NatsServer) -> None:
    """A write whose answer is lost may have happened: whoever repeats it must not take itself for another."""

    async def count_up(records: NatsRecords, times: int) -> None:
        for _ in range(times):
            while True:
                entry = await records.get("jobs.t.j")
                assert entry is not None
                if await records.update("jobs.t.j", b"%d" % (int(entry.value) + 1), revision=entry.revision):
                    break

    async with service(server) as (_, one), service(server) as (_, other):
        await one.create("jobs.t.j", b"0")
        counting = [asyncio.create_task(count_up(records, 300)) for records in (one, other)]
        for _ in range(3):
            await asyncio.sleep(0.2)
            await outage(server, down_s=0.2)
        await asyncio.gather(*counting)
        entry = await one.get("jobs.t.j")
        assert entry is not None
        assert entry.value == b"600"


async def test_whoever_creates_during_an_outage_learns_that_it_won(server: NatsServer) -> None:
    async with service(server) as (_, records):
        down = asyncio.create_task(outage(server, down_s=0.2))
        revisions = []
        number = 0
        while not down.done() or number % 50:
            revisions.append(await records.create(f"results.t.j.detect-{number}", b"x"))
            number += 1
        assert None not in revisions


async def test_whoever_listens_hears_again_after_an_outage(server: NatsServer) -> None:
    async with service(server) as (one, _), service(server) as (other, _), one.listen("liftline.x") as words:
        await outage(server)
        hearing = asyncio.ensure_future(anext(words))
        while not hearing.done():
            with suppress(UnavailableError):
                await other.tell("liftline.x", b"word")
            await asyncio.sleep(0.05)
        assert await hearing == b"word"


async def test_a_question_is_answered_again_after_an_outage(server: NatsServer) -> None:
    async def answer(question: bytes) -> bytes:
        return b"yes"

    async with service(server) as (one, _), service(server) as (other, _), one.answering("liftline.w", answer):
        await outage(server)
        await publish(one, 1)
        await publish(other, 2)
        assert await other.ask("liftline.w", b"", wait_s=3) == b"yes"


async def test_calls_end_with_a_clear_error_while_nats_is_down(server: NatsServer) -> None:
    async with service(server) as (bus, records):
        server.kill()
        await asyncio.sleep(0.2)
        began = time.monotonic()
        calls = await asyncio.gather(
            publish(bus, 1),
            bus.pull(["detect-normal"], wait_s=1),
            bus.pull_events(at_most=3, wait_s=1),
            bus.task_subjects("liftline.tasks.>"),
            bus.purge_tasks("liftline.tasks.>"),
            bus.tell("liftline.progress.t.j", b""),
            bus.ask("liftline.workers.w", b"", wait_s=1),
            records.get("jobs.t.j"),
            records.create("jobs.t.j", b""),
            records.update("jobs.t.j", b"", revision=1),
            records.delete("jobs.t.j"),
            records.keys("jobs."),
            records.delete_all("jobs."),
            return_exceptions=True,
        )
        assert {type(call) for call in calls} == {UnavailableError}
        assert all(f"NATS at 127.0.0.1:{server.port} can't be used" in str(call) for call in calls)
        assert time.monotonic() - began < 12


async def test_a_server_that_stands_still_is_left_and_found_again(server: NatsServer) -> None:
    """It answers nothing for longer than any question waits, then goes on with the same connections."""

    async with service(server) as (bus, _):
        await publish(bus, 1)
        assert server.child is not None
        server.child.process.send_signal(signal.SIGSTOP)
        await asyncio.sleep(0.2)
        try:
            began = time.monotonic()
            with pytest.raises(UnavailableError):
                await publish(bus, 2)
            with pytest.raises(UnavailableError):
                async with bus.listen("liftline.progress.t.j"):
                    pass
            assert time.monotonic() - began < 12
        finally:
            server.child.process.send_signal(signal.SIGCONT)
        await publish(bus, 2)
        await publish(bus, 3)
        assert await bus.task_subjects("liftline.tasks.>") == {subject(1), subject(2), subject(3)}
        pulled = [await bus.pull(["detect-normal"], wait_s=3) for _ in range(3)]
        assert all(pulled)
        assert await bus.pull(["detect-normal"], wait_s=0) is None, "a message id was kept twice"


async def test_an_error_that_the_server_sends_does_not_end_the_connection_for_good(server: NatsServer) -> None:
    async with connected(nats_settings(server), name="test") as connection:
        await topology.ensure(connection)
        bus = NatsBus(connection)
        await connection.client._send_command(b"NO SUCH COMMAND\r\n")
        await publish(bus, 1)
        await asyncio.sleep(0.3)
        await publish(bus, 2)
        assert await bus.task_subjects("liftline.tasks.>") == {subject(1), subject(2)}
