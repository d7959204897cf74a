"""A gateway killed before or after any single call to a server: another one brings every job to the same end."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.cancellation import cancel_job, delete_job
from liftline_gateway.coordination.wiring import Coordination
from liftline_gateway.records.job_repository import UploadKey
from tests.integration.gateway.gateway_harness import ACK_WAIT_S, GatewayHarness, Killed, Mortal

Deed = Callable[[GatewayHarness, Coordination, JobKey], Awaitable[object]]


async def live(harness: GatewayHarness, gateway: Coordination, _: JobKey) -> None:
    """All of a job's life."""
    await harness.recover(gateway, rounds=2)


async def cancel(_: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
    await cancel_job(gateway.jobs, gateway.bus, key)


async def delete(_: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
    await delete_job(gateway.jobs, gateway.bus, key)


async def survive(harness: GatewayHarness, key: JobKey, deed: Deed, mortal: Mortal) -> bool:
    """Do it with a gateway that may be killed; whether it was. Another one goes on afterwards."""
    gateway = harness.gateway(mortal)
    try:
        await deed(harness, gateway, key)
    except Killed:
        await end_of_process()
        harness.clock.pass_by(ACK_WAIT_S + 1)
    gateway.threads.close()
    return mortal.dead


async def end_of_process() -> None:
    """Nothing of a dead process goes on."""
    others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def recovered(harness: GatewayHarness) -> None:
    gateway = harness.gateway(holder="gateway-2")
    await harness.recover(gateway, rounds=5)
    gateway.threads.close()


def undisturbed(folder: Path) -> dict[str, bytes]:
    harness = GatewayHarness(folder)

    async def scenario() -> JobKey:
        key = await harness.make()
        await harness.coordinate(harness.gateway())
        return key

    return without_time(harness.tree(asyncio.run(scenario())))


def without_time(tree: dict[str, bytes]) -> dict[str, bytes]:
    lines = tree["manifest.json"].splitlines()
    return {**tree, "manifest.json": b"\n".join(line for line in lines if b"finished_at" not in line)}


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_gateway_killed_anywhere_in_a_jobs_life_costs_nothing(tmp_path: Path, after: bool) -> None:
    expected = undisturbed(tmp_path / "undisturbed")

    async def scenario(at: int) -> bool:
        harness = GatewayHarness(tmp_path / str(at))
        key = await harness.make()
        killed = await survive(harness, key, live, Mortal(at=at, after=after))
        await recovered(harness)
        assert await harness.state(key) == Job.STATE_SUCCEEDED, f"call {at}"
        assert without_time(harness.tree(key)) == expected, f"call {at}"
        assert await harness.kept() == [key.record, f"requests.acme.request-{key.job}"], f"call {at}"
        assert list(harness.store.keys(key.work)) == []
        assert not harness.broker.tasks.kept
        assert not harness.broker.events.kept
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 60


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_gateway_killed_while_it_makes_a_job_leaves_a_job_or_nothing(tmp_path: Path, after: bool) -> None:
    """The client never asks again."""

    async def scenario(at: int) -> bool:
        harness = GatewayHarness(tmp_path / str(at))
        request = await harness.request()
        key = JobKey("acme", request.job)

        async def make(_: GatewayHarness, gateway: Coordination, __: JobKey) -> None:
            await gateway.creation.complete(await gateway.creation.register(request))
            await gateway.creation.tidy(UploadKey("acme", request.upload))

        killed = await survive(harness, key, make, Mortal(at=at, after=after))
        promised = await harness.book.request("acme", request.initial.request_id) is not None
        await recovered(harness)
        assert await harness.state(key) == (Job.STATE_SUCCEEDED if promised else None), f"call {at}"
        harness.clock.pass_by(2 * 3600.0)
        await recovered(harness)
        assert list(harness.store.keys("tenants/acme/uploads/")) == []
        assert await harness.book.uploads() == []
        left = [key.record, f"requests.acme.request-{key.job}"] if promised else []
        assert await harness.kept() == left, f"call {at}"
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 8


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_client_that_asks_again_gets_the_job_that_a_killed_gateway_began(tmp_path: Path, after: bool) -> None:
    async def scenario(at: int) -> bool:
        harness = GatewayHarness(tmp_path / str(at))
        request, again = await harness.request(), await harness.request()
        again.initial.request_id = request.initial.request_id

        async def make(_: GatewayHarness, gateway: Coordination, __: JobKey) -> None:
            await gateway.creation.complete(await gateway.creation.register(request))
            await gateway.creation.tidy(UploadKey("acme", request.upload))

        killed = await survive(harness, JobKey("acme", request.job), make, Mortal(at=at, after=after))
        gateway = harness.gateway()
        counting = await gateway.creation.register(again)
        record = await gateway.creation.complete(counting)
        await recovered(harness)
        assert record.job in (request.job, again.job)
        jobs = (await harness.book.page("acme", size=10)).jobs
        assert [(job.job, job.state) for job in jobs] == [(record.job, Job.STATE_SUCCEEDED)], f"call {at}"
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 8


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
@pytest.mark.parametrize("finished", [True, False], ids=["ended", "running"])
def test_a_gateway_killed_while_it_deletes_a_job_leaves_all_or_nothing(
    tmp_path: Path, after: bool, finished: bool
) -> None:
    async def scenario(at: int) -> bool:
        harness = GatewayHarness(tmp_path / str(at))
        key = await harness.make()
        if finished:
            await harness.recover(harness.gateway(), rounds=2)

        async def delete_and_sweep(harness: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
            await delete(harness, gateway, key)
            await harness.recover(gateway, rounds=2)

        killed = await survive(harness, key, delete_and_sweep, Mortal(at=at, after=after))
        begun = await harness.state(key) in (Job.STATE_DELETING, None)
        await recovered(harness)
        if begun:
            assert await harness.kept() == [], f"call {at}"
            assert list(harness.store.keys("tenants/")) == [], f"call {at}"
        else:
            assert await harness.state(key) == Job.STATE_SUCCEEDED
            assert "manifest.json" in harness.tree(key)
        assert not harness.broker.tasks.kept
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 10


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_gateway_killed_while_it_cancels_a_job_leaves_it_cancelled_or_running(tmp_path: Path, after: bool) -> None:
    async def scenario(at: int) -> bool:
        harness = GatewayHarness(tmp_path / str(at))
        key = await harness.make()
        await harness.worker.work_off()
        await harness.gateway().coordinator.handle_some(wait_s=0.0)
        killed = await survive(harness, key, cancel, Mortal(at=at, after=after))
        cancelled = await harness.state(key) == Job.STATE_CANCELLED
        await recovered(harness)
        assert await harness.state(key) == (Job.STATE_CANCELLED if cancelled else Job.STATE_SUCCEEDED)
        assert await harness.book.active_jobs() == []
        assert not harness.broker.tasks.kept
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 3
