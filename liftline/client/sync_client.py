"""The client for programs that wait."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Self, TypeVar

import grpc
from google.protobuf.message import Message

from liftline.client import calls
from liftline.client.connection import Connection
from liftline.client.errors import NotFoundError, told_apart
from liftline.client.output_folder import OnFile, OutputFolder, silent
from liftline.client.transfer import AddressExpiredError, OnBytes, no_listener
from liftline.client.views import Job, OutputFile, files_of, job_id, job_of
from liftline.jobs.naming import Priority, new_id
from liftline.net.retrying import OnFailure, retry
from liftline.settings.job import JobSettings
from liftline.v1 import job_service_pb2
from liftline.v1.job_service_pb2_grpc import JobServiceStub

Request = TypeVar("Request", bound=Message)
Answer = TypeVar("Answer", bound=Message)


class Client(calls.ClientBase):
    """Jobs of one tenant on one gateway. Safe to use from several threads; `close` it, or use it as a context.

        with Client() as client:
            job = client.wait(client.submit("clip.mp4"))
            client.download(job, "outputs")

    Every method raises LiftlineError: UnavailableError where the gateway or the artifact store can't be reached for
    `retry_s` seconds, AccessError, NotFoundError, QuotaError, UsageError, ServerError for what it answers.
    """

    def __init__(
        self, connection: Connection | None = None, *, retry_s: float = 5.0, reconnect_s: float = 600.0
    ) -> None:
        """Connects at the first call. A watch whose gateway is gone tries for `reconnect_s` seconds to reach it."""
        connection = connection or Connection()
        super().__init__(connection, retry_s=retry_s, reconnect_s=reconnect_s)
        self._channel = _channel(connection)
        self._stub = JobServiceStub(self._channel)

    def close(self) -> None:
        """Close the connection to the gateway; the client can't be used afterwards."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def submit(
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
            upload = self.upload(path, on_bytes)
        except AddressExpiredError:
            upload = self.upload(path, on_bytes)
        return self.create(upload, settings, priority=priority, request_id=request_id, webhook=webhook)

    def upload(self, video: str | Path, on_bytes: OnBytes = no_listener) -> str:
        """Upload a video for `create` and return the name of the upload, which expires (an hour by default)."""
        path = Path(video)
        request = calls.upload_request(path)
        place = self._call(self._stub.CreateUpload, request)
        form = calls.upload_form(place, size_bytes=request.size_bytes)
        self._transfers().upload(form, path, on_bytes)
        return place.name

    def create(
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
        return job_of(self._call(self._stub.CreateJob, request))

    def get(self, job: str | Job) -> Job:
        """The job as the gateway knows it now. Raises NotFoundError."""
        return job_of(self._call(self._stub.GetJob, job_service_pb2.GetJobRequest(name=calls.name_of(job))))

    def list(self) -> Iterator[Job]:
        """All jobs, newest first; pages are fetched as they are needed."""
        request = job_service_pb2.ListJobsRequest(page_size=calls.PAGE)
        while True:
            page = self._call(self._stub.ListJobs, request)
            yield from map(job_of, page.jobs)
            if not page.next_page_token:
                return
            request.page_token = page.next_page_token

    def watch(self, job: str | Job) -> Iterator[Job]:
        """The job now and whenever it changed, until it has ended."""
        request = job_service_pb2.WatchJobRequest(name=calls.name_of(job))
        watch = self._new_watch()
        while not watch.over:
            stream = self._stub.WatchJob(request, timeout=calls.STREAM_S, metadata=self._metadata)
            error = None
            try:
                for answer in stream:
                    if news := watch.news(answer):
                        yield news
            except grpc.RpcError as broken:
                error = broken
            finally:
                stream.cancel()
            if not watch.over:
                time.sleep(watch.pause_after(error))

    def wait(self, job: str | Job) -> Job:
        """The job when it has ended, however it did: see `Job.raise_unless_succeeded`."""
        return deque(self.watch(job), maxlen=1).pop()

    def cancel(self, job: str | Job) -> Job:
        """Stop a job and return it; one that has ended stays as it is. Raises NotFoundError."""
        return job_of(self._call(self._stub.CancelJob, job_service_pb2.CancelJobRequest(name=calls.name_of(job))))

    def delete(self, job: str | Job) -> None:
        """Stop a job and remove all it made. Raises NotFoundError."""
        lost: list[Exception] = []
        request = job_service_pb2.DeleteJobRequest(name=calls.name_of(job))
        try:
            self._call(self._stub.DeleteJob, request, failed=lost.append)
        except NotFoundError:
            if not lost:  # else an earlier attempt got there, and its answer not here
                raise

    def artifacts(self, job: str | Job) -> Sequence[OutputFile]:
        """The files of a job that succeeded, each with an address to download it from. Raises JobStateError."""
        request = job_service_pb2.ListArtifactsRequest(name=calls.name_of(job))
        return files_of(self._call(self._stub.ListArtifacts, request))

    def download(self, job: str | Job, folder: str | Path, *, on_file: OnFile = silent) -> dict[str, Path]:
        """The output tree of a job that succeeded, as `liftline process` leaves it: its files by their place in it.

        Every file is whole or absent, and `manifest.json` comes last. A download that was stopped goes on where it was.
        """
        found = self.get(job)
        output = OutputFolder(Path(folder), job_id(found), found.video_name, self._transfers())
        while not output.attempt(self.artifacts(found), on_file):
            pass
        return output.files

    def _call(
        self,
        method: grpc.UnaryUnaryMultiCallable[Request, Answer],
        request: Request,
        failed: OnFailure | None = None,
    ) -> Answer:
        def call() -> Answer:
            with told_apart(self.server):
                return method(request, timeout=calls.ANSWER_S, metadata=self._metadata)

        return retry(self._policy, call, failed=failed)


def _channel(connection: Connection) -> grpc.Channel:
    credentials = connection.credentials
    if credentials is None:
        return grpc.insecure_channel(connection.address, options=connection.options)
    return grpc.secure_channel(connection.address, credentials, options=connection.options)
