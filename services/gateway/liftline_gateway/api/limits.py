"""How much one tenant may have here at a time: jobs that haven't ended, and bytes of videos.

Each gateway counts what is there and what it is about to make itself. Several gateways that make jobs in the same
moment may together let in as many too many as they have requests in hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from liftline.jobs.naming import JobKey
from liftline.pipeline import state
from liftline.service.api_errors import ApiError, ErrorKind
from liftline.v1.records_pb2 import ActiveRecord, UploadRecord
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from liftline_gateway.records.record_cache import RecordCache


class Limits:
    """Every method raises ApiError (RESOURCE_EXHAUSTED) or UnavailableError."""

    def __init__(self, jobs: JobRepository, *, max_jobs: int, max_bytes: int) -> None:
        """`max_jobs` and `max_bytes` (of all videos) are allowed per tenant."""
        self._jobs, self._max_jobs, self._max_bytes = jobs, max_jobs, max_bytes
        self._tenants: dict[str, _Tenant] = {}

    @asynccontextmanager
    async def room_for_job(self, tenant: str, request_id: str, *, video_bytes: int) -> AsyncIterator[None]:
        """Hold a place for a request's job; let go of it once the job is noted as active."""
        its = self._of(tenant)
        async with its.turn:
            held = await self._held(tenant)
            if not self._fits(held, request_id, video_bytes):
                held = await self._held(tenant, exactly=True)
            if not self._fits(held, request_id, video_bytes):
                raise self._too_much(len(held))
            its.coming[request_id] = video_bytes
        try:
            yield
        finally:
            its.coming.pop(request_id, None)

    @asynccontextmanager
    async def room_for_upload(self, key: UploadKey, *, size_bytes: int) -> AsyncIterator[None]:
        """Hold a place for a video; let go of it once the upload is noted. Those of jobs count too."""
        its = self._of(key.tenant)
        async with its.turn:
            await self._check_upload(key.tenant, size_bytes)
            its.announced[key] = size_bytes
        try:
            yield
        finally:
            its.announced.pop(key, None)

    async def _check_upload(self, tenant: str, size_bytes: int) -> None:
        for exactly in (False, True):
            uploads = await self._uploads(tenant, exactly=exactly)
            active = await self._active_jobs(tenant, exactly=exactly)
            taken_bytes = sum(uploads.values()) + sum(active.values())
            if len(uploads) < self._max_jobs and taken_bytes + size_bytes <= self._max_bytes:
                return
        if len(uploads) >= self._max_jobs:
            raise _exhausted(
                "UPLOADS", f"{len(uploads)} uploads wait for jobs, and no more may; create those jobs first."
            )
        raise self._too_many_bytes()

    def _of(self, tenant: str) -> _Tenant:
        return self._tenants.setdefault(tenant, _Tenant(self._jobs))

    async def _held(self, tenant: str, *, exactly: bool = False) -> Mapping[str, int]:
        """`_active_jobs` and those to come; one that turns from the one into the other meanwhile isn't missed."""
        coming = self._of(tenant).coming
        before = dict(coming)
        return {**await self._active_jobs(tenant, exactly=exactly), **before, **coming}

    async def _active_jobs(self, tenant: str, *, exactly: bool = False) -> Mapping[str, int]:
        """Bytes of videos, by request. Jobs that have ended but aren't tidied up yet are left out where it matters."""
        known = self._of(tenant).active
        active = await known.read_all(await self._jobs.active_jobs(tenant))
        if exactly:
            over = await asyncio.gather(*(self._is_over(key) for key in active))
            for key, ended in zip(list(active), over, strict=True):
                if ended:
                    known.ignore(key)
            active = await known.read_all(await self._jobs.active_jobs(tenant))
        return {record.request_id or key.job: record.video_bytes for key, record in active.items()}

    async def _uploads(self, tenant: str, *, exactly: bool) -> Mapping[UploadKey, int]:
        """Announced bytes of uploads that no job was made of yet, those that are just being noted included."""
        its = self._of(tenant)
        uploads, before = its.uploads, dict(its.announced)
        if exactly:
            uploads.invalidate()
        there = await uploads.read_all(await self._jobs.uploads(tenant))
        for key in [key for key, record in there.items() if record.used]:
            uploads.ignore(key)
        noted = {key: record.size_bytes for key, record in there.items() if not record.used}
        return {**noted, **before, **its.announced}

    async def _is_over(self, key: JobKey) -> bool:
        stored = await self._jobs.get(key)
        return stored is not None and state.is_over(stored.record)

    def _fits(self, held: Mapping[str, int], request_id: str, video_bytes: int) -> bool:
        others = [size for name, size in held.items() if name != request_id]
        return len(others) < self._max_jobs and sum(others) + video_bytes <= self._max_bytes

    def _too_much(self, held: int) -> ApiError:
        if held >= self._max_jobs:
            return _exhausted("JOBS", f"{held} jobs haven't ended, and no more are allowed; wait for one to end.")
        return self._too_many_bytes()

    def _too_many_bytes(self) -> ApiError:
        return _exhausted(
            "BYTES",
            f"All videos together may have {self._max_bytes} bytes; wait for jobs to end, or send a shorter one.",
        )


class _Tenant:
    """What is known of one; `coming`, `announced`: bytes of jobs and uploads that are about to be noted."""

    def __init__(self, jobs: JobRepository) -> None:
        self.turn = asyncio.Lock()
        self.coming: dict[str, int] = {}
        self.announced: dict[UploadKey, int] = {}
        self.active: RecordCache[JobKey, ActiveRecord] = RecordCache(jobs.active)
        self.uploads: RecordCache[UploadKey, UploadRecord] = RecordCache(jobs.upload)


def _exhausted(what: str, message: str) -> ApiError:
    return ApiError(ErrorKind.RESOURCE_EXHAUSTED, f"TOO_MANY_{what}", message)
