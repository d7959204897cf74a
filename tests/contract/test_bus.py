"""What every adapter of `ports.Bus` does with tasks and events that are kept."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

from liftline.ports import Bus, Delivery
from tests.contract.conftest import Opening

PROMPT_S = 0.2
ALL = "liftline.tasks.>"


def subject(number: int = 0, *, stage: str = "detect", priority: str = "normal", job: str = "j") -> str:
    return f"liftline.tasks.{stage}.{priority}.t.{job}.{number}"


async def publish(bus: Bus, where: str, *, message_id: str | None = None) -> None:
    await bus.publish(where, where.encode(), message_id=message_id or where)


async def pull(bus: Bus, *consumers: str, wait_s: float = 5.0) -> Delivery:
    found = await bus.pull(consumers or ["detect-normal"], wait_s=wait_s)
    assert found is not None
    return found


async def nothing(bus: Bus, *, wait_s: float = 0.0) -> bool:
    return await bus.pull(["detect-normal"], wait_s=wait_s) is None


async def drain(bus: Bus, consumers: Sequence[str], into: Counter[str], *, expected: int) -> None:
    while into.total() < expected:
        task = await bus.pull(consumers, wait_s=0.3)
        if task is not None:
            into[task.subject] += 1
            await asyncio.sleep(0.001)
            await task.ack()


async def test_a_task_is_pulled_as_it_was_published(opening: Opening) -> None:
    async with opening(2) as (one, other):
        await one.bus.publish(subject(3), b"\x00data\r\n", message_id="id-3", headers={"traceparent": "00-a-b-01"})
        task = await pull(other.bus)
        assert (task.subject, task.data, task.deliveries) == (subject(3), b"\x00data\r\n", 1)
        assert task.headers["traceparent"] == "00-a-b-01"
        assert task.headers["Nats-Msg-Id"] == "id-3"


async def test_tasks_of_a_consumer_come_in_the_order_of_publishing(opening: Opening) -> None:
    async with opening() as (one,):
        for number in range(10):
            await publish(one.bus, subject(number))
        assert [(await pull(one.bus)).subject for _ in range(10)] == [subject(number) for number in range(10)]


async def test_the_first_consumer_that_has_a_task_gives_it(opening: Opening) -> None:
    async with opening() as (one,):
        for stage, priority in (("plan", "low"), ("detect", "normal"), ("detect", "high")):
            await publish(one.bus, subject(stage=stage, priority=priority))
        order = ["plan-high", "detect-high", "detect-normal", "plan-low"]
        pulled = [(await pull(one.bus, *order)).subject for _ in range(3)]
        assert pulled == [
            subject(stage="detect", priority="high"),
            subject(stage="detect", priority="normal"),
            subject(stage="plan", priority="low"),
        ]


async def test_a_pull_without_tasks_ends_when_its_time_is_over(opening: Opening) -> None:
    async with opening() as (one,):
        began = time.monotonic()
        assert await one.bus.pull(["detect-high", "detect-normal"], wait_s=0.5) is None
        assert 0.4 < time.monotonic() - began < 1.5


async def test_a_waiting_pull_gets_a_task_of_any_of_its_consumers_promptly(opening: Opening) -> None:
    async with opening(2) as (one, other):
        for number, stage in enumerate(("plan", "detect", "plan")):
            pulling = asyncio.create_task(pull(one.bus, "plan-normal", "detect-normal", "plan-low"))
            await asyncio.sleep(0.3)
            began = time.monotonic()
            await publish(other.bus, subject(number, stage=stage))
            task = await pulling
            assert time.monotonic() - began < PROMPT_S
            assert task.subject == subject(number, stage=stage)
            await task.ack()


async def test_twenty_in_competition_do_each_task_once(opening: Opening) -> None:
    async with opening(4) as services:
        done = Counter[str]()
        pulling = [
            asyncio.create_task(drain(services[number % 4].bus, ["detect-normal"], done, expected=300))
            for number in range(20)
        ]
        await asyncio.gather(*(publish(services[number % 4].bus, subject(number)) for number in range(300)))
        await asyncio.gather(*pulling)
        assert done == Counter(subject(number) for number in range(300))
        assert await services[0].bus.task_subjects(ALL) == set()


async def test_tasks_of_several_consumers_at_once_are_each_done_once(opening: Opening) -> None:
    """Who waits for several consumers and gets a task of one gives back what the others send at the same moment."""
    stages = ("plan", "detect", "lift")
    consumers = [f"{stage}-normal" for stage in stages]

    async def scenario() -> None:
        async with opening(3) as services:
            done = Counter[str]()
            pulling = [
                asyncio.create_task(drain(services[number % 3].bus, consumers, done, expected=150))
                for number in range(6)
            ]
            for burst in range(10):
                await asyncio.sleep(0.02)
                where = [subject(burst * 5 + number, stage=stage) for number in range(5) for stage in stages]
                await asyncio.gather(*(publish(services[0].bus, one) for one in where))
            began = time.monotonic()
            await asyncio.gather(*pulling)
            assert time.monotonic() - began < 5, "a task waited for ack_wait"
            assert set(done.values()) == {1}

    await scenario()


async def test_a_cancelled_pull_takes_no_task_with_it(opening: Opening) -> None:
    async with opening(2) as (one, other):
        for number in range(30):
            pulling = asyncio.create_task(one.bus.pull(["detect-normal", "plan-normal"], wait_s=5))
            await asyncio.sleep(0.002 * (number % 5))
            publishing = asyncio.create_task(publish(other.bus, subject(number)))
            await asyncio.sleep(0.0005 * (number % 7))
            pulling.cancel()
            with suppress(asyncio.CancelledError):
                if task := await pulling:
                    await task.nak()
            await publishing
        done = Counter[str]()
        await asyncio.wait_for(drain(other.bus, ["detect-normal"], done, expected=30), 10)
        assert done == Counter(subject(number) for number in range(30))


async def test_a_task_given_back_comes_again_at_once(opening: Opening) -> None:
    async with opening(2) as (one, other):
        await publish(one.bus, subject())
        await (await pull(one.bus)).nak()
        task = await pull(other.bus, wait_s=1.0)
        assert (task.subject, task.deliveries) == (subject(), 2)


async def test_a_task_given_back_with_a_delay_comes_after_it(opening: Opening) -> None:
    async with opening() as (one,):
        await publish(one.bus, subject())
        await (await pull(one.bus)).nak(delay_s=0.7)
        began = time.monotonic()
        assert await nothing(one.bus, wait_s=0.3)
        await pull(one.bus)
        assert 0.6 < time.monotonic() - began < 2.0


async def test_a_task_that_is_done_or_given_up_is_gone(opening: Opening) -> None:
    async with opening(ack_wait_s=0.3) as (one,):
        await publish(one.bus, subject(1))
        await publish(one.bus, subject(2))
        await (await pull(one.bus)).ack()
        await (await pull(one.bus)).term()
        assert await one.bus.task_subjects(ALL) == set()
        assert await nothing(one.bus, wait_s=0.6)


async def test_a_task_whose_worker_is_silent_goes_to_another(opening: Opening) -> None:
    async with opening(2, ack_wait_s=0.5) as (one, other):
        await publish(one.bus, subject())
        began = time.monotonic()
        await pull(one.bus)
        assert await nothing(other.bus, wait_s=0.2)
        task = await pull(other.bus)
        assert 0.4 < time.monotonic() - began < 2.0
        assert task.deliveries == 2


async def test_a_task_that_is_worked_on_stays_with_its_worker(opening: Opening) -> None:
    async with opening(2, ack_wait_s=0.6) as (one, other):
        await publish(one.bus, subject())
        task = await pull(one.bus)
        for _ in range(7):
            await asyncio.sleep(0.2)
            await task.in_progress()
            assert await nothing(other.bus)
        await task.ack()
        assert await nothing(other.bus, wait_s=0.9)


async def test_tasks_in_a_stream_are_those_waiting_and_those_worked_on(opening: Opening) -> None:
    async with opening() as (one,):
        for where in (subject(1), subject(2), subject(0, stage="lift"), subject(0, job="other")):
            await publish(one.bus, where)
        await (await pull(one.bus)).ack()
        await pull(one.bus)
        assert await one.bus.task_subjects("liftline.tasks.*.*.t.j.*") == {subject(2), subject(0, stage="lift")}


async def test_purged_tasks_are_gone_and_all_others_are_still_delivered(opening: Opening) -> None:
    async with opening(2, ack_wait_s=0.5) as (one, other):
        for number in range(4):
            await publish(one.bus, subject(number, job="cancelled"))
            await publish(one.bus, subject(number, job="kept"))
        worked_on = [await pull(one.bus), await pull(one.bus)]
        await one.bus.purge_tasks("liftline.tasks.*.*.t.cancelled.*")
        for number in range(4, 6):
            await publish(one.bus, subject(number, job="kept"))
        kept = {subject(number, job="kept") for number in range(6)}
        assert await one.bus.task_subjects(ALL) == kept
        await worked_on[0].in_progress()
        await worked_on[0].ack()
        await worked_on[1].ack()
        done = Counter[str]()
        await asyncio.wait_for(drain(other.bus, ["detect-normal"], done, expected=5), 10)
        assert done == Counter(kept - {worked_on[1].subject})
        assert await nothing(other.bus, wait_s=1.0)


async def test_a_purge_of_the_task_that_was_pulled_last_leaves_others_that_are_worked_on(opening: Opening) -> None:
    async with opening(2, ack_wait_s=0.5) as (one, other):
        for job in ("cancelled", "kept", "cancelled"):
            await publish(one.bus, subject(job=job), message_id=f"{job}-{time.monotonic()}")
        for _ in range(3):
            await pull(one.bus)
        await one.bus.purge_tasks("liftline.tasks.*.*.t.cancelled.*")
        assert (await pull(other.bus)).subject == subject(job="kept")


async def test_a_purge_takes_repeats_of_a_task_too(opening: Opening) -> None:
    async with opening() as (one,):
        for generation in range(3):
            await publish(one.bus, subject(), message_id=f"generation-{generation}")
        await one.bus.purge_tasks("liftline.tasks.*.*.t.j.*")
        assert await nothing(one.bus, wait_s=0.2)


async def test_a_message_id_is_kept_once(opening: Opening) -> None:
    async with opening(2) as (one, other):
        await publish(one.bus, subject(), message_id="a")
        await publish(other.bus, subject(), message_id="a")
        await publish(other.bus, subject(), message_id="b")
        ids = [(await pull(one.bus)).headers["Nats-Msg-Id"] for _ in range(2)]
        assert ids == ["a", "b"]
        assert await nothing(one.bus)


async def test_a_message_id_of_a_task_that_is_done_is_still_known(opening: Opening) -> None:
    async with opening() as (one,):
        await publish(one.bus, subject(), message_id="a")
        await (await pull(one.bus)).ack()
        await publish(one.bus, subject(), message_id="a")
        assert await nothing(one.bus)


async def test_events_are_shared_by_all_who_pull_them(opening: Opening) -> None:
    async def take(bus: Bus, into: Counter[str]) -> None:
        while into.total() < 200:
            events = await bus.pull_events(at_most=7, wait_s=0.3)
            assert len(events) <= 7
            into.update(event.headers["Nats-Msg-Id"] for event in events)
            await asyncio.gather(*(event.ack() for event in events))

    async with opening(3) as services:
        had = Counter[str]()
        taking = [asyncio.create_task(take(service.bus, had)) for service in services]
        for number in range(200):
            await publish(services[0].bus, "liftline.events.t.j.finished", message_id=str(number))
        await asyncio.gather(*taking)
        assert had == Counter(str(number) for number in range(200))
        assert await services[0].bus.pull_events(at_most=7, wait_s=0.1) == []


async def test_events_come_in_order_and_many_at_once(opening: Opening) -> None:
    async with opening() as (one,):
        for number in range(20):
            await publish(one.bus, f"liftline.events.t.j{number}.finished")
        events = await one.bus.pull_events(at_most=50, wait_s=1)
        assert [event.subject for event in events] == [f"liftline.events.t.j{number}.finished" for number in range(20)]


async def test_a_waiting_pull_of_events_gets_one_promptly(opening: Opening) -> None:
    async with opening(2) as (one, other):
        pulling = asyncio.create_task(one.bus.pull_events(at_most=50, wait_s=5))
        await asyncio.sleep(0.3)
        began = time.monotonic()
        await publish(other.bus, "liftline.events.t.j.failed")
        events = await pulling
        assert time.monotonic() - began < PROMPT_S
        assert [event.subject for event in events] == ["liftline.events.t.j.failed"]


async def test_events_that_nobody_acked_come_again(opening: Opening) -> None:
    async with opening(2, ack_wait_s=0.4) as (one, other):
        await publish(one.bus, "liftline.events.t.j.finished")
        assert len(await one.bus.pull_events(at_most=5, wait_s=1)) == 1
        again = await other.bus.pull_events(at_most=5, wait_s=3)
        assert [event.deliveries for event in again] == [2]
