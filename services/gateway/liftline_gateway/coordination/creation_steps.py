"""The steps that make a job of a registered request; after a crash the client or the reconciler completes them.

Whether there is to be a job at all is decided before, by `liftline_gateway.api.create_job`.

Noted as active → request entry → video copied → job record → plan task; then the uploaded bytes are removed.
"""

from __future__ import annotations

from liftline.errors import InvalidArtifactError
from liftline.jobs.messages import publish_task
from liftline.jobs.naming import JobKey
from liftline.pipeline.state import begin, delete, fail
from liftline.ports import ArtifactStore, Bus
from liftline.telemetry.traces import continuing
from liftline.v1.job_service_pb2 import Failure
from liftline.v1.records_pb2 import ActiveRecord, JobRecord, RequestRecord
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from liftline_gateway.records.store_threads import StoreThreads

VIDEO_FOLDER = "input/"


def video_key(job: JobKey, file_name: str) -> str:
    """Where a job's video lies in the bucket."""
    return f"{job.prefix}{VIDEO_FOLDER}{file_name}"


class CreationSteps:
    """Every method raises UnavailableError, and may be called again then."""

    def __init__(self, jobs: JobRepository, bus: Bus, store: ArtifactStore, threads: StoreThreads) -> None:
        self._jobs, self._bus, self._store, self._threads = jobs, bus, store, threads

    async def register(self, request: RequestRecord) -> RequestRecord:
        """From here on the job will be made. Gives the request that counts: an earlier one of that id, or this."""
        initial = request.initial
        key = JobKey(initial.tenant, request.job)
        await self._jobs.add_active(key, _active(initial))
        counting = await self._jobs.create_request(initial.tenant, initial.request_id, request)
        if counting.job != request.job:
            await self._jobs.remove_active(key)
        return counting

    async def complete(self, request: RequestRecord) -> JobRecord:
        """The job of a registered request, made as far as it isn't there yet; DELETING if it was removed meanwhile."""
        key = JobKey(request.initial.tenant, request.job)
        upload = UploadKey(key.tenant, request.upload)
        stored = await self._jobs.get(key)
        if stored is not None:
            return stored.record
        problem = await self._take_video(upload, request.initial)
        if not await self._is_wanted(key, request.initial):
            await self._threads.run(self._store.remove, request.initial.video.key)
            return delete(request.initial, time=self._jobs.time())
        record, tasks = begin(request.initial)
        if problem is not None:
            failure = Failure(reason=Failure.REASON_INVALID_VIDEO, message=problem)
            record, tasks = fail(record, failure, time=self._jobs.time()), []
        record = await self._jobs.create(record)
        with continuing({"traceparent": record.traceparent}):
            for task in tasks:
                await publish_task(self._bus, task)
        await self._jobs.use_upload(upload)
        return record

    async def tidy(self, upload: UploadKey) -> None:
        """Remove an upload of which a job is made; where that is left out, it goes when its time is over.

        It is remembered until its address no longer works, so that what comes late is removed too.
        """
        await self._jobs.use_upload(upload)
        await self._threads.run(self._store.remove_all, upload.prefix)

    async def _is_wanted(self, key: JobKey, initial: JobRecord) -> bool:
        """Whether its request still stands, after a copy that may have taken minutes; then it is active for sure.

        Others may have made the job and removed it, or taken the note away from a gateway that stood still before it
        had entered its request.
        """
        counting = await self._jobs.request(key.tenant, initial.request_id)
        if counting is None or counting.job != key.job:
            return False
        await self._jobs.add_active(key, _active(initial))
        return True

    async def _take_video(self, upload: UploadKey, initial: JobRecord) -> str | None:
        """Copy it to the job; gives what is wrong where it isn't what was uploaded."""
        name, expected = initial.video_name, initial.video.size_bytes
        run, store = self._threads.run, self._store
        if await run(store.size, initial.video.key) == expected:
            return None
        try:
            await run(store.copy, upload.video(name), initial.video.key)
        except InvalidArtifactError:
            return f"{name}: the upload is no longer there; upload it again and create a new job."
        size = await self._threads.size(store, initial.video.key, expected=expected)
        if size != expected:
            return f"{name}: the upload changed from {expected} to {size} bytes; upload it again and create a new job."
        return None


def _active(initial: JobRecord) -> ActiveRecord:
    return ActiveRecord(video_bytes=initial.video.size_bytes, request_id=initial.request_id)
