"""JobService over gRPC: who calls, what is asked; the work is done by `Api`."""

# ruff: noqa: N802, ARG002 - names and arguments are those of the generated class

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import grpc
from google.protobuf.empty_pb2 import Empty

from liftline.jobs.naming import JobKey
from liftline.service.grpc.authentication import caller
from liftline.v1 import job_service_pb2 as pb
from liftline.v1.job_service_pb2_grpc import JobServiceServicer, add_JobServiceServicer_to_server
from liftline_gateway.api.validation import job_of, page_of
from liftline_gateway.api.views import job_view, page_view
from liftline_gateway.api.wiring import Api

Context = grpc.aio.ServicerContext[Any, Any]
NAME = pb.DESCRIPTOR.services_by_name["JobService"].full_name


def job_service(api: Api) -> dict[str, Callable[[grpc.aio.Server], None]]:
    """JobService over this API, as `running_server` takes services: name -> function that adds it to a server."""
    return {NAME: lambda server: add_JobServiceServicer_to_server(_JobServicer(api), server)}


class _JobServicer(JobServiceServicer):
    """Jobs of the tenant whose token comes with the request."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def CreateUpload(self, request: pb.CreateUploadRequest, context: Context) -> pb.Upload:
        return await self._api.uploads.create(caller().tenant, request)

    async def CreateJob(self, request: pb.CreateJobRequest, context: Context) -> pb.Job:
        return job_view(await self._api.creator.create(caller().tenant, request))

    async def GetJob(self, request: pb.GetJobRequest, context: Context) -> pb.Job:
        return job_view(await self._api.get(_key(request.name)))

    async def ListJobs(self, request: pb.ListJobsRequest, context: Context) -> pb.ListJobsResponse:
        size, after = page_of(request)
        return page_view(await self._api.list_page(caller().tenant, size=size, after=after))

    async def WatchJob(self, request: pb.WatchJobRequest, context: Context) -> AsyncIterator[pb.WatchJobResponse]:
        async with aclosing(self._api.watches.watch(_key(request.name))) as changes:
            async for job in changes:
                yield pb.WatchJobResponse(job=job)

    async def CancelJob(self, request: pb.CancelJobRequest, context: Context) -> pb.Job:
        return job_view(await self._api.cancel(_key(request.name)))

    async def DeleteJob(self, request: pb.DeleteJobRequest, context: Context) -> Empty:
        await self._api.delete(_key(request.name))
        return Empty()

    async def ListArtifacts(self, request: pb.ListArtifactsRequest, context: Context) -> pb.ListArtifactsResponse:
        return await self._api.outputs.of(await self._api.get(_key(request.name)))


def _key(name: str) -> JobKey:
    return job_of(name, tenant=caller().tenant)
