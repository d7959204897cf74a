"""A gateway that stands still, or waits for the store, while it makes a job: others go on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.cancellation import delete_job
from tests.integration.gateway.gateway_harness import STALE_S, GatewayHarness


async def test_a_gateway_that_stood_still_before_it_entered_a_request_makes_a_job_that_is_cared_for(
    tmp_path: Path,
) -> None:
    harness = GatewayHarness(tmp_path)
    slow, other = harness.gateway(), harness.gateway(holder="gateway-2")
    create = harness.records.create

    async def create_late(key: str, value: bytes) -> int | None:
        if key.startswith("requests."):
            for _ in range(3):
                harness.clock.pass_by(STALE_S + 1)
                await other.reconciler.round()
            assert await harness.book.active_jobs() == []
        return await create(key, value)

    harness.records.create = create_late  # type: ignore[method-assign]
    request = await harness.request()
    await slow.creation.complete(await slow.creation.register(request))
    key = JobKey("acme", request.job)
    assert await harness.book.active_jobs() == [key]
    await harness.recover(other)
    assert await harness.state(key) == Job.STATE_SUCCEEDED
    assert [one for one in await harness.kept() if one.startswith(("active.", "results."))] == []


async def test_a_job_that_was_deleted_while_its_video_was_copied_does_not_come_back(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    slow, other = harness.gateway(), harness.gateway(holder="gateway-2")
    asked, go_on = threading.Event(), threading.Event()
    copy = harness.store.copy

    def copy_late(source: str, target: str) -> None:
        if not asked.is_set():
            asked.set()
            assert go_on.wait(20)
        copy(source, target)

    harness.store.copy = copy_late  # type: ignore[method-assign]
    request = await slow.creation.register(await harness.request())
    key = JobKey("acme", request.job)
    making = asyncio.create_task(slow.creation.complete(request))
    while not asked.is_set():
        await asyncio.sleep(0.01)
    await other.creation.complete(request)
    await harness.recover(other, rounds=2)
    assert await harness.state(key) == Job.STATE_SUCCEEDED
    await delete_job(harness.book, harness.bus, key)
    await harness.recover(other, rounds=3)
    go_on.set()
    assert (await making).state == Job.STATE_DELETING
    assert await harness.kept() == []
    assert list(harness.store.keys("tenants/acme/jobs/")) == []
    assert not harness.broker.tasks.kept
