"""Places where clients put videos before they make jobs of them."""

from __future__ import annotations

from datetime import timedelta

from liftline.jobs.naming import new_id
from liftline.ports import ArtifactStore
from liftline.service.api_errors import ApiError, ErrorKind, not_found
from liftline.settings.services import GatewaySettings
from liftline.v1.job_service_pb2 import CreateUploadRequest, Upload
from liftline.v1.records_pb2 import UploadRecord
from liftline_gateway.api.limits import Limits
from liftline_gateway.api.validation import check_upload
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from liftline_gateway.records.store_threads import StoreThreads


class Uploads:
    """Makes uploads and checks that they are complete. Every method raises ApiError or UnavailableError."""

    def __init__(
        self,
        jobs: JobRepository,
        store: ArtifactStore,
        threads: StoreThreads,
        limits: Limits,
        settings: GatewaySettings,
    ) -> None:
        self._jobs, self._store, self._threads, self._limits = jobs, store, threads, limits
        self._max_bytes, self._expire = settings.max_upload_bytes, timedelta(seconds=settings.upload_expire_s)

    async def create(self, tenant: str, request: CreateUploadRequest) -> Upload:
        """A new place, and the form that puts a video there."""
        check_upload(request, max_bytes=self._max_bytes)
        key = UploadKey(tenant, new_id())
        record = UploadRecord(
            file_name=request.file_name,
            size_bytes=request.size_bytes,
            key=key.video(request.file_name),
            expire_time=self._jobs.time(later=self._expire),
        )
        async with self._limits.room_for_upload(key, size_bytes=record.size_bytes):
            await self._jobs.create_upload(key, record)
        form = await self._threads.run(
            self._store.upload_form, record.key, size_bytes=record.size_bytes, expires=self._expire
        )
        return Upload(
            name=f"uploads/{key.upload}", upload_uri=form.address, upload_method="POST", upload_fields=form.fields,
            expire_time=record.expire_time,
        )  # fmt: skip

    async def complete(self, key: UploadKey) -> UploadRecord:
        """The record of a video that is there, as long as it was said to be."""
        name = f"uploads/{key.upload}"
        record = await self._jobs.upload(key)
        if record is None or record.expire_time.ToNanoseconds() <= self._jobs.time().ToNanoseconds():
            raise not_found(name)
        if record.used:
            raise _not_ready("UPLOAD_USED", f"{name}: a job was made of it already; upload {record.file_name} again.")
        size = await self._threads.size(self._store, record.key, expected=record.size_bytes)
        if size is None:
            raise _not_ready(
                "UPLOAD_MISSING",
                f"{name}: {record.file_name} is not uploaded yet; POST it to `upload_uri` first, as a form with "
                "`upload_fields` (a client that PUTs it is of an older version: upgrade it).",
            )
        if size != record.size_bytes:
            raise _not_ready(
                "UPLOAD_SIZE",
                f"{name}: {record.file_name} has {size} bytes, and {record.size_bytes} were announced; "
                "upload the whole file, or make another upload.",
            )
        return record


def _not_ready(reason: str, message: str) -> ApiError:
    return ApiError(ErrorKind.FAILED_PRECONDITION, reason, message)
