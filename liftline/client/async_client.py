"""The client for programs that do other things meanwhile. Files go over in threads."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, Self, TypeVar

import grpc
from google.protobuf.message import Message

from liftline.client import calls
from liftline.client.connection import Connection
from liftline.client.errors import NotFoundError, told_apart
from liftline.client.output_folder import OnFile, OutputFolder, silent
from liftline.client.transfer import AddressExpiredError, OnBytes, no_listener
from liftline.client.views import Job, OutputFile, files_of, job_id, job_of
from liftline.jobs.naming import Priority, new_id
from liftline.net.retrying import OnFailure, retry_async
from liftline.progress import StopFlag
from liftline.settings.job import JobSettings
from liftline.v1 import job_service_pb2
from liftline.v1.job_service_pb2_grpc import JobServiceStub

if TYPE_CHECKING:
    from liftline.v1.job_service_pb2_grpc import JobServiceAsyncStub

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)
Given = ParamSpec("Given")
Result = TypeVar("Result")


class AsyncClient(calls.ClientBase):
    """As `Client`, method by method. Made where an event loop runs; `close` it, or use it as a context.

    Listeners (`on_bytes`, `on_file`) are called in other threads. A call that is cancelled stops its transfer.
    """

    def __init__(
        self, connection: Connection | None = None, *, retry_s: float = 5.0, reconnect_s: float = 600.0
    ) -> None:
        """Connects at the first call. A watch whose gateway is gone tries for `reconnect_s` seconds to reach it."""
        connection = connection or Connection()
        super().__init__(connection, retry_s=retry_s, reconnect_s=reconnect_s)
        self._channel = _channel(connection)
        self._stub: JobServiceAsyncStub = JobServiceStub(self._channel)

    async def close(self) -> None:
        """Close the connection to the gateway; the client can't be used afterwards."""
        await self._channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def submit(
        self,
        video: str | Path,
        settings: JobSettings | None = None,
        *,
        priority: Priority = Priority.NORMAL,
        request_id: str | None = None,
        webhook: str = "",
        on_bytes: OnBytes = no_listener,
    ) -> Job:
        """Upload a video and make a job of it: `upload` and `create` in one."""
        path = Path(video)
        try:
            upload = await self.upload(path, on_bytes)
        except AddressExpiredError:
            upload = await self.upload(path, on_bytes)
        return await self.create(upload, settings, priority=priority, request_id=request_id, webhook=webhook)

    async def upload(self, video: str | Path, on_bytes: OnBytes = no_listener) -> str:
        """Upload a video for `create` and return the name of the upload, which expires (an hour by default)."""
        path = Path(video)
        request = calls.upload_request(path)
        place = await self._call(self._stub.CreateUpload, request)
        form = calls.upload_form(place, size_bytes=request.size_bytes)
        transfers = self._transfers()
        await _in_thread(transfers.stop, transfers.upload, form, path, on_bytes)
        return place.name

    async def create(
        self,
        upload: str,
        settings: JobSettings | None = None,
        *,
        priority: Priority = Priority.NORMAL,
        request_id: str | None = None,
        webhook: str = "",
    ) -> Job:
        """Make a job of what was uploaded. The same request again, with the same `request_id`, gives the same job.

        Another request under that id is refused by UsageError: no second job is ever made under one. Made up if None.
        """
        request = calls.job_request(
            upload, settings or JobSettings(), priority=priority, request_id=request_id or new_id(), webhook=webhook
        )
        return job_of(await self._call(self._stub.CreateJob, request))

    async def get(self, job: str | Job) -> Job:
        """The job as the gateway knows it now. Raises NotFoundError."""
        return job_of(await self._call(self._stub.GetJob, job_service_pb2.GetJobRequest(name=calls.name_of(job))))

    async def list(self) -> AsyncIterator[Job]:
        """All jobs, newest first; pages are fetched as they are needed."""
        request = job_service_pb2.ListJobsRequest(page_size=calls.PAGE)
        while True:
            page = await self._call(self._stub.ListJobs, request)
            for message in page.jobs:
                yield job_of(message)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    async def watch(self, job: str | Job) -> AsyncIterator[Job]:
        """The job now and whenever it changed, until it has ended."""
        request = job_service_pb2.WatchJobRequest(name=calls.name_of(job))
        watch = self._new_watch()
        while not watch.over:
            stream = self._stub.WatchJob(request, timeout=calls.STREAM_S, metadata=self._metadata)
            error = None
            try:
                async for answer in stream:
                    if news := watch.news(answer):
                        yield news
            except grpc.RpcError as broken:
                error = broken
            finally:
                stream.cancel()
            if not watch.over:
                await asyncio.sleep(watch.pause_after(error))

    async def wait(self, job: str | Job) -> Job:
        """The job when it has ended, however it did: see `Job.raise_unless_succeeded`."""
        last: deque[Job] = deque(maxlen=1)
        async for snapshot in self.watch(job):
            last.append(snapshot)
        return last.pop()

    async def cancel(self, job: str | Job) -> Job:
        """Stop a job and return it; one that has ended stays as it is. Raises NotFoundError."""
        request = job_service_pb2.CancelJobRequest(name=calls.name_of(job))
        return job_of(await self._call(self._stub.CancelJob, request))

    async def delete(self, job: str | Job) -> None:
        """Stop a job and remove all it made. Raises NotFoundError."""
        lost: list[Exception] = []
        request = job_service_pb2.DeleteJobRequest(name=calls.name_of(job))
        try:
            await self._call(self._stub.DeleteJob, request, failed=lost.append)
        except NotFoundError:
            if not lost:  # else an earlier attempt got there, and its answer not here
                raise

    async def artifacts(self, job: str | Job) -> Sequence[OutputFile]:
        """The files of a job that succeeded, each with an address to download it from. Raises JobStateError."""
        request = job_service_pb2.ListArtifactsRequest(name=calls.name_of(job))
        return files_of(await self._call(self._stub.ListArtifacts, request))

    async def download(self, job: str | Job, folder: str | Path, *, on_file: OnFile = silent) -> dict[str, Path]:
        """The output tree of a job that succeeded, as `liftline process` leaves it: its files by their place in it.

        Every file is whole or absent, and `manifest.json` comes last. A download that was stopped goes on where it was.
        """
        found, transfers = await self.get(job), self._transfers()
        output = OutputFolder(Path(folder), job_id(found), found.video_name, transfers)
        while not await _in_thread(transfers.stop, output.attempt, await self.artifacts(found), on_file):
            pass
        return output.files

    async def _call(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Answer],
        request: Request,
        failed: OnFailure | None = None,
    ) -> Answer:
        async def call() -> Answer:
            with told_apart(self.server):
                return await method(request, timeout=calls.ANSWER_S, metadata=self._metadata)

        return await retry_async(self._policy, call, failed=failed)


async def _in_thread(
    stop: StopFlag, function: Callable[Given, Result], *given: Given.args, **named: Given.kwargs
) -> Result:
    try:
        return await asyncio.to_thread(function, *given, **named)
    except asyncio.CancelledError:
        stop.stop()
        raise


def _channel(connection: Connection) -> grpc.aio.Channel:
    credentials = connection.credentials
    if credentials is None:
        return grpc.aio.insecure_channel(connection.address, options=connection.options)
    return grpc.aio.secure_channel(connection.address, credentials, options=connection.options)
