"""Removing what nobody needs: work files of jobs that ended, jobs that are deleted, videos that never became jobs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from liftline.jobs.naming import JobKey
from liftline.ports import ArtifactStore, Bus
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import ActiveRecord, JobRecord, UploadRecord
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from liftline_gateway.records.record_cache import RecordCache
from liftline_gateway.records.store_threads import StoreThreads

log = structlog.get_logger(__name__)


class Remover:
    """Every method raises UnavailableError and is repeated then; the note that a job needs care goes last."""

    def __init__(
        self, jobs: JobRepository, bus: Bus, store: ArtifactStore, threads: StoreThreads, *, grace_period: timedelta
    ) -> None:  # fmt: skip
        """Wait `grace_period` at most for workers that were at it when the job ended."""
        self._jobs, self._bus = jobs, bus
        self._store, self._threads, self._grace_period = store, threads, grace_period
        self._uploads: RecordCache[UploadKey, UploadRecord] = RecordCache(jobs.upload)

    async def clean(self, key: JobKey, record: JobRecord, *, now: datetime) -> None:
        """Remove what a job that is over needs no more; nothing yet where workers are still at it."""
        await self._bus.purge_tasks(key.task_subjects)
        waited = abs(now - record.update_time.ToDatetime(tzinfo=UTC))
        if waited < self._grace_period and await self._is_worked_on(key):
            return
        deleting = record.state == Job.STATE_DELETING
        for prefix in self._prefixes(key, record):
            await self._threads.run(self._store.remove_all, prefix)
        await self._jobs.records.delete_all(key.results)
        await self._jobs.records.delete_all(key.attempts)
        if deleting:
            await self._jobs.delete_request(key.tenant, record.request_id)
            await self._jobs.delete(key)
        await self._jobs.remove_active(key)
        if not deleting:
            await self._mind_again(key)
        log.info("job_removed" if deleting else "job_cleaned", tenant=key.tenant, job=key.job)

    async def remove_expired_uploads(self, *, now: datetime) -> None:
        """Remove places for videos whose time has passed, with what is there. Records are read once each."""
        for key, upload in (await self._uploads.read_all(await self._jobs.uploads())).items():
            if upload.expire_time.ToDatetime(tzinfo=UTC) <= now - self._grace_period:
                await self._threads.run(self._store.remove_all, key.prefix)
                await self._jobs.delete_upload(key)

    async def _mind_again(self, key: JobKey) -> None:
        """A client may have deleted the job meanwhile, and relied on the note that was just taken away."""
        stored = await self._jobs.get(key)
        if stored is not None and stored.record.state == Job.STATE_DELETING:
            await self._jobs.add_active(key, ActiveRecord(request_id=stored.record.request_id))

    def _prefixes(self, key: JobKey, record: JobRecord) -> list[str]:
        if record.state == Job.STATE_DELETING:
            return [key.prefix]
        return [key.work] if record.state == Job.STATE_SUCCEEDED else [key.work, key.tree]

    async def _is_worked_on(self, key: JobKey) -> bool:
        """Whether somebody began a task and neither ended it nor was known to die of it."""
        begun = await self._jobs.task_names(key.attempts)
        left = begun - await self._jobs.task_names(key.results) if begun else begun
        return bool(left) and await self._jobs.open_attempts([f"{key.attempts}{name}" for name in left])
