"""What happens to a task, from its delivery to its acknowledgement."""

from __future__ import annotations

import asyncio
from pathlib import Path

from opentelemetry import trace

from liftline.jobs.messages import publish_task, trace_of
from liftline.jobs.naming import JobKey, Priority, Stage, TaskKey
from liftline.pipeline.handler import Product, StageOutcome, Work
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import Failure, Job
from tests.unit.worker.worker_harness import ACK_WAIT_S, JOB, Gate, WorkerHarness, made, until


async def test_a_result_is_entered_told_and_acknowledged(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit(number=7)
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
    result = await harness.result(key)
    assert result is not None
    assert (result.worker, result.frames_done) == ("worker", 3)
    (artifact,) = result.artifacts
    assert artifact.ref.key == key.artifact(artifact.ref.sha256)
    assert harness.store.get_bytes(artifact.ref.key, at_most=100) == b"made"
    (event,) = harness.events
    assert (event.id, event.finished) == (key.wire, result)


async def test_a_short_task_costs_one_operation_of_each_kind(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    harness.records.calls.clear()
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
    assert harness.records.calls == {"get jobs": 1, "create attempts": 1, "create results": 1}
    assert harness.store.calls == {"put": 1}
    assert len(harness.events) == 1


async def test_of_two_finishers_both_tell_of_the_first_ones_result(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await until(lambda: bool(gate.begun))
        first = await harness.enter_result(key, frames_done=99)
        gate.open.set()
        await harness.idle()
    assert await harness.result(key) == first
    assert [event.finished for event in harness.events] == [first]


async def test_a_task_that_comes_again_while_it_runs_here_is_not_started_again(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    gate = Gate(moves=False)
    async with harness.working({Stage.DETECT: gate}, stall_s=60):
        await until(lambda: next(iter(harness.broker.tasks.kept.values())).deliveries >= 2)
        gate.open.set()
        await harness.idle()
    assert gate.begun == ["detect-0"]
    assert len(harness.events) == 1


async def test_a_task_that_comes_again_after_an_outage_is_kept_by_who_works_on_it(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    gate, other = Gate(), Gate()
    async with harness.working({Stage.DETECT: gate}, name="first", prefetch=5):
        await until(lambda: bool(gate.begun))
        (kept,) = harness.broker.tasks.kept.values()
        kept.free_at_s = 0.0
        harness.broker.wake()
        await until(lambda: kept.deliveries == 2)
        async with harness.working({Stage.DETECT: other}, name="second"):
            await asyncio.sleep(3 * ACK_WAIT_S)
            gate.open.set()
            await harness.idle()
    assert (gate.begun, other.begun) == (["detect-0"], [])


async def test_who_died_after_entering_the_result_left_nothing_to_do_but_to_tell(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    await harness.began(key, "dead")
    result = await harness.enter_result(key, frames_done=5)
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await harness.idle()
    assert gate.begun == []
    assert [event.finished for event in harness.events] == [result]


async def test_who_died_before_acknowledging_a_task_of_a_job_that_is_over_left_nothing_to_do(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.job(state=Job.STATE_SUCCEEDED)
    await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await harness.idle()
    assert (gate.begun, harness.events) == ([], [])


async def test_garbage_is_put_away_and_the_next_task_done(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    subject = TaskKey(JOB, Stage.DETECT, 4).subject(Priority.HIGH)
    await harness.bus.publish(subject, b"\xff\xfe", message_id="garbage")
    key = await harness.submit()
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
    assert [event.id for event in harness.events] == [key.wire]


async def test_a_task_under_anothers_subject_is_put_away(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.job()
    other = TaskKey(JobKey("another", "job"), Stage.DETECT, 0)
    task = Task(id=TaskKey(JOB, Stage.DETECT, 0).wire)
    await harness.bus.publish(other.subject(Priority.NORMAL), task.SerializeToString(), message_id="confused")
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await harness.idle()
    assert (gate.begun, harness.events) == ([], [])


async def test_the_task_after_is_fetched_while_one_runs(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    other = JobKey("acme", "another")
    await harness.submit(number=0)
    await harness.submit(job=other, inputs=[harness.stored("plan", b"the plan", other)])
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await until(lambda: harness.store.calls["get"] == 1 and gate.begun == ["detect-0"])
        gate.open.set()
        await harness.idle()


async def test_who_waits_long_for_its_turn_goes_to_somebody_idle(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    for number in range(2):
        await harness.submit(number=number)
    busy, idle = Gate(), Gate()
    idle.open.set()
    async with harness.working({Stage.DETECT: busy}, name="busy"):
        await until(lambda: all(kept.deliveries == 1 for kept in harness.broker.tasks.kept.values()))
        async with harness.working({Stage.DETECT: idle}, name="idle", prefetch=0):
            await until(lambda: len(harness.broker.tasks.kept) <= 1)
            assert busy.begun == ["detect-0"]
        busy.open.set()
        await harness.idle()
    assert "detect-1" in idle.begun


async def test_segments_come_gathered_in_order(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    count = 300
    for number in reversed(range(count)):
        await harness.enter_result(TaskKey(JOB, Stage.DETECT, number), frames_done=number)
    seen: list[int] = []

    def track(work: Work) -> StageOutcome:
        seen.extend(result.frames_done for result in work.segment_results)
        return made(work)

    await harness.submit(Stage.TRACK, segment_count=count)
    async with harness.working({Stage.TRACK: track}):
        await harness.idle()
    assert seen == list(range(count))


async def test_a_result_that_a_following_server_shows_late_is_waited_for(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit(Stage.TRACK, segment_count=1)
    async with harness.working({Stage.TRACK: made}):
        await until(lambda: harness.records.calls["get results"] >= 2)
        await harness.enter_result(TaskKey(JOB, Stage.DETECT, 0))
        await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


async def test_an_event_belongs_to_the_trace_of_its_task(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.job()
    task = Task(id=TaskKey(JOB, Stage.DETECT, 0).wire)
    parent = trace.SpanContext(trace_id=0xABC, span_id=0xD, is_remote=True, trace_flags=trace.TraceFlags(1))
    with trace.use_span(trace.NonRecordingSpan(parent)):
        await publish_task(harness.bus, task)
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
    (event,) = harness.broker.events.kept.values()
    assert trace.get_current_span(trace_of(event.headers)).get_span_context().trace_id == 0xABC


async def test_products_with_a_place_in_the_tree_say_so(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)

    def lift(work: Work) -> StageOutcome:
        (work.folder / "poses").write_bytes(b"poses")
        return StageOutcome([Product("poses", work.folder / "poses", "poses_3d/clip.npz")], 1, settings={"rate": 50})

    key = await harness.submit(Stage.LIFT)
    async with harness.working({Stage.LIFT: lift}):
        await harness.idle()
    result = await harness.result(key)
    assert result is not None
    assert result.artifacts[0].path == "poses_3d/clip.npz"
    assert result.provenance["settings"] == '{"rate": 50}'
    assert "numpy" in result.provenance


async def test_a_product_that_was_not_written_fails_the_job(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    async with harness.working({Stage.DETECT: lambda work: StageOutcome([Product("x", work.folder / "x")], 0)}):
        await harness.idle()
    assert harness.events[0].failed.reason == Failure.REASON_INTERNAL


async def test_work_files_are_gone_afterwards(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit(inputs=[harness.stored("plan", b"plan")])
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
        await until(lambda: [path.name for path in (tmp_path / "scratch/liftline-work-worker").iterdir()] == ["inputs"])
    assert list((tmp_path / "scratch").iterdir()) == []
