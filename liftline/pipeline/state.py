"""The life of a job as pure functions: what an event changes, and which tasks come next.

plan → detect × N → track → lift → render × N → mux → publishing → SUCCEEDED. Events may come twice and in any order: a
result that comes before what its stage waits for is remembered, so that its task isn't done again. Nothing changes the
records given; a job that is over stays as it is, but for its removal.
"""

from __future__ import annotations

from collections.abc import Iterable

from google.protobuf.timestamp_pb2 import Timestamp

from liftline.jobs.naming import SEGMENTED, JobKey, Stage, TaskKey
from liftline.pipeline import bitset
from liftline.pipeline.next_tasks import tasks_of
from liftline.pipeline.result_checks import LARGEST_RESULT_BYTES, LARGEST_SEGMENT_COUNT, problem_with_result
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import Failure, Job
from liftline.v1.records_pb2 import JobRecord, StageRecord

_OVER = frozenset((Job.STATE_SUCCEEDED, Job.STATE_FAILED, Job.STATE_CANCELLED, Job.STATE_DELETING))
Step = tuple[JobRecord, list[Task]]
"""A job's record, and tasks that are to be published before it is stored."""
_MOST_WARNINGS, _LONGEST_TEXT = 100, 1000


def begin(record: JobRecord) -> Step:
    """The first record of a new job, and its first task."""
    changed = _copy(record)
    changed.state = Job.STATE_QUEUED
    changed.update_time.CopyFrom(record.create_time)
    return changed, _release_next(changed, record.create_time)


def advance(record: JobRecord, *events: Event, largest_result_bytes: int | None = LARGEST_RESULT_BYTES) -> Step:
    """The record after these events, one after the other, and the tasks that they release.

    A result of more than `largest_result_bytes` fails the job; None allows any size.
    """
    changed, tasks = _copy(record), []
    for event in events:
        tasks += _apply(changed, event, largest_result_bytes)
    return changed, [] if is_over(changed) else tasks


def cancel(record: JobRecord, *, time: Timestamp) -> JobRecord:
    """The record after a client stopped the job."""
    return _ended(record, Job.STATE_CANCELLED, time)


def fail(record: JobRecord, failure: Failure, *, time: Timestamp) -> JobRecord:
    """The record after it turned out that the job can't be done."""
    changed = _ended(record, Job.STATE_FAILED, time)
    if not is_over(record):
        changed.failure.CopyFrom(failure)
    return changed


def succeed(record: JobRecord, *, manifest_size_bytes: int, time: Timestamp) -> JobRecord:
    """The record after all outputs were published; the same record where nothing was to be published."""
    changed = _ended(record, Job.STATE_SUCCEEDED, time) if record.publishing else _copy(record)
    if record.publishing:
        changed.manifest_size_bytes = manifest_size_bytes
    return changed


def adopt(
    record: JobRecord, artifacts: Iterable[Artifact], *, manifest_size_bytes: int, time: Timestamp
) -> JobRecord:  # fmt: skip
    """The record after it turned out that all outputs are published, though it is from before that."""
    changed = _ended(record, Job.STATE_SUCCEEDED, time)
    if not is_over(record):
        del changed.artifacts[:]
        changed.artifacts.extend(artifacts)
        changed.manifest_size_bytes = manifest_size_bytes
    return changed


def delete(record: JobRecord, *, time: Timestamp) -> JobRecord:
    """The record of a job that is to be removed, however it stood."""
    changed = _ended(record, Job.STATE_DELETING, time)
    changed.state = Job.STATE_DELETING
    return changed


def is_over(record: JobRecord) -> bool:
    """Whether nothing more is to be done for what the job makes."""
    return record.state in _OVER


def pending(record: JobRecord) -> list[TaskKey]:
    """Tasks that were released and aren't done."""
    job = JobKey(record.tenant, record.job)
    return [
        TaskKey(job, Stage.of(stage.stage), number)
        for stage in record.stages
        for number in bitset.missing_below(stage.done, stage.released)
    ]


def release_again(record: JobRecord, lost: Iterable[TaskKey]) -> Step:
    """The record after tasks turned out to be lost, and those tasks as new messages."""
    changed = _copy(record)
    changed.generation += 1
    return changed, [task for key in lost for task in tasks_of(changed, key.stage, [key.number])]


def _copy(record: JobRecord) -> JobRecord:
    copy = JobRecord()
    copy.CopyFrom(record)
    return copy


def _ended(record: JobRecord, state: Job.State.ValueType, time: Timestamp) -> JobRecord:
    changed = _copy(record)
    if not is_over(record):
        changed.state = state
        changed.publishing = False
        changed.end_time.CopyFrom(time)
    return changed


def _apply(record: JobRecord, event: Event, largest_result_bytes: int | None) -> list[Task]:
    stage = _stage_of(event)
    if is_over(record) or stage is None or not 0 <= event.id.number < _size(record, stage):
        return []
    known = _known(record, stage)
    if known is not None and bitset.contains(known.done, event.id.number):
        return []
    if event.HasField("failed"):
        _fail(record, event, event.failed.reason or Failure.REASON_INTERNAL, event.failed.message)
        return []
    problem = problem_with_result(record, stage, event.finished, largest_bytes=largest_result_bytes)
    if problem is not None:
        _fail(record, event, Failure.REASON_INTERNAL, problem)
        return []
    _finish(record, stage, event.id.number, event.finished)
    return _release_next(record, event.time)


def _stage_of(event: Event) -> Stage | None:
    if event.WhichOneof("kind") is None:
        return None
    try:
        return Stage.of(event.id.stage)
    except ValueError:
        return None


def _size(record: JobRecord, stage: Stage) -> int:
    """Tasks of a stage, as far as is known."""
    if stage not in SEGMENTED:
        return 1
    return record.segment_count or LARGEST_SEGMENT_COUNT


def _fail(record: JobRecord, event: Event, reason: Failure.Reason.ValueType, message: str) -> None:
    failure = Failure(
        reason=reason, message=message[:_LONGEST_TEXT], stage=event.id.stage, segment=event.id.number
    )  # fmt: skip
    record.CopyFrom(fail(record, failure, time=event.time))


def _finish(record: JobRecord, stage: Stage, number: int, result: TaskResult) -> None:
    entry = _entry(record, stage)
    if not entry.done_count:
        for name, value in result.provenance.items():
            record.provenance[f"{stage}.{name}"] = value
    entry.done = bitset.added(entry.done, number)
    entry.done_count += 1
    entry.frames_done += result.frames_done
    entry.work_s += result.seconds
    if stage not in SEGMENTED:
        record.artifacts.extend(result.artifacts)
        record.artifacts.sort(key=lambda one: one.role)
    if stage is Stage.PLAN:
        _plan(record, result)
    record.models.extend(model for model in result.models if model not in record.models)
    for warning in result.warnings:
        shown = warning[:_LONGEST_TEXT]
        if shown not in record.warnings and len(record.warnings) < _MOST_WARNINGS:
            record.warnings.append(shown)


def _plan(record: JobRecord, result: TaskResult) -> None:
    record.state = Job.STATE_RUNNING
    record.segment_count = result.segment_count
    record.frame_count = result.frame_count
    record.video_sha256 = result.video_sha256
    record.video_info_json = result.video_info_json
    if result.models:
        record.detector_model.CopyFrom(result.models[0])


def _release_next(record: JobRecord, time: Timestamp) -> list[Task]:
    """Begin stages whose time has come, release what may be released; all done: it is to be published."""
    tasks = []
    for stage in Stage:
        entry = _entry(record, stage)
        if not entry.tasks:
            _start(entry, tasks=_size(record, stage), time=time)
        tasks += _release(record, stage, entry)
        if entry.done_count < entry.tasks:
            return tasks
    record.publishing = True
    return tasks


def _start(entry: StageRecord, *, tasks: int, time: Timestamp) -> None:
    entry.tasks = tasks
    entry.done = bitset.below(entry.done, tasks)
    entry.done_count = bitset.count_below(entry.done, tasks)
    entry.start_time.CopyFrom(time)


def _release(record: JobRecord, stage: Stage, entry: StageRecord) -> list[Task]:
    if entry.released == entry.tasks:
        return []
    running = entry.released - bitset.count_below(entry.done, entry.released)
    room = max(record.max_parallel_segments, 1) - running
    numbers: list[int] = []
    while entry.released < entry.tasks and len(numbers) < room:
        if not bitset.contains(entry.done, entry.released):
            numbers.append(entry.released)
        entry.released += 1
    return tasks_of(record, stage, numbers)


def _known(record: JobRecord, stage: Stage) -> StageRecord | None:
    return next((entry for entry in record.stages if entry.stage == stage.wire), None)


def _entry(record: JobRecord, stage: Stage) -> StageRecord:
    """What is known of a stage; nothing at first."""
    entry = _known(record, stage)
    if entry is None:
        record.stages.add(stage=stage.wire)
        record.stages.sort(key=lambda one: one.stage)
        entry = _known(record, stage)
    return entry  # type: ignore[return-value]  # it is there now
