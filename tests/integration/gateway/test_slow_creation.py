"""A gateway that stands still, or waits for the store, while it makes a job: others go on meanwhile."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.stopping import delete_job
from tests.integration.gateway.plant import STALE_S, Plant


async def test_a_gateway_that_stood_still_before_it_entered_a_request_makes_a_job_that_is_cared_for(
    tmp_path: Path,
) -> None:
    plant = Plant(tmp_path)
    slow, other = plant.gateway(), plant.gateway(holder="gateway-2")
    create = plant.records.create

    async def create_late(key: str, value: bytes) -> int | None:
        if key.startswith("requests."):
            for _ in range(3):
                plant.clock.pass_by(STALE_S + 1)
                await other.reconciler.round()
            assert await plant.book.active_jobs() == []
        return await create(key, value)

    plant.records.create = create_late  # type: ignore[method-assign]
    request = await plant.request()
    await slow.creation.complete(await slow.creation.register(request))
    key = JobKey("acme", request.job)
    assert await plant.book.active_jobs() == [key]
    await plant.recover(other)
    assert await plant.state(key) == Job.STATE_SUCCEEDED
    assert [one for one in await plant.kept() if one.startswith(("active.", "results."))] == []


async def test_a_job_that_was_deleted_while_its_video_was_copied_does_not_come_back(tmp_path: Path) -> None:
    plant = Plant(tmp_path)
    slow, other = plant.gateway(), plant.gateway(holder="gateway-2")
    asked, go_on = threading.Event(), threading.Event()
    copy = plant.store.copy

    def copy_late(source: str, target: str) -> None:
        if not asked.is_set():
            asked.set()
            assert go_on.wait(20)
        copy(source, target)

    plant.store.copy = copy_late  # type: ignore[method-assign]
    request = await slow.creation.register(await plant.request())
    key = JobKey("acme", request.job)
    making = asyncio.create_task(slow.creation.complete(request))
    while not asked.is_set():
        await asyncio.sleep(0.01)
    await other.creation.complete(request)
    await plant.recover(other, rounds=2)
    assert await plant.state(key) == Job.STATE_SUCCEEDED
    await delete_job(plant.book, plant.bus, key)
    await plant.recover(other, rounds=3)
    go_on.set()
    assert (await making).state == Job.STATE_DELETING
    assert await plant.kept() == []
    assert list(plant.store.keys("tenants/acme/jobs/")) == []
    assert not plant.broker.tasks.kept
