"""Records of the gateway as clients see them."""

from __future__ import annotations

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration

from liftline.v1.job_service_pb2 import Job, ListJobsResponse, StageProgress
from liftline.v1.records_pb2 import JobRecord, StageRecord
from liftline_gateway.api.validation import page_token
from liftline_gateway.records.job_repository import Page

_MOST_BYTES = 3 << 20
"""Of a page: gRPC clients take 4 MiB at once unless they say otherwise."""


def job_view(record: JobRecord) -> Job:
    """A job as its record has it: frames and times are those of tasks that are done."""
    job = Job(
        name=f"jobs/{record.job}",
        state=record.state,
        video_name=record.video_name,
        settings=record.settings,
        priority=record.priority,
        stages=[_stage_view(stage) for stage in record.stages if stage.tasks],
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


def _stage_view(stage: StageRecord) -> StageProgress:
    return StageProgress(
        stage=stage.stage,
        tasks=stage.tasks,
        tasks_done=stage.done_count,
        frames_done=stage.frames_done,
        work_time=duration(stage.work_s),
    )


def page_view(page: Page, *, most_bytes: int = _MOST_BYTES) -> ListJobsResponse:
    """As many of the page's jobs as fit, at least one; the next page begins after them."""
    answer, size, after = ListJobsResponse(), 0, page.next_after
    for number, record in enumerate(page.jobs):
        job = job_view(record)
        size += job.ByteSize()
        if number and size > most_bytes:
            after = page.jobs[number - 1].job
            break
        answer.jobs.append(job)
    if after is not None:
        answer.next_page_token = page_token(after)
    return answer


def duration(seconds: float) -> Duration:
    """Seconds as the message of that name."""
    span = Duration()
    span.FromTimedelta(timedelta(seconds=seconds))
    return span
