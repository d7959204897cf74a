"""The repository of jobs: changes by compare-and-set, pages newest first."""

from __future__ import annotations

import asyncio

import pytest

from liftline.errors import InvalidArtifactError
from liftline.jobs.naming import JobKey
from liftline.pipeline import state
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord, RequestRecord
from liftline_gateway.records.job_repository import JobRepository
from tests.memory import MemoryRecords
from tests.unit.gateway.jobs import TIME, new_record


def counted(record: JobRecord) -> JobRecord:
    changed = JobRecord()
    changed.CopyFrom(record)
    changed.generation += 1
    return changed


async def test_changes_at_once_all_happen() -> None:
    jobs, record = JobRepository(MemoryRecords()), new_record()
    await jobs.create(record)
    key = JobKey(record.tenant, record.job)
    await asyncio.gather(*(jobs.change(key, counted) for _ in range(30)))
    stored = await jobs.get(key)
    assert stored is not None
    assert stored.record.generation == 30


async def test_a_change_that_changes_nothing_is_not_written() -> None:
    jobs, record = JobRepository(MemoryRecords()), new_record()
    await jobs.create(record)
    key = JobKey(record.tenant, record.job)
    before = await jobs.get(key)
    assert await jobs.change(key, lambda one: one) == record
    assert await jobs.get(key) == before
    assert await jobs.change(JobKey("acme", "unknown"), counted) is None


async def test_the_first_who_creates_counts() -> None:
    jobs, record = JobRepository(MemoryRecords()), new_record()
    assert await jobs.create(record) == record
    assert await jobs.create(counted(record)) == record
    first, second = RequestRecord(job="one"), RequestRecord(job="two")
    assert await jobs.create_request("acme", "r", first) == first
    assert await jobs.create_request("acme", "r", second) == first


async def test_a_record_that_cannot_be_read_is_told() -> None:
    records = MemoryRecords()
    await records.create("jobs.acme.x", b"\xff\xff")
    with pytest.raises(InvalidArtifactError, match=r"jobs\.acme\.x"):
        await JobRepository(records).get(JobKey("acme", "x"))


@pytest.mark.parametrize("size", [1, 3, 4, 9, 10, 50])
async def test_pages_show_every_job_once_newest_first_and_none_that_is_removed(size: int) -> None:
    jobs = JobRepository(MemoryRecords())
    for number in range(10):
        record = new_record(JobKey("acme", f"job{number}"))
        await jobs.create(state.delete(record, time=TIME) if number in (0, 4, 9) else record)
    await jobs.create(new_record(JobKey("acme2", "job5")))
    seen: list[str] = []
    after = None
    while True:
        page = await jobs.page("acme", size=size, after=after)
        assert len(page.jobs) <= size
        seen += [job.job for job in page.jobs]
        if page.next_after is None:
            break
        assert len(page.jobs) == size
        after = page.next_after
    assert seen == [f"job{number}" for number in (8, 7, 6, 5, 3, 2, 1)]


async def test_a_page_goes_on_where_the_last_one_ended_though_that_job_is_gone() -> None:
    jobs = JobRepository(MemoryRecords())
    for number in range(4):
        await jobs.create(new_record(JobKey("acme", f"job{number}")))
    page = await jobs.page("acme", size=2)
    assert page.next_after == "job2"
    await jobs.delete(JobKey("acme", "job2"))
    rest = await jobs.page("acme", size=2, after=page.next_after)
    assert [job.job for job in rest.jobs] == ["job1", "job0"]
    assert all(job.state == Job.STATE_UNSPECIFIED for job in rest.jobs)
