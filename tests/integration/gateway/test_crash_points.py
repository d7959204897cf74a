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
from tests.integration.gateway.plant import ACK_WAIT_S, Killed, Mortal, Plant

Deed = Callable[[Plant, Coordination, JobKey], Awaitable[object]]


async def live(plant: Plant, gateway: Coordination, _: JobKey) -> None:
    """All of a job's life."""
    await plant.recover(gateway, rounds=2)


async def cancel(_: Plant, gateway: Coordination, key: JobKey) -> None:
    await cancel_job(gateway.jobs, gateway.bus, key)


async def delete(_: Plant, gateway: Coordination, key: JobKey) -> None:
    await delete_job(gateway.jobs, gateway.bus, key)


async def survive(plant: Plant, key: JobKey, deed: Deed, mortal: Mortal) -> bool:
    """Do it with a gateway that may be killed; whether it was. Another one goes on afterwards."""
    gateway = plant.gateway(mortal)
    try:
        await deed(plant, gateway, key)
    except Killed:
        await end_of_process()
        plant.clock.pass_by(ACK_WAIT_S + 1)
    gateway.threads.close()
    return mortal.dead


async def end_of_process() -> None:
    """Nothing of a dead process goes on."""
    others = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
    for one in others:
        one.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def recovered(plant: Plant) -> None:
    gateway = plant.gateway(holder="gateway-2")
    await plant.recover(gateway, rounds=5)
    gateway.threads.close()


def undisturbed(folder: Path) -> dict[str, bytes]:
    plant = Plant(folder)

    async def scenario() -> JobKey:
        key = await plant.make()
        await plant.coordinate(plant.gateway())
        return key

    return without_time(plant.tree(asyncio.run(scenario())))


def without_time(tree: dict[str, bytes]) -> dict[str, bytes]:
    lines = tree["manifest.json"].splitlines()
    return {**tree, "manifest.json": b"\n".join(line for line in lines if b"finished_at" not in line)}


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_gateway_killed_anywhere_in_a_jobs_life_costs_nothing(tmp_path: Path, after: bool) -> None:
    expected = undisturbed(tmp_path / "undisturbed")

    async def scenario(at: int) -> bool:
        plant = Plant(tmp_path / str(at))
        key = await plant.make()
        killed = await survive(plant, key, live, Mortal(at=at, after=after))
        await recovered(plant)
        assert await plant.state(key) == Job.STATE_SUCCEEDED, f"call {at}"
        assert without_time(plant.tree(key)) == expected, f"call {at}"
        assert await plant.kept() == [key.record, f"requests.acme.request-{key.job}"], f"call {at}"
        assert list(plant.store.keys(key.work)) == []
        assert not plant.broker.tasks.kept
        assert not plant.broker.events.kept
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 60


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_gateway_killed_while_it_makes_a_job_leaves_a_job_or_nothing(tmp_path: Path, after: bool) -> None:
    """The client never asks again."""

    async def scenario(at: int) -> bool:
        plant = Plant(tmp_path / str(at))
        request = await plant.request()
        key = JobKey("acme", request.job)

        async def make(_: Plant, gateway: Coordination, __: JobKey) -> None:
            await gateway.creation.complete(await gateway.creation.register(request))
            await gateway.creation.tidy(UploadKey("acme", request.upload))

        killed = await survive(plant, key, make, Mortal(at=at, after=after))
        promised = await plant.book.request("acme", request.initial.request_id) is not None
        await recovered(plant)
        assert await plant.state(key) == (Job.STATE_SUCCEEDED if promised else None), f"call {at}"
        plant.clock.pass_by(2 * 3600.0)
        await recovered(plant)
        assert list(plant.store.keys("tenants/acme/uploads/")) == []
        assert await plant.book.uploads() == []
        left = [key.record, f"requests.acme.request-{key.job}"] if promised else []
        assert await plant.kept() == left, f"call {at}"
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 8


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_client_that_asks_again_gets_the_job_that_a_killed_gateway_began(tmp_path: Path, after: bool) -> None:
    async def scenario(at: int) -> bool:
        plant = Plant(tmp_path / str(at))
        request, again = await plant.request(), await plant.request()
        again.initial.request_id = request.initial.request_id

        async def make(_: Plant, gateway: Coordination, __: JobKey) -> None:
            await gateway.creation.complete(await gateway.creation.register(request))
            await gateway.creation.tidy(UploadKey("acme", request.upload))

        killed = await survive(plant, JobKey("acme", request.job), make, Mortal(at=at, after=after))
        gateway = plant.gateway()
        counting = await gateway.creation.register(again)
        record = await gateway.creation.complete(counting)
        await recovered(plant)
        assert record.job in (request.job, again.job)
        jobs = (await plant.book.page("acme", size=10)).jobs
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
        plant = Plant(tmp_path / str(at))
        key = await plant.make()
        if finished:
            await plant.recover(plant.gateway(), rounds=2)

        async def delete_and_sweep(plant: Plant, gateway: Coordination, key: JobKey) -> None:
            await delete(plant, gateway, key)
            await plant.recover(gateway, rounds=2)

        killed = await survive(plant, key, delete_and_sweep, Mortal(at=at, after=after))
        begun = await plant.state(key) in (Job.STATE_DELETING, None)
        await recovered(plant)
        if begun:
            assert await plant.kept() == [], f"call {at}"
            assert list(plant.store.keys("tenants/")) == [], f"call {at}"
        else:
            assert await plant.state(key) == Job.STATE_SUCCEEDED
            assert "manifest.json" in plant.tree(key)
        assert not plant.broker.tasks.kept
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 10


@pytest.mark.parametrize("after", [True, False], ids=["after", "before"])
def test_a_gateway_killed_while_it_cancels_a_job_leaves_it_cancelled_or_running(tmp_path: Path, after: bool) -> None:
    async def scenario(at: int) -> bool:
        plant = Plant(tmp_path / str(at))
        key = await plant.make()
        await plant.worker.work_off()
        await plant.gateway().coordinator.handle_some(wait_s=0.0)
        killed = await survive(plant, key, cancel, Mortal(at=at, after=after))
        cancelled = await plant.state(key) == Job.STATE_CANCELLED
        await recovered(plant)
        assert await plant.state(key) == (Job.STATE_CANCELLED if cancelled else Job.STATE_SUCCEEDED)
        assert await plant.book.active_jobs() == []
        assert not plant.broker.tasks.kept
        return killed

    calls = next(at for at in itertools.count(1) if not asyncio.run(scenario(at)))
    assert calls > 3
