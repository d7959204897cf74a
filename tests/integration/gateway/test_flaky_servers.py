"""Servers of which any call may fail, whether or not it had its effect: jobs take longer, and end the same."""

from __future__ import annotations

import random
from contextlib import suppress
from pathlib import Path

import pytest

from liftline.adapters.folder_store import FolderStore
from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey
from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.cancellation import delete_job
from liftline_gateway.coordination.wiring import Coordination
from liftline_gateway.records.job_repository import UploadKey
from tests.integration.gateway.gateway_harness import STALE_S, GatewayHarness, Mortal
from tests.integration.gateway.gateways import deployment

FAILING = 0.15


class Flaky(Mortal):
    """Fails now and then, before or after the call, but never dies."""

    def __init__(self, luck: random.Random) -> None:
        super().__init__()
        self._luck = luck

    def before_call(self) -> int:
        self._perhaps()
        return super().before_call()

    def after_call(self, number: int) -> None:
        self._perhaps()

    def _perhaps(self) -> None:
        if self._luck.random() < FAILING / 2:
            raise UnavailableError("The server doesn't answer: it was told so.")


async def make(harness: GatewayHarness, gateway: Coordination) -> JobKey:
    """As a client that asks until it is answered."""
    request = await harness.request()
    while True:
        with suppress(UnavailableError):
            await gateway.creation.complete(await gateway.creation.register(request))
            await gateway.creation.tidy(UploadKey("acme", request.upload))
            return JobKey("acme", request.job)


async def go_on(harness: GatewayHarness, gateway: Coordination) -> None:
    for _ in range(6):
        await harness.worker.work_off()
        with suppress(UnavailableError):
            await gateway.coordinator.handle_some(wait_s=0.0)
        await gateway.coordinator.settle()
    harness.clock.pass_by(STALE_S + 1)
    with suppress(UnavailableError):
        await gateway.reconciler.round()
    await gateway.notifier.close()


@pytest.mark.parametrize("seed", range(12))
async def test_jobs_end_and_go_although_every_seventh_call_fails(tmp_path: Path, seed: int) -> None:
    harness = GatewayHarness(tmp_path)

    gateway = harness.gateway(Flaky(random.Random(seed)))
    keys = [await make(harness, gateway) for _ in range(4)]
    for _ in range(60):
        await go_on(harness, gateway)
        if not await harness.book.active_jobs():
            break
    assert [await harness.state(key) for key in keys] == [Job.STATE_SUCCEEDED] * 4
    assert [len(harness.tree(key)) for key in keys] == [6] * 4
    for key in keys:
        deleted = False
        while not deleted:
            with suppress(UnavailableError):
                await delete_job(gateway.jobs, gateway.bus, key)
                deleted = True
    harness.clock.pass_by(2 * 3600.0)
    for _ in range(60):
        await go_on(harness, gateway)
    assert await harness.kept() == []
    assert list(harness.store.keys("tenants/")) == []
    gateway.threads.close()


class AbsentAtFirst(FolderStore):
    """Says of each object of uploads once that it isn't there, or of another length."""

    def __init__(self, root: Path, wrong: int | None) -> None:
        super().__init__(root)
        self.wrong, self.asked = wrong, set[str]()

    def size(self, key: str) -> int | None:
        if key not in self.asked and "/uploads/" in key:
            self.asked.add(key)
            return self.wrong
        return super().size(key)


@pytest.mark.parametrize("wrong", [None, 3])
async def test_a_store_that_is_wrong_once_about_an_upload_refuses_no_job(tmp_path: Path, wrong: int | None) -> None:
    async with deployment(tmp_path, store=AbsentAtFirst(tmp_path / "store", wrong)) as deployed:
        client = await deployed.client()
        assert (await client.job()).state == api.Job.STATE_QUEUED
