"""JobService over gRPC: who calls, what is asked; the work is done elsewhere."""

# ruff: noqa: N802, ARG002 - names and arguments are those of the generated class

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

from liftline.jobs.naming import JobKey
from liftline.ports import Bus
from liftline.service.grpc.identity import caller
from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2_grpc import JobServiceServicer
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.api.create_job import JobCreator
from liftline_gateway.api.listing import listed
from liftline_gateway.api.outputs import Outputs
from liftline_gateway.api.refusals import not_found
from liftline_gateway.api.stopping import cancel_job, delete_job
from liftline_gateway.api.uploads import Uploads
from liftline_gateway.api.validation import job_of, page_of
from liftline_gateway.api.views import job_view
from liftline_gateway.api.watching import Watching
from liftline_gateway.records.job_repository import JobBook
from liftline_gateway.webhooks.notices import Notices

Context = grpc.aio.ServicerContext[Any, Any]


@dataclass(frozen=True)
class JobService(JobServiceServicer):
    """Jobs of the tenant whose token comes with the request. Raises RefusedError, UnavailableError."""

    book: JobBook
    bus: Bus
    uploads: Uploads
    creator: JobCreator
    watching: Watching
    outputs: Outputs
    notices: Notices

    async def CreateUpload(self, request: api.CreateUploadRequest, context: Context) -> api.Upload:
        """A place to put a video."""
        return await self.uploads.create(caller().tenant, request)

    async def CreateJob(self, request: api.CreateJobRequest, context: Context) -> api.Job:
        """Work on a video, once per `request_id`."""
        return job_view(await self.creator.create(caller().tenant, request))

    async def GetJob(self, request: api.GetJobRequest, context: Context) -> api.Job:
        """A job as its record has it."""
        return job_view(await self._record(request.name))

    async def ListJobs(self, request: api.ListJobsRequest, context: Context) -> api.ListJobsResponse:
        """Jobs, newest first."""
        size, after = page_of(request)
        return listed(await self.book.page(caller().tenant, size=size, after=after))

    async def WatchJob(
        self, request: api.WatchJobRequest, context: Context
    ) -> AsyncIterator[api.WatchJobResponse]:  # fmt: skip
        """The job at once, and whenever it changed, until it has ended."""
        async with aclosing(self.watching.watch(_key(request.name))) as changes:
            async for job in changes:
                yield api.WatchJobResponse(job=job)

    async def CancelJob(self, request: api.CancelJobRequest, context: Context) -> api.Job:
        """Stop it; one that has ended stays as it is."""
        record = await cancel_job(self.book, self.bus, _key(request.name))
        if record is None:
            raise not_found(request.name)
        self.notices.start(record)
        return job_view(record)

    async def DeleteJob(self, request: api.DeleteJobRequest, context: Context) -> Empty:
        """Stop it, and have it removed."""
        if not await delete_job(self.book, self.bus, _key(request.name)):
            raise not_found(request.name)
        return Empty()

    async def ListArtifacts(
        self, request: api.ListArtifactsRequest, context: Context
    ) -> api.ListArtifactsResponse:  # fmt: skip
        """What it made, once it has succeeded."""
        return await self.outputs.of(await self._record(request.name))

    async def _record(self, name: str) -> JobRecord:
        stored = await self.book.get(_key(name))
        if stored is None or stored.record.state == api.Job.STATE_DELETING:
            raise not_found(name)
        return stored.record


def _key(name: str) -> JobKey:
    return job_of(name, tenant=caller().tenant)
