"""Tasks and events on their way: protobuf payloads with CloudEvents headers and the trace they belong to.

Formats: CloudEvents 1.0, NATS protocol binding, binary mode (https://github.com/cloudevents/spec); W3C Trace Context.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TypeVar

from google.protobuf.message import DecodeError, Message
from opentelemetry import propagate
from opentelemetry.context import Context

from liftline.errors import InvalidArtifactError
from liftline.jobs.naming import JobKey, Priority, TaskKey
from liftline.ports import Bus, Delivery
from liftline.v1.events_pb2 import Event, Task, TaskProgress
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import DeadTask

FINISHED, FAILED = "finished", "failed"
AnyMessage = TypeVar("AnyMessage", Task, Event)


async def publish_task(bus: Bus, task: Task) -> None:
    """Queue a task. Repeats of the same generation are dropped for two minutes, and harmless later."""
    key = TaskKey.of(task.id)
    identity = f"{key.job.job}.{key.name}.{task.generation}"
    await _publish(bus, key.subject(Priority.of(task.priority)), task, identity, "Task")


async def publish_event(bus: Bus, event: Event, *, attempt: str) -> None:
    """Store that a task ended. Repeats of the same `attempt` (a worker's name) are dropped for two minutes."""
    key = TaskKey.of(event.id)
    kind = FINISHED if event.HasField("finished") else FAILED
    identity = f"{key.job.job}.{key.name}:{attempt}:{kind}"
    await _publish(bus, key.job.event_subject(kind), event, identity, f"Event.{kind}")


async def publish_dead(bus: Bus, dead: DeadTask) -> None:
    """Store a task that is given up on its dead-letter subject."""
    key = TaskKey.of(dead.task.id)
    identity = f"{key.job.job}.{key.name}.{dead.task.generation}:dead"
    await _publish(bus, key.dead_subject, dead, identity, "DeadTask")


async def tell_progress(bus: Bus, progress: TaskProgress) -> None:
    """Tell those who watch the job how far a task is (unstored)."""
    await bus.tell(TaskKey.of(progress.id).job.progress_subject, progress.SerializeToString())


async def tell_changed(bus: Bus, job: JobKey, state: Job.State.ValueType) -> None:
    """Tell those who watch the job that its record changed, and its state (unstored)."""
    await bus.tell(job.progress_subject, TaskProgress(state=state).SerializeToString())


def read_task(delivery: Delivery) -> Task:
    """The task in a delivery. Raises InvalidArtifactError where it holds no task of a known stage."""
    return _parse(Task(), delivery)


def read_event(delivery: Delivery) -> Event:
    """The event in a delivery. Raises InvalidArtifactError where it holds none of a known kind."""
    event = _parse(Event(), delivery)
    if event.WhichOneof("kind") is None:
        raise InvalidArtifactError(f"{delivery.subject}: an event of no kind known here; a newer version sent it.")
    return event


def trace_of(headers: Mapping[str, str]) -> Context:
    """The trace context (W3C `traceparent`) in a message's headers."""
    return propagate.extract({name.lower(): value for name, value in headers.items()})


def _parse(message: AnyMessage, delivery: Delivery) -> AnyMessage:
    try:
        message.ParseFromString(delivery.data)
        TaskKey.of(message.id)
    except (DecodeError, ValueError) as error:
        raise InvalidArtifactError(f"{delivery.subject}: not a message of Liftline's ({error}).") from error
    return message


async def _publish(bus: Bus, subject: str, message: Message, identity: str, kind: str) -> None:
    headers = {
        "ce-specversion": "1.0",
        "ce-id": identity,
        "ce-source": "/liftline",
        "ce-type": f"liftline.v1.{kind}",
        "ce-time": datetime.now(UTC).isoformat(),
        "content-type": "application/protobuf",
    }
    propagate.inject(headers)
    await bus.publish(subject, message.SerializeToString(), message_id=identity, headers=headers)
