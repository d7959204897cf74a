"""What events change in a job, and which tasks come next."""

from __future__ import annotations

import pytest

from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline import bitset as bits
from liftline.pipeline import state
from liftline.v1.events_pb2 import Event, Task
from liftline.v1.job_service_pb2 import Failure, Job
from liftline.v1.records_pb2 import JobRecord
from tests.unit.gateway.jobs import FRAMES_PER_SEGMENT, KEY, TIME, failed, finished, new_record


def names(tasks: list[Task]) -> list[str]:
    return [TaskKey.of(task.id).name for task in tasks]


def advanced(record: JobRecord, tasks: list[Task], *, segments: int = 3) -> tuple[JobRecord, list[Task]]:
    return state.advance(record, *(finished(task, segments=segments) for task in tasks))


def detecting(*, segments: int = 3, max_parallel: int = 4) -> tuple[JobRecord, list[Task]]:
    return advanced(*state.begin(new_record(max_parallel=max_parallel)), segments=segments)


def test_a_new_job_waits_for_its_plan() -> None:
    record, tasks = state.begin(new_record())
    assert record.state == Job.STATE_QUEUED
    assert names(tasks) == ["plan-0"]
    assert [one.role for one in tasks[0].inputs] == ["video"]


def test_every_stage_follows_the_one_before_until_outputs_are_published() -> None:
    record, tasks = state.begin(new_record())
    seen = []
    while tasks:
        seen.append(names(tasks))
        record, tasks = advanced(record, tasks)
    assert seen == [
        ["plan-0"], ["detect-0", "detect-1", "detect-2"], ["track-0"], ["lift-0"],
        ["render-0", "render-1", "render-2"], ["mux-0"],
    ]  # fmt: skip
    assert record.publishing
    assert record.state == Job.STATE_RUNNING
    done = state.succeed(record, manifest_size_bytes=7, time=TIME)
    assert (done.state, done.publishing, done.manifest_size_bytes) == (Job.STATE_SUCCEEDED, False, 7)


def test_tasks_carry_what_their_stage_needs() -> None:
    record, tasks = state.begin(new_record())
    roles = {}
    while tasks:
        task = tasks[0]
        roles[Stage.of(task.id.stage)] = [one.role for one in task.inputs]
        if task.id.stage != Stage.PLAN.wire:
            assert task.segment_count == 3
            assert task.detector_model.name == "blazepose"
            assert task.inputs[0].ref.sha256 == "ab" * 32
        record, tasks = advanced(record, tasks)
    assert roles == {
        Stage.PLAN: ["video"], Stage.DETECT: ["video", "plan"], Stage.TRACK: ["video", "plan"],
        Stage.LIFT: ["video", "plan", "tracks"], Stage.RENDER: ["video", "plan", "poses", "scene"],
        Stage.MUX: ["video", "plan"],
    }  # fmt: skip


def test_no_more_segments_are_released_than_allowed() -> None:
    record, tasks = detecting(segments=5, max_parallel=2)
    assert names(tasks) == ["detect-0", "detect-1"]
    record, more = state.advance(record, finished(tasks[1]))
    assert names(more) == ["detect-2"]
    record, more = state.advance(record, finished(tasks[1]))
    assert more == []


def test_a_plan_alone_takes_the_video_from_queued_to_running() -> None:
    record, _ = detecting()
    assert record.state == Job.STATE_RUNNING
    assert (record.segment_count, record.frame_count) == (3, 3 * FRAMES_PER_SEGMENT)


def test_inputs_stay_as_they_are() -> None:
    record, tasks = detecting()
    event = finished(tasks[0])
    before, event_before = record.SerializeToString(deterministic=True), event.SerializeToString(deterministic=True)
    state.advance(record, event)
    state.advance(record, failed(tasks[1]))
    state.cancel(record, time=TIME)
    state.delete(record, time=TIME)
    state.release_again(record, state.pending(record))
    assert record.SerializeToString(deterministic=True) == before
    assert event.SerializeToString(deterministic=True) == event_before


def test_a_repeated_event_changes_nothing() -> None:
    record, tasks = detecting()
    once, _ = state.advance(record, finished(tasks[0]))
    twice, more = state.advance(once, finished(tasks[0]))
    assert twice == once
    assert more == []


def test_a_failure_ends_the_job_with_its_reason() -> None:
    record, tasks = detecting()
    record, more = state.advance(record, failed(tasks[1]))
    assert more == []
    assert record.state == Job.STATE_FAILED
    assert record.failure == Failure(
        reason=Failure.REASON_INVALID_VIDEO, message="clip.mp4: broken.", stage=Stage.DETECT.wire, segment=1
    )
    assert record.end_time == TIME


def test_a_failure_without_a_reason_is_a_fault_of_ours() -> None:
    record, tasks = detecting()
    record, _ = state.advance(record, failed(tasks[0], Failure.REASON_UNSPECIFIED))
    assert record.failure.reason == Failure.REASON_INTERNAL


def test_tasks_of_a_batch_that_fails_the_job_are_not_released() -> None:
    record, tasks = detecting(segments=5, max_parallel=2)
    _, more = state.advance(record, finished(tasks[0]), failed(tasks[1]))
    assert more == []


def test_what_is_done_cannot_fail_later() -> None:
    record, tasks = detecting()
    record, _ = state.advance(record, finished(tasks[0]))
    after, _ = state.advance(record, failed(tasks[0]))
    assert after == record


@pytest.mark.parametrize("end", ["fail", "cancel", "succeed", "delete"])
def test_a_job_that_is_over_stays_as_it_is(end: str) -> None:
    record, tasks = detecting()
    if end == "fail":
        record, _ = state.advance(record, failed(tasks[0]))
    elif end == "cancel":
        record = state.cancel(record, time=TIME)
    elif end == "delete":
        record = state.delete(record, time=TIME)
    else:
        record.publishing = True
        record = state.succeed(record, manifest_size_bytes=1, time=TIME)
    assert state.is_over(record)
    for after, more in (state.advance(record, finished(tasks[1])), state.advance(record, failed(tasks[1]))):
        assert after == record
        assert more == []
    assert state.cancel(record, time=TIME) == record
    assert state.fail(record, Failure(message="late"), time=TIME) == record
    assert state.delete(record, time=TIME).state == Job.STATE_DELETING


def test_a_job_whose_outputs_are_not_complete_does_not_succeed() -> None:
    record, _ = detecting()
    assert state.succeed(record, manifest_size_bytes=1, time=TIME) == record


def test_a_result_before_its_time_is_remembered() -> None:
    """The coordinator published the tasks, and died before it wrote that."""
    begun, plan = state.begin(new_record(max_parallel=2))
    _, tasks = state.advance(begun, finished(plan[0]))
    early, more = state.advance(begun, finished(tasks[1]))
    assert more == []
    record, more = state.advance(early, finished(plan[0]))
    assert names(more) == ["detect-0", "detect-2"]
    record, _ = advanced(record, more)
    assert [(Stage.of(one.stage), one.done_count) for one in record.stages] == [
        (Stage.PLAN, 1), (Stage.DETECT, 3), (Stage.TRACK, 0)
    ]  # fmt: skip


def test_a_segment_that_was_not_released_yet_counts_when_it_is_done() -> None:
    record, tasks = detecting(segments=5, max_parallel=2)
    beyond = Event(id=tasks[0].id, time=TIME, finished=finished(tasks[0]).finished)
    beyond.id.number = 3
    record, more = state.advance(record, beyond)
    assert more == []
    record, more = advanced(record, tasks)
    assert names(more) == ["detect-2", "detect-4"]


def event_for(stage: int, number: int) -> Event:
    event = finished(state.begin(new_record())[1][0])
    event.id.stage, event.id.number = stage, number  # type: ignore[assignment]
    return event


@pytest.mark.parametrize(
    ("stage", "number"),
    [(0, 0), (99, 0), (Stage.PLAN.wire, 1), (Stage.DETECT.wire, 3), (Stage.DETECT.wire, -1), (Stage.MUX.wire, 7)],
)
def test_tasks_that_do_not_exist_change_nothing(stage: int, number: int) -> None:
    record, _ = detecting()
    after, more = state.advance(record, event_for(stage, number))
    assert after == record
    assert more == []


def test_an_event_of_no_kind_changes_nothing() -> None:
    record, tasks = detecting()
    after, more = state.advance(record, Event(id=tasks[0].id))
    assert after == record
    assert more == []


@pytest.mark.parametrize("segments", [0, -1, 20_001])
def test_a_plan_with_an_impossible_number_of_segments_fails_the_job(segments: int) -> None:
    record, _ = detecting(segments=segments)
    assert record.state == Job.STATE_FAILED
    assert record.failure.stage == Stage.PLAN.wire
    assert str(segments) in record.failure.message


def test_segments_known_to_be_too_many_do_not_count() -> None:
    """A result of a segment that the plan then turns out not to have."""
    begun, plan = state.begin(new_record())
    early, _ = state.advance(begun, finished(Task(id=TaskKey(KEY, Stage.DETECT, 100).wire)))
    record, tasks = state.advance(early, finished(plan[0]))
    assert names(tasks) == ["detect-0", "detect-1", "detect-2"]
    assert record.stages[1].done_count == 0
    assert len(record.stages[1].done) == 1


def test_lost_tasks_are_published_as_new_messages() -> None:
    record, tasks = detecting()
    record, _ = state.advance(record, finished(tasks[0]))
    pending = state.pending(record)
    assert [one.name for one in pending] == ["detect-1", "detect-2"]
    again, more = state.release_again(record, pending)
    assert names(more) == ["detect-1", "detect-2"]
    assert {task.generation for task in more} == {again.generation} == {1}


def test_warnings_and_models_are_told_once_and_not_without_end() -> None:
    record, tasks = detecting(segments=300, max_parallel=300)
    for number, task in enumerate(tasks):
        event = finished(task)
        event.finished.warnings.append("x" * 5000 + str(number % 2))
        event.finished.warnings.append(f"segment {number}")
        record, _ = state.advance(record, event)
    assert len(record.warnings) == 100
    assert record.warnings[0] == "plan is only played."
    assert max(map(len, record.warnings)) == 1000
    assert [one.name for one in record.models] == ["blazepose"]


def test_a_record_of_five_thousand_segments_stays_small() -> None:
    record, tasks = detecting(segments=5000, max_parallel=64)
    while record.stages[1].done_count < 5000:
        record, tasks = advanced(record, tasks)
    assert len(record.stages[1].done) == 625
    assert record.ByteSize() < 4096


def test_bits_are_sets_of_numbers() -> None:
    some = bits.added(bits.added(b"", 9), 2)
    assert some == bytes([0b100, 0b10])
    assert [number for number in range(20) if bits.contains(some, number)] == [2, 9]
    assert list(bits.missing_below(some, 10)) == [0, 1, 3, 4, 5, 6, 7, 8]
    assert (bits.count_below(some, 9), bits.count_below(some, 10)) == (1, 2)
    assert bits.below(some, 9) == bytes([0b100, 0])
