"""Jobs that end, workers that end, tasks that hang."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from liftline.jobs.naming import JobKey, Stage
from liftline.pipeline.handler import StageOutcome, Work
from liftline.v1.events_pb2 import TaskProgress
from liftline.v1.job_service_pb2 import Job
from liftline.worker.loop import EXIT_HANGING
from tests.unit.worker.worker_harness import ACK_WAIT_S, JOB, Gate, WorkerHarness, made, until


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Jobs are looked up at every occasion, and handlers that don't stop are left soon."""
    monkeypatch.setattr("liftline.worker.running_task._CHECKED_LATELY_S", 0.0)
    monkeypatch.setattr("liftline.worker.loop._STOP_WITHIN_S", 0.3)


async def test_a_task_of_a_job_that_was_cancelled_is_not_begun(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    await harness.job(state=Job.STATE_CANCELLED)
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await harness.idle()
    assert gate.begun == []


async def test_a_task_of_a_job_that_is_gone_is_not_begun(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    await harness.records.delete(JOB.record)
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await harness.idle()
    assert gate.begun == []


async def test_a_task_whose_job_ends_while_it_runs_stops_and_leaves_nothing(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await until(lambda: bool(gate.begun))
        await harness.job(state=Job.STATE_CANCELLED)
        await harness.idle()
        assert gate.inside == 0
    assert harness.events == []
    assert await harness.result(key) is None
    assert await harness.unfinished(key) == []
    assert harness.store.calls["put"] == 0


async def test_a_task_purged_while_it_runs_stops(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await until(lambda: bool(gate.begun))
        await harness.job(state=Job.STATE_DELETING)
        await harness.bus.purge_tasks(JOB.task_subjects)
        await until(lambda: gate.inside == 0)
    assert harness.events == []


async def test_what_was_made_of_a_job_that_ended_meanwhile_is_not_stored(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    gate = Gate(heeds_stop=False)
    async with harness.working({Stage.DETECT: gate}):
        await until(lambda: bool(gate.begun))
        await harness.job(state=Job.STATE_CANCELLED)
        gate.open.set()
        await harness.idle()
    assert harness.store.calls["put"] == 0
    assert await harness.result(key) is None


async def test_a_job_that_ends_while_its_task_waits_for_a_turn(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    other = JobKey("acme", "other")
    await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, grace_s=5):
        await until(lambda: bool(gate.begun))
        await harness.submit(number=1, job=other)
        await until(lambda: all(kept.deliveries for kept in harness.broker.tasks.kept.values()))
        await harness.job(other, state=Job.STATE_CANCELLED)
        await until(lambda: len(harness.broker.tasks.kept) == 1)
        gate.open.set()
        await harness.idle()
    assert gate.begun == ["detect-0"]


async def test_while_it_moves_a_long_task_stays_with_its_worker(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, stall_s=0.2):
        await until(lambda: bool(gate.begun))
        await asyncio.sleep(4 * ACK_WAIT_S)
        (kept,) = harness.broker.tasks.kept.values()
        assert kept.deliveries == 1
        gate.open.set()
        await harness.idle()
    assert harness.exit_codes == []


async def test_where_nothing_moves_another_worker_gets_the_task(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    still, other = Gate(moves=False), Gate()
    other.open.set()
    async with harness.working({Stage.DETECT: still}, name="still", stall_s=60):
        await until(lambda: bool(still.begun))
        async with harness.working({Stage.DETECT: other}, name="other"):
            await until(lambda: bool(harness.events))
    assert harness.events[0].finished.worker == "other"


async def test_a_hanging_task_ends_the_process_and_costs_others_nothing(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    hanging = await harness.submit(number=0)
    innocent = await harness.submit(number=1)
    moving, still = Gate(), Gate(moves=False)

    def handler(work: Work) -> StageOutcome:
        return moving(work) if work.task.id.number else still(work)

    async with harness.working({Stage.DETECT: handler}, name="hanging", at_once=2, stall_s=1.0):
        await until(lambda: bool(moving.begun and still.begun))
        await until(lambda: harness.exit_codes == [EXIT_HANGING])
        assert await harness.unfinished(innocent) == []
        assert len(await harness.unfinished(hanging)) == 1


async def test_a_task_that_moves_for_ever_ends_the_process_at_its_deadline(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    async with harness.working({Stage.DETECT: Gate()}, deadline_s=0.5):
        await until(lambda: harness.exit_codes == [EXIT_HANGING])


async def test_a_worker_that_ends_lets_its_task_finish(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, grace_s=10) as worker:
        await until(lambda: bool(gate.begun))
        worker.drain()
        await asyncio.sleep(0.2)
        gate.open.set()
    assert harness.events[0].finished.worker == "worker"
    assert not harness.broker.tasks.kept


async def test_a_worker_that_must_end_gives_back_what_runs_and_what_waits(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    keys = [await harness.submit(number=number) for number in range(3)]
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, grace_s=0.1, prefetch=1):
        await until(lambda: bool(gate.begun))
    assert len(gate.begun) == 1
    assert [await harness.unfinished(key) for key in keys] == [[], [], []]
    now = harness.broker.clock()
    assert [kept.free_at_s <= now for kept in harness.broker.tasks.kept.values()] == [True] * 3
    assert harness.events == []


async def test_an_idle_worker_ends_at_once(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    async with harness.working({Stage.DETECT: made}):
        await asyncio.sleep(0.1)
        begun_s = time.monotonic()
    assert time.monotonic() - begun_s < 1.0


async def test_a_handler_that_does_not_stop_is_left_behind(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    gate = Gate(heeds_stop=False)
    async with harness.working({Stage.DETECT: gate}, grace_s=0.1):
        await until(lambda: bool(gate.begun))
    assert await harness.unfinished(key) == []
    gate.open.set()


async def test_a_worker_can_end_while_nats_is_away(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, grace_s=0.1):
        await until(lambda: bool(gate.begun))
        harness.unavailable()


async def test_who_watches_hears_how_far_a_task_is(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    gate = Gate()
    async with harness.bus.listen(JOB.progress_subject) as told:
        await harness.submit(number=6)
        async with harness.working({Stage.DETECT: gate}):
            progress = [TaskProgress.FromString(await anext(told)) for _ in range(2)]
            gate.open.set()
            await harness.idle()
    assert [one.id.number for one in progress] == [6, 6]
    assert 0 < progress[0].frames_done < progress[1].frames_done
