"""Every change of a job's state is counted once, whoever makes it; repairs are what shouldn't have been needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from liftline.jobs.messages import read_event
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.stopping import cancel_job, delete_job
from liftline_gateway.coordination.wiring import Coordination
from tests.integration.gateway.plant import STALE_S, Plant

KINDS = ("creation_completed", "event_lost", "task_lost", "publishing_finished")


async def make(plant: Plant, gateway: Coordination) -> JobKey:
    """A job that this gateway makes."""
    request = await plant.request()
    await gateway.creation.complete(await gateway.creation.register(request))
    return JobKey("acme", request.job)


def changes(plant: Plant) -> dict[str, float]:
    """States that jobs came into, and how many did."""
    counts = {name: plant.sample("liftline_job_changes_total", state=name) for name, _ in Job.State.items()}
    return {name.removeprefix("STATE_").lower(): count for name, count in counts.items() if count}


def repairs(plant: Plant) -> dict[str, float | None]:
    return {kind: plant.sample("liftline_reconciler_repairs_total", kind=kind) for kind in KINDS}


def test_all_there_is_to_count_is_there_from_the_start(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    plant.gateway()
    assert {plant.sample("liftline_job_changes_total", state=name) for name, _ in Job.State.items()[1:]} == {0.0}
    assert set(repairs(plant).values()) == {0.0}
    assert {plant.sample("liftline_events_total", kind=kind) for kind in ("finished", "failed", "unreadable")} == {0.0}


async def succeed(plant: Plant, gateway: Coordination, key: JobKey) -> None:
    await plant.coordinate(gateway)
    assert await plant.state(key) == Job.STATE_SUCCEEDED


async def cancel(plant: Plant, gateway: Coordination, key: JobKey) -> None:
    for _ in range(2):
        await cancel_job(gateway.book, plant.bus, key)
    await plant.coordinate(gateway)


async def delete(plant: Plant, gateway: Coordination, key: JobKey) -> None:
    for _ in range(2):
        await delete_job(gateway.book, plant.bus, key)
    await plant.coordinate(gateway)


async def fail(plant: Plant, gateway: Coordination, key: JobKey) -> None:
    plant.worker.broken = lambda _: True
    await plant.coordinate(gateway)
    assert await plant.state(key) == Job.STATE_FAILED


@pytest.mark.parametrize(
    ("end", "states"),
    [
        (succeed, ("queued", "running", "succeeded")),
        (fail, ("queued", "failed")),
        (cancel, ("queued", "cancelled")),
        (delete, ("queued", "deleting")),
    ],
)
async def test_every_change_of_state_is_counted_once(
    tmp_path: Path, end: Callable[[Plant, Coordination, JobKey], Awaitable[None]], states: tuple[str, ...]
) -> None:
    plant = Plant(tmp_path)
    gateway = plant.gateway()

    await end(plant, gateway, await make(plant, gateway))
    assert changes(plant) == dict.fromkeys(states, 1)


async def test_a_job_whose_upload_is_gone_counts_as_failed_and_never_as_queued(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    gateway = plant.gateway()

    request = await gateway.creation.register(await plant.request())
    plant.store.remove_all("tenants/acme/uploads/")
    for _ in range(2):
        assert (await gateway.creation.complete(request)).state == Job.STATE_FAILED
    assert changes(plant) == {"failed": 1}


async def test_outputs_that_two_gateways_publish_at_once_make_one_success(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    gateway = plant.gateway()

    key = await make(plant, gateway)
    while (stored := await plant.book.get(key)) is not None and not stored.record.publishing:
        await plant.worker.work_off()
        for event in await plant.bus.pull_events(at_most=100, wait_s=0.0):
            await gateway.advancer.take(key, [read_event(event)])
            await event.ack()
    await asyncio.gather(*(gateway.advancer.publish_outputs(key) for _ in range(2)))
    assert changes(plant)["succeeded"] == 1


async def test_tidying_up_is_no_repair_and_finding_a_lost_task_is_one(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    gateway = plant.gateway()

    await make(plant, gateway)
    await plant.recover(gateway, rounds=2)
    plant.clock.pass_by(24 * 3600.0)
    await gateway.reconciler.round()
    assert await plant.records.keys("uploads.") == []
    assert set(repairs(plant).values()) == {0.0}
    await make(plant, gateway)
    await plant.bus.purge_tasks("liftline.tasks.>")
    plant.clock.pass_by(STALE_S + 1)
    await gateway.reconciler.round()
    assert repairs(plant) == {**dict.fromkeys(KINDS, 0.0), "task_lost": 1.0}
