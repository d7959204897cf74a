"""What the in-memory adapters offer tests beyond the ports: a clock to set, outages to make."""

from __future__ import annotations

import asyncio

import pytest

from liftline.errors import UnavailableError
from tests.memory import Broker, MemoryBus, MemoryRecords

TASK = "liftline.tasks.detect.normal.t.j.0"


class SetClock:
    """Stands still until it is set."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


async def test_a_clock_set_forward_makes_waiting_workers_take_over() -> None:
    clock = SetClock()
    broker = Broker(ack_wait_s=30, clock=clock)
    one, other = MemoryBus(broker), MemoryBus(broker)
    await one.publish(TASK, b"", message_id="1")
    task = await one.pull(["detect-normal"], wait_s=0)
    assert task is not None
    pulling = asyncio.create_task(other.pull(["detect-normal"], wait_s=10))
    await asyncio.sleep(0.05)
    clock.now_s += 29
    broker.wake()
    await task.in_progress()
    clock.now_s += 29
    broker.wake()
    await asyncio.sleep(0.05)
    assert not pulling.done()
    clock.now_s += 2
    broker.wake()
    again = await asyncio.wait_for(pulling, 1)
    assert again is not None
    assert again.deliveries == 2


async def test_a_message_id_is_forgotten_after_two_minutes() -> None:
    clock = SetClock()
    bus = MemoryBus(Broker(clock=clock))
    for wait_s in (0, 119, 2):
        clock.now_s += wait_s
        await bus.publish(TASK, b"", message_id="1")
    assert await bus.pull(["detect-normal"], wait_s=0) is not None
    assert await bus.pull(["detect-normal"], wait_s=0) is not None
    assert await bus.pull(["detect-normal"], wait_s=0) is None


async def test_every_call_fails_in_an_outage_and_nothing_is_lost() -> None:
    broker, records = Broker(), MemoryRecords()
    bus = MemoryBus(broker)
    await bus.publish(TASK, b"", message_id="1")
    task = await bus.pull(["detect-normal"], wait_s=0)
    assert task is not None
    await records.create("jobs.t.j", b"x")
    broker.reachable = records.reachable = False
    calls = await asyncio.gather(
        bus.publish(TASK, b"", message_id="2"),
        bus.pull(["detect-normal"], wait_s=1),
        bus.pull_events(at_most=1, wait_s=1),
        bus.task_subjects("liftline.tasks.>"),
        bus.purge_tasks("liftline.tasks.>"),
        bus.tell("liftline.progress.t.j", b""),
        bus.ask("liftline.workers.w", b"", wait_s=1),
        task.ack(),
        task.nak(),
        task.term(),
        task.in_progress(),
        records.get("jobs.t.j"),
        records.create("jobs.t.k", b""),
        records.update("jobs.t.j", b"", revision=1),
        records.delete("jobs.t.j"),
        records.keys("jobs."),
        records.delete_all("jobs."),
        return_exceptions=True,
    )
    assert {type(call) for call in calls} == {UnavailableError}
    broker.reachable = records.reachable = True
    assert await bus.task_subjects("liftline.tasks.>") == {TASK}
    assert await records.keys("jobs.") == ["jobs.t.j"]


async def test_a_subject_that_nothing_keeps_is_refused() -> None:
    with pytest.raises(UnavailableError, match=r"liftline\.other"):
        await MemoryBus(Broker()).publish("liftline.other", b"", message_id="1")
