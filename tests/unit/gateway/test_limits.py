"""A tenant has at most so many jobs and bytes here, whatever comes at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from liftline.jobs.naming import JobKey
from liftline.service.api_errors import ApiError
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import ActiveRecord, JobRecord, UploadRecord
from liftline_gateway.api.limits import Limits
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from tests.memory import MemoryRecords


def with_jobs(use: Callable[[JobRepository], Awaitable[None]]) -> None:
    async def run() -> None:
        await use(JobRepository(MemoryRecords()))

    asyncio.run(run())


async def begin(jobs: JobRepository, limits: Limits, number: int, *, size: int = 10) -> bool:
    """Make a job as a gateway does; whether there was room."""
    try:
        async with limits.room_for_job("anna", f"r{number}", video_bytes=size):
            await asyncio.sleep(0.001)
            active = ActiveRecord(video_bytes=size, request_id=f"r{number}")
            await jobs.add_active(JobKey("anna", f"j{number}"), active)
    except ApiError:
        return False
    return True


async def announce(jobs: JobRepository, limits: Limits, upload: str, *, size: int, tenant: str = "anna") -> None:
    """Note an upload as a gateway does. Raises ApiError."""
    key = UploadKey(tenant, upload)
    async with limits.room_for_upload(key, size_bytes=size):
        await asyncio.sleep(0.001)
        await jobs.create_upload(key, UploadRecord(size_bytes=size))


def test_requests_at_once_share_what_is_left() -> None:
    async def use(jobs: JobRepository) -> None:
        limits = Limits(jobs, max_jobs=7, max_bytes=1000)
        assert sum(await asyncio.gather(*(begin(jobs, limits, n) for n in range(50)))) == 7
        limits = Limits(jobs, max_jobs=100, max_bytes=95)
        assert sum(await asyncio.gather(*(begin(jobs, limits, n) for n in range(50, 100)))) == 2

    with_jobs(use)


def test_jobs_that_ended_make_room_before_they_are_tidied_up() -> None:
    async def use(jobs: JobRepository) -> None:
        limits = Limits(jobs, max_jobs=1, max_bytes=1000)
        assert await begin(jobs, limits, 1)
        await jobs.create(JobRecord(tenant="anna", job="j1", state=Job.STATE_RUNNING))
        assert not await begin(jobs, limits, 2)
        await jobs.records.delete(JobKey("anna", "j1").record)
        await jobs.create(JobRecord(tenant="anna", job="j1", state=Job.STATE_FAILED))
        assert await begin(jobs, limits, 2)

    with_jobs(use)


def test_what_is_left_over_when_making_a_job_fails_is_free_again() -> None:
    async def use(jobs: JobRepository) -> None:
        limits = Limits(jobs, max_jobs=1, max_bytes=1000)
        with pytest.raises(ZeroDivisionError):
            async with limits.room_for_job("anna", "r1", video_bytes=10):
                raise ZeroDivisionError
        assert await begin(jobs, limits, 2)

    with_jobs(use)


def test_the_same_request_counts_once() -> None:
    async def use(jobs: JobRepository) -> None:
        limits = Limits(jobs, max_jobs=1, max_bytes=10)
        assert await begin(jobs, limits, 1)
        await jobs.add_active(JobKey("anna", "twin"), ActiveRecord(video_bytes=10, request_id="r1"))
        assert await begin(jobs, limits, 1)

    with_jobs(use)


def test_videos_that_are_to_come_count() -> None:
    async def use(jobs: JobRepository) -> None:
        limits = Limits(jobs, max_jobs=2, max_bytes=100)
        assert await begin(jobs, limits, 1, size=40)
        await announce(jobs, limits, "u1", size=40)
        with pytest.raises(ApiError, match="100 bytes"):
            await announce(jobs, limits, "u2", size=21)
        await announce(jobs, limits, "u1", size=100, tenant="bert")
        await announce(jobs, limits, "u2", size=20)
        with pytest.raises(ApiError, match="2 uploads wait"):
            await announce(jobs, limits, "u3", size=1)
        await jobs.use_upload(UploadKey("anna", "u1"))
        await announce(jobs, limits, "u3", size=40)
        await jobs.delete_upload(UploadKey("anna", "u2"))
        await announce(jobs, limits, "u4", size=20)

    with_jobs(use)


def test_uploads_at_once_share_what_is_left() -> None:
    async def use(jobs: JobRepository) -> None:
        limits = Limits(jobs, max_jobs=7, max_bytes=1000)
        names = [f"u{number}" for number in range(50)]
        ends = await asyncio.gather(
            *(announce(jobs, limits, name, size=1) for name in names), return_exceptions=True
        )  # fmt: skip
        assert ends.count(None) == 7
        assert all(isinstance(end, ApiError) for end in ends if end is not None)

    with_jobs(use)
