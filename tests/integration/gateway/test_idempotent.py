"""A request makes one job: however often it is sent, to however many gateways, and wherever a gateway dies of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import grpc
import pytest

from liftline.adapters.folder_store import FolderStore
from liftline.v1 import job_service_pb2 as api
from tests.integration.gateway.gateways import VIDEO, Deployment, key_of, refusal, run, states
from tests.memory import Broker, MemoryBus, MemoryRecords

Code = grpc.StatusCode


async def test_twenty_at_once_over_two_gateways_make_one_job(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        clients = [await deployment.client(replica=number % 2) for number in range(20)]
        upload = await clients[0].upload()
        made = await asyncio.gather(*(client.job(upload=upload, request_id="one") for client in clients))
        assert len({job.name for job in made}) == 1
        assert len(await deployment.jobs()) == 1
        assert await deployment.records.keys("active.anna.") == [key_of(made[0]).active]
        assert len(await deployment.tasks_waiting()) == 1
        assert deployment.store.get_bytes(f"{key_of(made[0]).prefix}input/clip.mp4", at_most=100) == VIDEO
        assert len(list(deployment.store.keys("tenants/"))) == 1

    await run(use, tmp_path, replicas=2, coordinating=False)


async def test_twenty_requests_of_their_own_make_twenty_jobs(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        clients = [await deployment.client(replica=number % 2) for number in range(20)]
        made = await asyncio.gather(*(client.job(request_id=f"r{n}") for n, client in enumerate(clients)))
        assert len({job.name for job in made}) == 20
        assert len(await deployment.tasks_waiting()) == 20

    await run(use, tmp_path, replicas=2, coordinating=False)


async def test_the_same_request_gives_the_job_as_it_is_later(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        job = await client.job(upload=upload, request_id="one")
        await deployment.work()
        await states(client.watch(job.name))
        number = upload.removeprefix("uploads/")
        for name in (upload, f"tenants/anna/uploads/{number}"):
            again = await client.job(upload=name, request_id="one")
            assert (again.name, again.state) == (job.name, api.Job.STATE_SUCCEEDED)
        assert await deployment.work() == []

    await run(use, tmp_path)


async def test_another_request_under_the_same_id_is_refused(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        await client.job(upload=upload, request_id="one")
        for other in (
            {"upload": await client.upload("other.mp4")},
            {"upload": await client.upload(content=b"another length")},
            {"upload": upload, "priority": api.PRIORITY_LOW},
            {"upload": upload, "settings": api.JobSettings(max_people=1)},
        ):
            answer = await refusal(client.job(request_id="one", **other))
            assert answer == (Code.ALREADY_EXISTS, "REQUEST_ID_REUSED")
        assert len(await deployment.jobs()) == 1

    await run(use, tmp_path, coordinating=False)


async def test_a_request_whose_video_was_uploaded_again_gives_the_same_job(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job(upload=await client.upload(), request_id="one")
        again = await client.upload()
        assert (await client.job(upload=again, request_id="one")).name == job.name
        assert len(await deployment.jobs()) == 1
        while list(deployment.store.keys("tenants/anna/uploads/")):
            await asyncio.sleep(0.02)

    await run(use, tmp_path, coordinating=False)


async def test_requests_without_an_id_are_all_new(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        assert (await client.job()).name != (await client.job()).name

    await run(use, tmp_path, coordinating=False)


async def test_a_deleted_jobs_request_makes_no_zombie(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        job = await client.job(upload=upload, request_id="one")
        await client.call("DeleteJob", api.DeleteJobRequest(name=job.name))
        assert await refusal(client.job(upload=upload, request_id="one")) == (Code.NOT_FOUND, "NOT_FOUND")
        assert await deployment.tasks_waiting() == set()

    await run(use, tmp_path, coordinating=False)


class Died(BaseException):
    """The process ends here."""


class DyingRecords(MemoryRecords):
    """Dies before or after the n-th change."""

    lives: int = 1 << 30
    after = False

    async def _dying(self, change: Callable[[], Awaitable[int | None]]) -> int | None:
        self.lives -= 1
        if self.lives == 0 and not self.after:
            raise Died
        answer = await change()
        if self.lives == 0:
            raise Died
        return answer

    async def create(self, key: str, value: bytes) -> int | None:
        return await self._dying(lambda: super(DyingRecords, self).create(key, value))


@pytest.mark.parametrize("retried", [True, False], ids=["retried", "never-retried"])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", [1, 2, 3], ids=["active", "request", "record"])
async def test_a_gateway_may_die_at_any_step(step: int, after: bool, retried: bool, tmp_path: Path) -> None:
    records = DyingRecords()

    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        creator = deployment.gateways[0].api.creator
        request = api.CreateJobRequest(upload=upload, request_id="one")
        records.lives, records.after = step, after
        with pytest.raises(Died):
            await creator.create("anna", request)
        promised = step > 2 or (step == 2 and after)
        if retried:
            await client.job(upload=upload, request_id="one")
        if retried or promised:
            while (await deployment.work())[-1:] == []:
                await asyncio.sleep(0.05)
            (listed,) = (await client.call("ListJobs", api.ListJobsRequest())).jobs
            assert (await states(client.watch(listed.name)))[-1].state == api.Job.STATE_SUCCEEDED
        while await deployment.records.keys("active."):
            await asyncio.sleep(0.05)
        assert len(await deployment.jobs()) == (1 if retried or promised else 0)

    await run(use, tmp_path, records=records)


async def test_a_gateway_may_die_while_the_video_is_copied(tmp_path: Path) -> None:
    class DyingStore(FolderStore):
        dying = True

        def copy(self, source: str, target: str) -> None:
            if self.dying:
                self.dying = False
                raise Died
            super().copy(source, target)

    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        with pytest.raises(Died):
            await deployment.gateways[0].api.creator.create("anna", api.CreateJobRequest(upload=upload))
        while not await deployment.jobs():
            await asyncio.sleep(0.05)
        (job,) = (await client.call("ListJobs", api.ListJobsRequest())).jobs
        assert deployment.store.get_bytes(f"{key_of(job).prefix}input/clip.mp4", at_most=100) == VIDEO
        assert len(await deployment.tasks_waiting()) == 1

    await run(use, tmp_path, store=DyingStore(tmp_path / "store"))


async def test_a_video_that_is_replaced_meanwhile_is_not_worked_on(tmp_path: Path) -> None:
    class SwappingStore(FolderStore):
        def copy(self, source: str, target: str) -> None:
            if "/uploads/" in source:
                self.put_bytes(source, VIDEO * 1000)
            super().copy(source, target)

    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job()
        assert job.state == api.Job.STATE_FAILED
        assert job.failure.reason == api.Failure.REASON_INVALID_VIDEO
        assert await deployment.tasks_waiting() == set()

    await run(use, tmp_path, store=SwappingStore(tmp_path / "store"))


async def test_an_outage_is_told_and_the_request_can_be_sent_again(tmp_path: Path) -> None:
    broker, records = Broker(), MemoryRecords()

    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        upload = await client.upload()
        records.reachable = False
        assert await refusal(client.job(upload=upload, request_id="one")) == (Code.UNAVAILABLE, "UNAVAILABLE")
        assert await refusal(client.get("jobs/a")) == (Code.UNAVAILABLE, "UNAVAILABLE")
        records.reachable, broker.reachable = True, False
        assert await refusal(client.job(upload=upload, request_id="one")) == (Code.UNAVAILABLE, "UNAVAILABLE")
        broker.reachable = True
        job = await client.job(upload=upload, request_id="one")
        while not (await deployment.work()):
            await asyncio.sleep(0.05)
        assert (await states(client.watch(job.name)))[-1].state == api.Job.STATE_SUCCEEDED

    await run(use, tmp_path, bus=MemoryBus(broker), records=records)
