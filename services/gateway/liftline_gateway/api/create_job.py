"""CreateJob decides whether a request is to become a job: is it valid, within quota, the first under its id (AIP-155)?

How the job is made then is in `liftline_gateway.coordination.creation_steps`.
"""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress

from opentelemetry import propagate

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey, new_id
from liftline.service.api_errors import ApiError, ErrorKind, not_found
from liftline.settings.services import GatewaySettings
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.job_service_pb2 import CreateJobRequest, Job
from liftline.v1.records_pb2 import JobRecord, RequestRecord, UploadRecord
from liftline_gateway.api.limits import Limits
from liftline_gateway.api.uploads import Uploads
from liftline_gateway.api.validation import check_creation, upload_of
from liftline_gateway.coordination.creation_steps import CreationSteps, video_key
from liftline_gateway.records.job_repository import JobRepository, UploadKey


class JobCreator:
    """Checks requests and has their jobs made."""

    def __init__(
        self,
        jobs: JobRepository,
        creation: CreationSteps,
        uploads: Uploads,
        limits: Limits,
        *,
        settings: GatewaySettings,
        segment_s: float,
    ) -> None:
        """`segment_s`: length of the segments that videos are cut into."""
        self._jobs, self._creation, self._uploads, self._limits = jobs, creation, uploads, limits
        self._settings, self._segment_s = settings, segment_s
        self._tidying: set[asyncio.Task[None]] = set()

    async def create(self, tenant: str, request: CreateJobRequest) -> JobRecord:
        """The job of a request, new or made before. Raises ApiError, UnavailableError; then send it again."""
        request.DiscardUnknownFields()  # they would be kept in every record and task of the job
        check_creation(request, webhook_hosts=self._settings.webhook_hosts)
        upload = UploadKey(tenant, upload_of(request.upload, tenant=tenant))
        known = await self._jobs.request(tenant, request.request_id) if request.request_id else None
        if known is None:
            known = await self._register_or_find(request, upload)
        if known.fingerprint != _fingerprint(request) or not await self._is_same_video(known, upload):
            raise _another(request.request_id)
        record = await self._creation.complete(known)
        self._tidy(tenant, {known.upload, upload.upload})
        if record.state == Job.STATE_DELETING:
            raise not_found(f"jobs/{record.job}")
        return record

    async def _register_or_find(self, request: CreateJobRequest, upload: UploadKey) -> RequestRecord:
        """Another gateway may make the job meanwhile, and take the upload away: then its request counts."""
        try:
            return await self._register(request, upload)
        except ApiError:
            known = await self._jobs.request(upload.tenant, request.request_id) if request.request_id else None
            if known is None:
                raise
            return known

    async def _is_same_video(self, known: RequestRecord, upload: UploadKey) -> bool:
        """A client that doesn't know whether its request arrived may have uploaded its video again."""
        if upload.upload == known.upload:
            return True
        again = await self._jobs.upload(upload)
        first = known.initial
        return again is not None and (again.file_name, again.size_bytes) == (first.video_name, first.video.size_bytes)

    async def _register(self, request: CreateJobRequest, upload: UploadKey) -> RequestRecord:
        video = await self._uploads.complete(upload)
        initial = self._initial(request, JobKey(upload.tenant, new_id()), video)
        made = RequestRecord(job=initial.job, fingerprint=_fingerprint(request), upload=upload.upload, initial=initial)
        async with self._limits.room_for_job(upload.tenant, initial.request_id, video_bytes=video.size_bytes):
            return await self._creation.register(made)

    def _tidy(self, tenant: str, uploads: set[str]) -> None:
        """Remove uploads in the background; no client waits for it."""

        async def tidy() -> None:
            with suppress(UnavailableError):
                for upload in uploads:
                    await self._creation.tidy(UploadKey(tenant, upload))

        task = asyncio.create_task(tidy())
        self._tidying.add(task)
        task.add_done_callback(self._tidying.discard)

    def _initial(self, request: CreateJobRequest, key: JobKey, video: UploadRecord) -> JobRecord:
        trace: dict[str, str] = {}
        propagate.inject(trace)
        now = self._jobs.time()
        return JobRecord(
            tenant=key.tenant,
            job=key.job,
            request_id=request.request_id or key.job,
            video_name=video.file_name,
            settings=request.settings,
            priority=request.priority,
            video=ArtifactRef(key=video_key(key, video.file_name), size_bytes=video.size_bytes),
            segment_s=self._segment_s,
            max_parallel_segments=self._settings.max_parallel_segments,
            max_duration_s=self._settings.max_duration_s,
            webhook_uri=request.webhook_uri,
            traceparent=trace.get("traceparent", ""),
            create_time=now,
            update_time=now,
        )


def _fingerprint(request: CreateJobRequest) -> str:
    """Of what the request says beside its upload."""
    said = CreateJobRequest()
    said.CopyFrom(request)
    said.ClearField("upload")
    return hashlib.sha256(said.SerializeToString(deterministic=True)).hexdigest()


def _another(request_id: str) -> ApiError:
    return ApiError(
        ErrorKind.ALREADY_EXISTS,
        "REQUEST_ID_REUSED",
        f"request_id {request_id}: another request came under it before; send that one again, or choose a new id.",
    )
