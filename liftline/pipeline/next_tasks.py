"""Tasks of a job, with everything that their stages need."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from liftline.jobs.naming import Stage, artifact
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import Task, TaskId
from liftline.v1.records_pb2 import JobRecord

_NEEDS: Mapping[Stage, tuple[str, ...]] = MappingProxyType(
    {
        Stage.PLAN: (),
        Stage.DETECT: ("plan",),
        Stage.TRACK: ("plan",),
        Stage.LIFT: ("plan", "tracks"),
        Stage.RENDER: ("plan", "poses", "scene"),
        Stage.MUX: ("plan",),
    }
)

MAKES: Mapping[Stage, tuple[str, ...]] = MappingProxyType(
    {
        Stage.PLAN: ("plan",),
        Stage.DETECT: ("detections",),
        Stage.TRACK: ("tracks",),
        Stage.LIFT: ("poses", "scene"),
        Stage.RENDER: ("segment",),
        Stage.MUX: ("rendered",),
    }
)
"""Roles without which a stage's result is of no use to the stages after it, or to the client."""


def tasks_of(record: JobRecord, stage: Stage, numbers: Iterable[int]) -> list[Task]:
    """Tasks of a stage with these numbers, each with the settings and inputs that the stage needs."""
    model = _template(record, stage)
    tasks = []
    for number in numbers:
        task = Task()
        task.CopyFrom(model)
        task.id.number = number
        tasks.append(task)
    return tasks


def _template(record: JobRecord, stage: Stage) -> Task:
    video = Artifact(role="video", ref=record.video)
    video.ref.sha256 = record.video_sha256 or record.video.sha256
    made = [artifact(record.artifacts, role) for role in _NEEDS[stage]]
    task = Task(
        id=TaskId(tenant=record.tenant, job=record.job, stage=stage.wire),
        priority=record.priority,
        generation=record.generation,
        video_name=record.video_name,
        settings=record.settings,
        segment_s=record.segment_s,
        max_duration_s=record.max_duration_s,
        segment_count=record.segment_count,
        inputs=[video, *(one for one in made if one is not None)],
    )
    if record.HasField("detector_model"):
        task.detector_model.CopyFrom(record.detector_model)
    return task
