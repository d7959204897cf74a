"""How jobs and tasks are called: on NATS subjects, in KV keys, in the bucket. See docs/architecture.md, section 3."""

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
        """Its number in messages."""
        return job_service_pb2.Stage.Value(f"STAGE_{self.name}")

    @classmethod
    def of(cls, wire: job_service_pb2.Stage.ValueType) -> Stage:
        """The stage with that number. Raises ValueError for none."""
        return cls(job_service_pb2.Stage.Name(wire).removeprefix("STAGE_").lower())


SEGMENTED = frozenset((Stage.DETECT, Stage.RENDER))
"""Stages with a task per segment; the others have one."""


class Priority(StrEnum):
    """Which tasks are worked on first, in order."""

    HIGH = "high"
    NORMAL = "normal"
    LOW = "low"

    @property
    def wire(self) -> job_service_pb2.Priority.ValueType:
        """Its number in messages."""
        return job_service_pb2.Priority.Value(f"PRIORITY_{self.name}")

    @classmethod
    def of(cls, wire: job_service_pb2.Priority.ValueType) -> Priority:
        """The priority with that number; unspecified is normal."""
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
    """What sorts after the ids of before then, and before those made since."""
    return _id_time(age)


def _id_time(age: timedelta = timedelta()) -> str:
    return f"{time.time_ns() // 1_000_000 - age // timedelta(milliseconds=1):012x}"


@dataclass(frozen=True, order=True)
class JobKey:
    """A job of a tenant."""

    tenant: str
    job: str

    @property
    def record(self) -> str:
        """KV key of its record."""
        return f"jobs.{self.tenant}.{self.job}"

    @property
    def active(self) -> str:
        """KV key that is there while the job needs care."""
        return f"active.{self.tenant}.{self.job}"

    @property
    def results(self) -> str:
        """What KV keys of its results begin with."""
        return f"results.{self.tenant}.{self.job}."

    @property
    def attempts(self) -> str:
        """What KV keys of its attempts begin with."""
        return f"attempts.{self.tenant}.{self.job}."

    @property
    def prefix(self) -> str:
        """What keys of everything it stores begin with."""
        return f"tenants/{self.tenant}/jobs/{self.job}/"

    @property
    def tree(self) -> str:
        """What keys of its outputs begin with; below it is the output tree."""
        return f"{self.prefix}outputs/"

    @property
    def work(self) -> str:
        """What keys of its work files begin with."""
        return f"{self.prefix}work/"

    @property
    def progress_subject(self) -> str:
        """Where running tasks tell how far they are."""
        return f"liftline.progress.{self.tenant}.{self.job}"

    @property
    def task_subjects(self) -> str:
        """Filter for subjects of all its tasks."""
        return f"liftline.tasks.*.*.{self.tenant}.{self.job}.*"

    def event_subject(self, kind: str) -> str:
        """Where events of it go."""
        return f"liftline.events.{self.tenant}.{self.job}.{kind}"


@dataclass(frozen=True, order=True)
class TaskKey:
    """A task of a job."""

    job: JobKey
    stage: Stage
    number: int = 0

    @classmethod
    def of(cls, task: events_pb2.TaskId) -> TaskKey:
        """From a message."""
        return cls(JobKey(task.tenant, task.job), Stage.of(task.stage), task.number)

    @property
    def wire(self) -> events_pb2.TaskId:
        """For a message."""
        return events_pb2.TaskId(
            tenant=self.job.tenant, job=self.job.job, stage=self.stage.wire, number=self.number
        )  # fmt: skip

    @property
    def name(self) -> str:
        """Its name within the job."""
        return f"{self.stage}-{self.number}"

    @property
    def result(self) -> str:
        """KV key of its result."""
        return f"{self.job.results}{self.name}"

    @property
    def attempts(self) -> str:
        """KV key of its attempts."""
        return f"{self.job.attempts}{self.name}"

    @property
    def dead_subject(self) -> str:
        """Where it goes when it is given up."""
        return f"liftline.dead.{self.stage}.{self.job.tenant}.{self.job.job}.{self.number}"

    def subject(self, priority: Priority) -> str:
        """Where workers find it."""
        return f"liftline.tasks.{self.stage}.{priority}.{self.job.tenant}.{self.job.job}.{self.number}"

    def artifact(self, sha256: str) -> str:
        """Bucket key of something it made: by content, so that nothing is ever replaced by something else."""
        return f"{self.job.work}{self.name}/{sha256}"


def consumer(stage: Stage, priority: Priority) -> str:
    """Name of the durable consumer that holds one stage's tasks of one priority."""
    return f"{stage}-{priority}"


def consumers_of(stages: Iterable[Stage]) -> list[str]:
    """Names of all consumers that workers on these stages pull."""
    return [consumer(stage, priority) for stage in stages for priority in Priority]


def worker_subject(worker: str) -> str:
    """Where a worker answers which tasks it works on."""
    return f"liftline.workers.{worker}"


def artifact(artifacts: Iterable[artifacts_pb2.Artifact], role: str) -> artifacts_pb2.Artifact | None:
    """The one with that role."""
    return next((one for one in artifacts if one.role == role), None)
