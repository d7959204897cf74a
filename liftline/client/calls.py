"""What both clients have in common: requests, how long to wait for answers, and what a watcher remembers."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import grpc

from liftline.client.errors import code_of, error_of
from liftline.client.patience import Patience
from liftline.client.views import Job, job_id, job_of
from liftline.errors import InvalidInputError, LiftlineError, UnavailableError, UsageError
from liftline.files.output_tree import check_name
from liftline.jobs.naming import Priority, is_token
from liftline.settings.job import JobSettings
from liftline.v1 import job_service_pb2

ANSWER_S = 30.0
"""A call without an answer for so long is given up."""
STREAM_S = 60.0
"""A stream is begun anew after so long, so that a connection that died silently is noticed."""
PAGE = 100
"""Jobs asked for at a time."""


def upload_request(path: Path) -> job_service_pb2.CreateUploadRequest:
    """For a place for this file. Raises InvalidInputError where there is none."""
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InvalidInputError(f"{path}: can't be read ({error.strerror or error}); name another file.") from error
    if not path.is_file():
        raise InvalidInputError(f"{path}: is no file; name the videos themselves.")
    if not size:
        raise InvalidInputError(f"{path}: the file is empty (0 bytes); copy or record it again.")
    check_name(path.name)
    return job_service_pb2.CreateUploadRequest(file_name=path.name, size_bytes=size)


def job_request(
    upload: str, settings: JobSettings, *, priority: Priority, request_id: str, webhook: str
) -> job_service_pb2.CreateJobRequest:
    """For a job on what was uploaded. Raises UsageError for a request id that can't be one."""
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
    patience: Patience
    reconnect_s: float
    over: bool = field(default=False, init=False)
    _last: Job | None = field(default=None, init=False)
    _heard: bool = field(default=False, init=False)

    def news(self, answer: job_service_pb2.WatchJobResponse) -> Job | None:
        """The job, where it isn't as it was."""
        if self._last is None:
            self.patience = Patience(self.reconnect_s)
        self.patience.renew()
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
        return self.patience.pause_after(told)
