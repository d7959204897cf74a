"""Every change of a job's state is counted once, whoever makes it; repairs are what shouldn't have been needed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from liftline.jobs.messages import read_event
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.cancellation import cancel_job, delete_job
from liftline_gateway.coordination.wiring import Coordination
from tests.integration.gateway.gateway_harness import STALE_S, GatewayHarness

KINDS = ("creation_completed", "event_lost", "task_lost", "publishing_finished")


async def make(harness: GatewayHarness, gateway: Coordination) -> JobKey:
    """A job that this gateway makes."""
    request = await harness.request()
    await gateway.creation.complete(await gateway.creation.register(request))
    return JobKey("acme", request.job)


def changes(harness: GatewayHarness) -> dict[str, float]:
    """States that jobs came into, and how many did."""
    counts = {name: harness.sample("liftline_job_changes_total", state=name) for name, _ in Job.State.items()}
    return {name.removeprefix("STATE_").lower(): count for name, count in counts.items() if count}


def repairs(harness: GatewayHarness) -> dict[str, float | None]:
    return {kind: harness.sample("liftline_reconciler_repairs_total", kind=kind) for kind in KINDS}


def test_all_there_is_to_count_is_there_from_the_start(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    harness.gateway()
    assert {harness.sample("liftline_job_changes_total", state=name) for name, _ in Job.State.items()[1:]} == {0.0}
    assert set(repairs(harness).values()) == {0.0}
    assert {harness.sample("liftline_events_total", kind=kind) for kind in ("finished", "failed", "unreadable")} == {
        0.0
    }


async def succeed(harness: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
    await harness.coordinate(gateway)
    assert await harness.state(key) == Job.STATE_SUCCEEDED


async def cancel(harness: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
    for _ in range(2):
        await cancel_job(gateway.jobs, harness.bus, key)
    await harness.coordinate(gateway)


async def delete(harness: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
    for _ in range(2):
        await delete_job(gateway.jobs, harness.bus, key)
    await harness.coordinate(gateway)


async def fail(harness: GatewayHarness, gateway: Coordination, key: JobKey) -> None:
    harness.worker.broken = lambda _: True
    await harness.coordinate(gateway)
    assert await harness.state(key) == Job.STATE_FAILED


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
    tmp_path: Path, end: Callable[[GatewayHarness, Coordination, JobKey], Awaitable[None]], states: tuple[str, ...]
) -> None:
    harness = GatewayHarness(tmp_path)
    gateway = harness.gateway()

    await end(harness, gateway, await make(harness, gateway))
    assert changes(harness) == dict.fromkeys(states, 1)


async def test_a_job_whose_upload_is_gone_counts_as_failed_and_never_as_queued(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    gateway = harness.gateway()

    request = await gateway.creation.register(await harness.request())
    harness.store.remove_all("tenants/acme/uploads/")
    for _ in range(2):
        assert (await gateway.creation.complete(request)).state == Job.STATE_FAILED
    assert changes(harness) == {"failed": 1}


async def test_outputs_that_two_gateways_publish_at_once_make_one_success(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    gateway = harness.gateway()

    key = await make(harness, gateway)
    while (stored := await harness.book.get(key)) is not None and not stored.record.publishing:
        await harness.worker.work_off()
        for event in await harness.bus.pull_events(at_most=100, wait_s=0.0):
            await gateway.advancer.take(key, [read_event(event)])
            await event.ack()
    await asyncio.gather(*(gateway.advancer.publish_outputs(key) for _ in range(2)))
    assert changes(harness)["succeeded"] == 1


async def test_tidying_up_is_no_repair_and_finding_a_lost_task_is_one(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    gateway = harness.gateway()

    await make(harness, gateway)
    await harness.recover(gateway, rounds=2)
    harness.clock.pass_by(24 * 3600.0)
    await gateway.reconciler.round()
    assert await harness.records.keys("uploads.") == []
    assert set(repairs(harness).values()) == {0.0}
    await make(harness, gateway)
    await harness.bus.purge_tasks("liftline.tasks.>")
    harness.clock.pass_by(STALE_S + 1)
    await gateway.reconciler.round()
    assert repairs(harness) == {**dict.fromkeys(KINDS, 0.0), "task_lost": 1.0}
