"""What the gateway tells, as frozen values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from google.protobuf.timestamp_pb2 import Timestamp

from liftline.client.errors import ServerError
from liftline.errors import LiftlineError
from liftline.jobs.naming import Priority, Stage, is_token
from liftline.jobs.wire import FAILURES, model_info
from liftline.ports import ModelInfo
from liftline.v1 import job_service_pb2


class JobState(StrEnum):
    """State of a job, as in the API's `Job.State`."""

    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    DELETING = "deleting"

    @property
    def ended(self) -> bool:
        """Whether the job has ended, in whichever way."""
        return self not in {JobState.QUEUED, JobState.RUNNING}


class JobCancelledError(LiftlineError):
    """The job was cancelled, or deleted, before it succeeded."""


@dataclass(frozen=True)
class Failure:
    """Why a job failed: the name of the reason, such as "INVALID_VIDEO", and words for the user."""

    reason: str
    message: str
    stage: Stage | None
    segment: int

    @property
    def error(self) -> LiftlineError:
        """The error that `liftline process` would have raised."""
        kinds = {_reason(wire): kind for wire, kind in FAILURES.items()}
        return kinds.get(self.reason, LiftlineError)(self.message or f"The job failed ({self.reason}).")


@dataclass(frozen=True)
class StageProgress:
    """How far a stage is; `time_left_s` and `frames_per_second` are None where not known."""

    stage: Stage
    tasks: int
    tasks_done: int
    frames_done: int
    frames_per_second: float | None
    time_left_s: float | None
    work_s: float


@dataclass(frozen=True)
class Job:
    """Work on one video, as it was when the gateway told of it. Counts are 0 before the video is planned."""

    id: str
    state: JobState
    video_name: str
    priority: Priority
    stages: tuple[StageProgress, ...]
    failure: Failure | None
    warnings: tuple[str, ...]
    models: tuple[ModelInfo, ...]
    frame_count: int
    segment_count: int
    create_time: datetime
    update_time: datetime
    end_time: datetime | None

    @property
    def name(self) -> str:
        """The resource name in the API, `jobs/<id>`."""
        return f"jobs/{self.id}"

    def raise_unless_succeeded(self) -> None:
        """Raise what `liftline process` would have raised; JobCancelledError for a job that was stopped."""
        if self.failure is not None:
            raise self.failure.error
        if self.state is not JobState.SUCCEEDED:
            raise JobCancelledError(f"{self.name} ({self.video_name}): {self.state}.")

    def to_json(self) -> dict[str, Any]:
        """The job as JSON has it: what `liftline get --json` prints."""
        failure = self.failure
        return {
            "job": self.id,
            "state": self.state.value,
            "video": self.video_name,
            "priority": self.priority.value,
            "frames": self.frame_count,
            "segments": self.segment_count,
            "stages": [vars(stage) for stage in self.stages],
            "failure": vars(failure) if failure else None,
            "warnings": list(self.warnings),
            "models": [vars(model) for model in self.models],
            "created": self.create_time.isoformat(),
            "updated": self.update_time.isoformat(),
            "ended": self.end_time.isoformat() if self.end_time else None,
        }


@dataclass(frozen=True)
class OutputFile:
    """A file of a job's output tree; `sha256` is empty for the manifest. Whoever knows the address may fetch it."""

    path: str
    size_bytes: int
    sha256: str
    address: str


def job_id(job: str | Job) -> str:
    """The id in `jobs/<id>`, or the id itself."""
    return job.id if isinstance(job, Job) else job.removeprefix("jobs/")


def job_of(message: job_service_pb2.Job) -> Job:
    """The job in the API's message. Raises ServerError for one that this version doesn't understand."""
    try:
        job = _job(message)
    except ValueError as error:
        raise ServerError(
            f"{message.name}: the gateway tells of it what this version doesn't know ({error}); update Liftline here."
        ) from error
    if not is_token(job.id):
        raise ServerError(f"{message.name!r}: no name of a job; the gateway is broken or not Liftline's.")
    return job


def files_of(message: job_service_pb2.ListArtifactsResponse) -> Sequence[OutputFile]:
    """The output files that the API's message lists."""
    return [OutputFile(one.path, one.size_bytes, one.sha256, one.download_uri) for one in message.files]


def _job(message: job_service_pb2.Job) -> Job:
    return Job(
        id=message.name.removeprefix("jobs/"),
        state=JobState(job_service_pb2.Job.State.Name(message.state).removeprefix("STATE_").lower()),
        video_name=message.video_name,
        priority=Priority.of(message.priority),
        stages=tuple(_stage(one) for one in message.stages),
        failure=_failure(message.failure) if message.HasField("failure") else None,
        warnings=tuple(message.warnings),
        models=tuple(model_info(one) for one in message.models),
        frame_count=message.frame_count,
        segment_count=message.segment_count,
        create_time=_time(message.create_time),
        update_time=_time(message.update_time),
        end_time=_time(message.end_time) if message.HasField("end_time") else None,
    )


def _stage(message: job_service_pb2.StageProgress) -> StageProgress:
    return StageProgress(
        stage=Stage.of(message.stage),
        tasks=message.tasks,
        tasks_done=message.tasks_done,
        frames_done=message.frames_done,
        frames_per_second=message.frames_per_second or None,
        time_left_s=message.time_left.ToTimedelta().total_seconds() if message.HasField("time_left") else None,
        work_s=message.work_time.ToTimedelta().total_seconds(),
    )


def _failure(message: job_service_pb2.Failure) -> Failure:
    stage = Stage.of(message.stage) if message.stage else None
    return Failure(_reason(message.reason), message.message, stage, message.segment)


def _reason(wire: job_service_pb2.Failure.Reason.ValueType) -> str:
    return job_service_pb2.Failure.Reason.Name(wire).removeprefix("REASON_")


def _time(stamp: Timestamp) -> datetime:
    return stamp.ToDatetime(tzinfo=UTC)
