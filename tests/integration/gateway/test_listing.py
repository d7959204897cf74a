"""Listing many jobs costs few reads, and one tenant's listings don't hold up another's requests."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import grpc
import pytest

from liftline.jobs.naming import JobKey
from liftline.ports import Entry
from liftline.v1 import job_service_pb2 as api
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.api.validation import LARGEST_PAGE
from liftline_gateway.api.wiring import LISTINGS_OF_ALL, LISTINGS_OF_ONE
from tests.integration.gateway.gateways import Deployment, run
from tests.memory import MemoryRecords
from tests.support import eventually

JOBS = 450


class CountedRecords(MemoryRecords):
    """Counts what is read, and holds reads of several until they are let go."""

    def __init__(self) -> None:
        super().__init__()
        self.reads, self.reading = Counter[str](), 0
        self.go = asyncio.Event()

    async def get(self, key: str) -> Entry | None:
        self.reads["one"] += key.startswith("jobs.")
        return await super().get(key)

    async def get_all(self, keys: Sequence[str]) -> dict[str, Entry]:
        self.reads["several"] += 1
        self.reading += 1
        try:
            await self.go.wait()
            return await super().get_all(keys)
        finally:
            self.reading -= 1


@pytest.fixture
async def records() -> CountedRecords:
    made = CountedRecords()
    for tenant in ("anna", "bert", "carl", "dora", "emil"):
        for number in range(JOBS):
            key = JobKey(tenant, f"{number:04d}")
            await made.create(key.record, JobRecord(tenant=tenant, job=key.job).SerializeToString())
    return made


async def test_a_page_of_many_jobs_is_read_at_once(tmp_path: Path, records: CountedRecords) -> None:
    async def use(deployment: Deployment) -> None:
        client, seen, token, pages = await deployment.client(), list[str](), "", 0
        while pages == 0 or token:
            page = await client.call("ListJobs", api.ListJobsRequest(page_size=1000, page_token=token))
            assert len(page.jobs) <= LARGEST_PAGE
            seen, token, pages = seen + [job.name for job in page.jobs], page.next_page_token, pages + 1
        assert seen == [f"jobs/{number:04d}" for number in reversed(range(JOBS))]
        assert pages == 3
        assert records.reads["one"] == 0
        assert records.reads["several"] <= 2 * pages

    records.go.set()
    await run(use, tmp_path, records=records, coordinating=False)


async def test_one_tenants_listings_leave_room_for_others(tmp_path: Path, records: CountedRecords) -> None:
    async def use(deployment: Deployment) -> None:
        anna, bert = await deployment.client("anna"), await deployment.client("bert")
        flood = [anna.call("ListJobs", api.ListJobsRequest(page_size=50)) for _ in range(100)]
        await asyncio.to_thread(eventually, lambda: records.reading == LISTINGS_OF_ONE)
        others = [bert.call("ListJobs", api.ListJobsRequest(page_size=50))]
        await asyncio.to_thread(eventually, lambda: records.reading == LISTINGS_OF_ONE + 1)
        assert (await bert.get("jobs/0007")).name == "jobs/0007"
        for tenant in ("bert", "carl", "dora", "emil"):
            client = await deployment.client(tenant)
            others += [client.call("ListJobs", api.ListJobsRequest(page_size=50)) for _ in range(3)]
        await asyncio.to_thread(eventually, lambda: records.reading == LISTINGS_OF_ALL)
        await asyncio.sleep(0.1)
        assert records.reading == LISTINGS_OF_ALL
        records.go.set()
        assert {len(page.jobs) for page in await asyncio.gather(*flood, *others)} == {50}

    await run(use, tmp_path, records=records, coordinating=False)


async def test_who_gives_up_listing_makes_room(tmp_path: Path, records: CountedRecords) -> None:
    async def use(deployment: Deployment) -> None:
        anna = await deployment.client("anna")
        flood = [anna.call("ListJobs", api.ListJobsRequest(), timeout=0.5) for _ in range(20)]
        for call in flood:
            with pytest.raises(grpc.aio.AioRpcError):
                await call
        await asyncio.to_thread(eventually, lambda: records.reading == 0)
        records.go.set()
        assert len((await anna.call("ListJobs", api.ListJobsRequest())).jobs) == 50

    await run(use, tmp_path, records=records, coordinating=False)
