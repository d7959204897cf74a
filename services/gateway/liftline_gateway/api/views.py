"""How clients see what the gateway remembers."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from liftline.v1.job_service_pb2 import Job, StageProgress
from liftline.v1.records_pb2 import JobRecord, StageRecord


def job_view(record: JobRecord) -> Job:
    """A job as its record has it: frames and times are those of tasks that are done."""
    job = Job(
        name=f"jobs/{record.job}",
        state=record.state,
        video_name=record.video_name,
        settings=record.settings,
        priority=record.priority,
        stages=[stage_view(stage) for stage in record.stages if stage.tasks],
        warnings=record.warnings,
        models=record.models,
        frame_count=record.frame_count,
        segment_count=record.segment_count,
        webhook_uri=record.webhook_uri,
    )
    for field in ("failure", "create_time", "update_time", "end_time"):
        if record.HasField(field):
            getattr(job, field).CopyFrom(getattr(record, field))
    return job


def stage_view(stage: StageRecord) -> StageProgress:
    """How far a stage is, by its finished tasks."""
    return StageProgress(
        stage=stage.stage,
        tasks=stage.tasks,
        tasks_done=stage.done_count,
        frames_done=stage.frames_done,
        work_time=duration(stage.work_s),
    )


def duration(seconds: float) -> Duration:
    """For a message."""
    span = Duration()
    span.FromTimedelta(timedelta(seconds=seconds))
    return span
