"""Names of jobs and tasks: NATS subjects, KV keys, bucket keys. See docs/architecture.md, section 3."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from liftline.v1 import artifacts_pb2, events_pb2, job_service_pb2

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,64}")


class Stage(StrEnum):
    """The steps of a job, in order."""

    PLAN = "plan"
    DETECT = "detect"
    TRACK = "track"
    LIFT = "lift"
    RENDER = "render"
    MUX = "mux"

    @property
    def wire(self) -> job_service_pb2.Stage.ValueType:
        """Its enum value in protobuf messages."""
        return job_service_pb2.Stage.Value(f"STAGE_{self.name}")

    @classmethod
    def of(cls, wire: job_service_pb2.Stage.ValueType) -> Stage:
        """The stage of an enum value. Raises ValueError for an unknown one."""
        return cls(job_service_pb2.Stage.Name(wire).removeprefix("STAGE_").lower())


SEGMENTED = frozenset((Stage.DETECT, Stage.RENDER))
"""Stages with a task per segment; the others have one."""


class Priority(StrEnum):
    """Priorities of jobs and their tasks, highest first."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def wire(self) -> job_service_pb2.Priority.ValueType:
        """Its enum value in protobuf messages."""
        return job_service_pb2.Priority.Value(f"PRIORITY_{self.name}")

    @classmethod
    def of(cls, wire: job_service_pb2.Priority.ValueType) -> Priority:
        """The priority of an enum value; unspecified is normal."""
        if wire == job_service_pb2.PRIORITY_UNSPECIFIED:
            return cls.NORMAL
        return cls(job_service_pb2.Priority.Name(wire).removeprefix("PRIORITY_").lower())


def is_token(text: str) -> bool:
    """Whether `text` may be a tenant, an id or a request id: it is part of subjects and keys."""
    return _TOKEN.fullmatch(text) is not None


def new_id() -> str:
    """An id that sorts by time: milliseconds since 1970 and ten random digits, hexadecimal."""
    return f"{_id_time()}{secrets.token_hex(5)}"


def first_id(age: timedelta) -> str:
    """A prefix that sorts after ids made more than `age` ago and before later ones."""
    return _id_time(age)


def _id_time(age: timedelta = timedelta()) -> str:
    return f"{time.time_ns() // 1_000_000 - age // timedelta(milliseconds=1):012x}"


@dataclass(frozen=True, order=True)
class JobKey:
    """A job of a tenant; its properties name its KV keys, bucket keys and NATS subjects."""

    tenant: str
    job: str

    @property
    def record(self) -> str:
        """KV key of its `JobRecord`."""
        return f"jobs.{self.tenant}.{self.job}"

    @property
    def active(self) -> str:
        """KV key that exists until the job has ended and is cleaned up."""
        return f"active.{self.tenant}.{self.job}"

    @property
    def results(self) -> str:
        """Prefix of the KV keys of its tasks' results."""
        return f"results.{self.tenant}.{self.job}."

    @property
    def attempts(self) -> str:
        """Prefix of the KV keys of attempts at its tasks."""
        return f"attempts.{self.tenant}.{self.job}."

    @property
    def prefix(self) -> str:
        """Prefix of the bucket keys of all its artifacts."""
        return f"tenants/{self.tenant}/jobs/{self.job}/"

    @property
    def tree(self) -> str:
        """Prefix of the bucket keys of its outputs; below it is the output tree (`files.output_tree`)."""
        return f"{self.prefix}outputs/"

    @property
    def work(self) -> str:
        """Prefix of the bucket keys of its intermediate artifacts."""
        return f"{self.prefix}work/"

    @property
    def progress_subject(self) -> str:
        """Subject on which progress of its tasks is published."""
        return f"liftline.progress.{self.tenant}.{self.job}"

    @property
    def task_subjects(self) -> str:
        """NATS filter that all its tasks' subjects pass."""
        return f"liftline.tasks.*.*.{self.tenant}.{self.job}.*"

    def event_subject(self, kind: str) -> str:
        """Subject of its events of a kind: `messages.FINISHED`, `FAILED`."""
        return f"liftline.events.{self.tenant}.{self.job}.{kind}"


@dataclass(frozen=True, order=True)
class TaskKey:
    """A task of a job: `number` is the segment, 0 for stages that have one task."""

    job: JobKey
    stage: Stage
    number: int = 0

    @classmethod
    def of(cls, task: events_pb2.TaskId) -> TaskKey:
        """From its message. Raises ValueError for an unknown stage."""
        return cls(JobKey(task.tenant, task.job), Stage.of(task.stage), task.number)

    @property
    def wire(self) -> events_pb2.TaskId:
        """As a message."""
        return events_pb2.TaskId(
            tenant=self.job.tenant, job=self.job.job, stage=self.stage.wire, number=self.number
        )  # fmt: skip

    @property
    def name(self) -> str:
        """Its name within the job, as in `detect-3`."""
        return f"{self.stage}-{self.number}"

    @property
    def result(self) -> str:
        """KV key of its `TaskResult`."""
        return f"{self.job.results}{self.name}"

    @property
    def attempts(self) -> str:
        """KV key of the unfinished attempts at it."""
        return f"{self.job.attempts}{self.name}"

    @property
    def dead_subject(self) -> str:
        """Its dead-letter subject."""
        return f"liftline.dead.{self.stage}.{self.job.tenant}.{self.job.job}.{self.number}"

    def subject(self, priority: Priority) -> str:
        """Subject on which it is queued."""
        return f"liftline.tasks.{self.stage}.{priority}.{self.job.tenant}.{self.job.job}.{self.number}"

    def artifact(self, sha256: str) -> str:
        """Bucket key of a product, named by its content, so that repeats never replace it by something else."""
        return f"{self.job.work}{self.name}/{sha256}"


def consumer(stage: Stage, priority: Priority) -> str:
    """Name of the durable consumer that holds one stage's tasks of one priority."""
    return f"{stage}-{priority}"


def consumers_of(stages: Iterable[Stage]) -> list[str]:
    """Names of all consumers that workers on these stages pull."""
    return [consumer(stage, priority) for stage in stages for priority in Priority]


def worker_subject(worker: str) -> str:
    """Subject on which a worker answers whether it runs a task."""
    return f"liftline.workers.{worker}"


def artifact(artifacts: Iterable[artifacts_pb2.Artifact], role: str) -> artifacts_pb2.Artifact | None:
    """The artifact with that role; None if there is none."""
    return next((one for one in artifacts if one.role == role), None)
