"""What both clients have in common: requests, how long to wait for answers, and what a watcher remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import grpc

from liftline.client.connection import Connection
from liftline.client.errors import ServerError, code_of, error_of
from liftline.client.transfer import Transfers
from liftline.client.views import Job, job_id, job_of
from liftline.errors import InvalidInputError, LiftlineError, UnavailableError, UsageError
from liftline.files.output_tree import check_video_name
from liftline.jobs.naming import Priority, is_token
from liftline.net.retrying import API_CALL, Backoff
from liftline.settings.job import JobSettings
from liftline.upload_form import UploadForm
from liftline.v1 import job_service_pb2

ANSWER_S = 30.0
"""A call without an answer for so long is given up."""
STREAM_S = 60.0
"""A stream is begun anew after so long, so that a connection that died silently is noticed."""
PAGE = 100
"""Jobs asked for at a time."""


def upload_request(path: Path) -> job_service_pb2.CreateUploadRequest:
    """The request for an upload of this file. Raises InvalidInputError if it can't be read, is empty or no file."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidInputError(f"{path}: can't be read ({error.strerror or error}); name another file.") from error
    if not path.is_file():
        raise InvalidInputError(f"{path}: is no file; name the videos themselves.")
    if not size:
        raise InvalidInputError(f"{path}: the file is empty (0 bytes); copy or record it again.")
    check_video_name(path.name)
    return job_service_pb2.CreateUploadRequest(file_name=path.name, size_bytes=size)


def upload_form(place: job_service_pb2.Upload, *, size_bytes: int) -> UploadForm:
    """How the bytes get to the place; without fields from a gateway of before there were forms: they are PUT.

    Raises ServerError where it is a way that this client doesn't know.
    """
    if (place.upload_method, bool(place.upload_fields)) not in {("POST", True), ("", False)}:
        raise ServerError(
            f"{place.name}: the gateway takes uploads by {place.upload_method or 'PUT'} in a way that this client "
            "doesn't know; upgrade the client."
        )
    return UploadForm(place.upload_uri, dict(place.upload_fields), size_bytes)


def job_request(
    upload: str, settings: JobSettings, *, priority: Priority, request_id: str, webhook: str
) -> job_service_pb2.CreateJobRequest:
    """The request for a job on an upload. Raises UsageError for a request id that is malformed."""
    if not is_token(request_id):
        raise UsageError(f"{request_id!r}: a request id has at most 64 letters, digits, '-' and '_'; choose another.")
    return job_service_pb2.CreateJobRequest(
        upload=upload, settings=settings.to_proto(), priority=priority.wire, request_id=request_id, webhook_uri=webhook
    )


def name_of(job: str | Job) -> str:
    """`jobs/<id>`. Raises UsageError for what can't be an id."""
    name = job_id(job)
    if not is_token(name):
        raise UsageError(f"{name!r}: no job has such an id; `liftline list` shows those there are.")
    return f"jobs/{name}"


@dataclass
class Watch:
    """What a watcher of a job knows across the streams it opens, one after the other."""

    server: str
    backoff: Backoff
    reconnect_s: float
    over: bool = field(default=False, init=False)
    _last: Job | None = field(default=None, init=False)
    _heard: bool = field(default=False, init=False)

    def news(self, answer: job_service_pb2.WatchJobResponse) -> Job | None:
        """The job, where it isn't as it was."""
        if self._last is None:
            self.backoff = Backoff(API_CALL.within(self.reconnect_s))
        self.backoff.restart()
        self._heard = True
        job = job_of(answer.job)
        self.over = job.state.ended
        changed, self._last = job != self._last, job
        return job if changed else None

    def pause_after(self, error: grpc.RpcError | None) -> float:
        """Seconds to wait before the next stream. Raises what ended this one where there is to be none."""
        in_time = error is not None and code_of(error) is grpc.StatusCode.DEADLINE_EXCEEDED
        heard, self._heard = self._heard, False
        if heard and in_time:
            return 0.0
        told: LiftlineError = UnavailableError(f"{self.server}: ended the stream; try again later.")
        if error is not None:
            told = error_of(error, server=self.server)
        if not isinstance(told, UnavailableError):
            raise told from error
        if (pause_s := self.backoff.pause_s()) is None:
            raise told from error
        return pause_s


class ClientBase:
    """What `Client` and `AsyncClient` share: address, token, retry policy."""

    def __init__(self, connection: Connection, *, retry_s: float, reconnect_s: float) -> None:
        self.server = connection.address
        self._metadata, self._ca_file = connection.metadata, connection.ca_file
        self._policy, self._reconnect_s = API_CALL.within(retry_s), reconnect_s

    def _new_watch(self) -> Watch:
        return Watch(self.server, Backoff(self._policy), self._reconnect_s)

    def _transfers(self) -> Transfers:
        return Transfers(self._ca_file, max(self._policy.timeout_s, STREAM_S))
