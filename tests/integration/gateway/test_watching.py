"""Watchers see the end of every job, whatever gets lost and however slow they are, and cost little."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path

import grpc
import pytest

from liftline.jobs.messages import tell_changed, tell_progress
from liftline.jobs.naming import Stage, TaskKey
from liftline.v1 import job_service_pb2 as api
from liftline.v1.events_pb2 import TaskProgress
from tests.integration.gateway.gateways import Client, Deployment, key_of, refusal, run, states
from tests.memory import Broker, MemoryBus, MemoryRecords

Code = grpc.StatusCode


async def running_job(deployment: Deployment, client: Client) -> api.Job:
    """A job that is planned and detects."""
    job = await client.job()
    while (await client.get(job.name)).state != api.Job.STATE_RUNNING:
        await deployment.work(tasks=1)
    return job


async def test_running_tasks_are_seen_between_changes(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await running_job(deployment, client)
        changes = aiter(client.watch(job.name))
        await anext(changes)
        seen: list[int] = []
        begin = time.monotonic()
        for frames in range(1, 41):
            for number in range(2):
                task = TaskKey(key_of(job), Stage.DETECT, number).wire
                await tell_progress(deployment.bus, TaskProgress(id=task, frames_done=frames))
            await asyncio.sleep(0.05)
            if frames == 1:
                seen_task = asyncio.create_task(_read(changes, seen))
        await asyncio.sleep(0.6)
        seen_task.cancel()
        assert seen == sorted(seen)
        assert seen[-1] == 60
        assert 2 <= len(seen) <= 2 * (time.monotonic() - begin) + 2

    await run(use, tmp_path)


async def _read(changes: AsyncIterator[api.WatchJobResponse], seen: list[int]) -> None:
    async for change in changes:
        (stage,) = (one for one in change.job.stages if one.stage == api.STAGE_DETECT)
        seen.append(stage.frames_done)


async def test_speed_and_time_left_are_told(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await running_job(deployment, client)
        task = TaskKey(key_of(job), Stage.DETECT, 0).wire
        changes = aiter(client.watch(job.name))
        for frames in range(1, 100):
            await tell_progress(deployment.bus, TaskProgress(id=task, frames_done=frames))
            stage = (await anext(changes)).job.stages[-1]
            if stage.frames_per_second > 0:
                break
        assert stage.time_left.ToTimedelta().total_seconds() > 0

    await run(use, tmp_path)


class DeafBus(MemoryBus):
    """Says nothing to anyone in passing."""

    async def tell(self, subject: str, data: bytes) -> None:
        """Lost."""


async def test_lost_words_cost_two_seconds(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        watching = asyncio.create_task(states(client.watch(job.name)))
        await asyncio.sleep(0.2)
        await deployment.work()
        assert (await watching)[-1].state == api.Job.STATE_SUCCEEDED

    await run(use, tmp_path, bus=DeafBus(Broker()))


async def test_an_outage_ends_no_watching(tmp_path: Path) -> None:
    broker, records = Broker(), MemoryRecords()

    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        watching = asyncio.create_task(states(client.watch(job.name)))
        await asyncio.sleep(0.2)
        broker.reachable = records.reachable = False
        await asyncio.sleep(3)
        broker.reachable = records.reachable = True
        while not watching.done():
            await deployment.work()
        assert (await watching)[-1].state == api.Job.STATE_SUCCEEDED

    await run(use, tmp_path, bus=MemoryBus(broker), records=records)


async def test_a_job_that_ended_is_told_once(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        await client.call("CancelJob", api.CancelJobRequest(name=job.name))
        assert [one.state for one in await states(client.watch(job.name))] == [api.Job.STATE_CANCELLED]

    await run(use, tmp_path, coordinating=False)


async def test_a_watcher_at_another_gateway_sees_the_same(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client, other = await deployment.client(), await deployment.client(replica=1)
        job = await client.job()
        watching = asyncio.gather(states(client.watch(job.name)), states(other.watch(job.name)))
        await deployment.work()
        assert [seen[-1].state for seen in await watching] == [api.Job.STATE_SUCCEEDED] * 2

    await run(use, tmp_path, replicas=2)


async def test_many_watchers_share_one_look(tmp_path: Path) -> None:
    reads = 0

    class CountingRecords(MemoryRecords):
        async def get(self, key: str) -> object:  # type: ignore[override]
            nonlocal reads
            reads += key.startswith("jobs.")
            return await super().get(key)

    async def use(deployment: Deployment) -> None:
        nonlocal reads
        client = await deployment.client()
        job = await client.job()
        reads = 0
        watchers = [asyncio.create_task(states(client.watch(job.name))) for _ in range(200)]
        while reads < len(watchers):
            await asyncio.sleep(0.05)
        await asyncio.sleep(0.5)
        reads = 0
        for _ in range(50):
            await tell_changed(deployment.bus, key_of(job), api.Job.STATE_QUEUED)
            await asyncio.sleep(0.01)
        assert 1 <= reads <= 30
        await client.call("CancelJob", api.CancelJobRequest(name=job.name))
        assert {seen[-1].state for seen in await asyncio.gather(*watchers)} == {api.Job.STATE_CANCELLED}
        assert deployment.gateways[0].api.watches.watched == 0

    await run(use, tmp_path, records=CountingRecords(), coordinating=False)


async def test_a_slow_watcher_misses_what_was_in_between_but_not_the_end(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        watching = deployment.gateways[0].api.watches
        async with aclosing(watching.watch(key_of(job))) as changes:
            assert (await anext(changes)).state == api.Job.STATE_QUEUED
            await deployment.work()
            while (await client.get(job.name)).state != api.Job.STATE_SUCCEEDED:
                await asyncio.sleep(0.02)
            await asyncio.sleep(0.2)
            assert [one.state async for one in changes] == [api.Job.STATE_SUCCEEDED]

    await run(use, tmp_path)


async def test_nothing_is_left_of_watchers_that_went_away(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        for _ in range(20):
            changes = client.watch(job.name)
            await anext(aiter(changes))
            changes.cancel()
        watching = deployment.gateways[0].api.watches
        async with asyncio.timeout(5):
            while watching.watched or deployment.broker.listeners.get(key_of(job).progress_subject):
                await asyncio.sleep(0.02)

    await run(use, tmp_path, coordinating=False)


async def test_a_watcher_whose_time_is_over_is_let_go(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await states(client.watch(job.name, timeout=0.3))
        assert caught.value.code() is Code.DEADLINE_EXCEEDED
        async with asyncio.timeout(5):
            while deployment.gateways[0].api.watches.watched:
                await asyncio.sleep(0.02)

    await run(use, tmp_path, coordinating=False)


async def test_watchers_are_sent_elsewhere_when_the_gateway_ends(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        stream = aiter(client.watch(job.name))
        await anext(stream)
        await deployment.gateways[0].api.watches.close()
        assert await refusal(states(stream)) == (Code.UNAVAILABLE, "SHUTTING_DOWN")

    await run(use, tmp_path, coordinating=False)
