"""Errors, deaths and outages: what fails a job, what counts, what doesn't."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

from liftline.errors import (
    Cancelled,
    InvalidArtifactError,
    InvalidVideoError,
    LimitExceededError,
    ModelError,
    OutputError,
    UnavailableError,
    UsageError,
)
from liftline.jobs.naming import JobKey, Stage, worker_subject
from liftline.net.retrying import TASK_FETCH
from liftline.pipeline.handler import StageOutcome, Work
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import TaskResult
from liftline.v1.job_service_pb2 import Failure
from liftline.worker.attempts import forget_attempts
from liftline.worker.task_files import task_inputs
from tests.unit.worker.worker_harness import ACK_WAIT_S, JOB, Gate, WorkerHarness, made, until


class OutOfMemoryError(RuntimeError):
    """As PyTorch's is called."""


class FailingHandler:
    """Raises its errors one after the other, then works."""

    def __init__(self, *errors: BaseException) -> None:
        self.errors = list(errors)
        self.calls = 0

    def __call__(self, work: Work) -> StageOutcome:
        self.calls += 1
        if self.errors:
            raise self.errors.pop(0)
        return made(work)


def disk_full() -> OutputError:
    error = OutputError("The disk is full.")
    error.__cause__ = OSError(errno.ENOSPC, "No space left on device")
    return error


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (InvalidVideoError("clip.mp4: no video"), Failure.REASON_INVALID_VIDEO),
        (LimitExceededError("clip.mp4: too long"), Failure.REASON_LIMIT_EXCEEDED),
        (ModelError("yolo: not here"), Failure.REASON_MODEL),
        (UsageError("focal: below 0"), Failure.REASON_INVALID_SETTINGS),
        (InvalidArtifactError("plan: damaged"), Failure.REASON_INTERNAL),
        (Cancelled("though nobody asked"), Failure.REASON_INTERNAL),
        (ZeroDivisionError("division by zero"), Failure.REASON_INTERNAL),
        (SystemExit(3), Failure.REASON_INTERNAL),
        (StopIteration(), Failure.REASON_INTERNAL),
        (InvalidVideoError("odd name: \udcff"), Failure.REASON_INVALID_VIDEO),
    ],
)
async def test_an_error_that_nobody_else_would_be_spared_fails_the_job_at_once(
    tmp_path: Path, error: BaseException, reason: Failure.Reason.ValueType
) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit(number=3)
    handler = FailingHandler(error)
    async with harness.working({Stage.DETECT: handler}):
        await harness.idle()
    (event,) = harness.events
    assert (event.id, event.failed.reason) == (key.wire, reason)
    assert (event.failed.stage, event.failed.segment) == (Stage.DETECT.wire, 3)
    assert str(error).replace("\udcff", "?") in event.failed.message
    assert handler.calls == 1


@pytest.mark.parametrize(
    "error",
    [UnavailableError("the store is away"), disk_full(), OSError(errno.ENOSPC, "No space left on device")],
    ids=["away", "disk full", "disk full, raw"],
)
async def test_what_passes_goes_back_and_does_not_count(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liftline.worker._failures._AWAY_S", 0.05)
    monkeypatch.setattr("liftline.worker._failures._DISK_FULL_S", 0.05)

    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    handler = FailingHandler(*[error] * 4)
    async with harness.working({Stage.DETECT: handler}, max_attempts=2):
        await until(lambda: handler.calls == 2)
        assert len(await harness.unfinished(key)) <= 1
        await harness.idle()
    assert handler.calls == 5
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


async def test_an_error_behind_another_tells_what_happened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liftline.worker._failures._AWAY_S", 0.05)

    harness = WorkerHarness(tmp_path)
    await harness.submit()
    error = InvalidVideoError("clip.mp4: can't be read")
    error.__cause__ = UnavailableError("the store is away")
    async with harness.working({Stage.DETECT: FailingHandler(error)}):
        await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


@pytest.mark.parametrize("error", [MemoryError("no room"), OutOfMemoryError("CUDA out of memory")])
async def test_no_memory_counts_as_dying_of_it(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liftline.worker._failures._NO_MEMORY_S", 0.02)

    harness = WorkerHarness(tmp_path)
    await harness.submit()
    handler = FailingHandler(*[error] * 9)
    async with harness.working({Stage.DETECT: handler}, max_attempts=3):
        await harness.idle()
    assert handler.calls == 3
    assert [event.failed.reason for event in harness.events] == [Failure.REASON_TASK_DIED]


async def test_a_task_that_too_many_died_of_is_given_up_unbegun(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit(number=2)
    await harness.began(key, "a", "b", "c")
    other = await harness.submit(number=5)
    gate = Gate()
    gate.open.set()
    async with harness.working({Stage.DETECT: gate}, max_attempts=3):
        await harness.idle()
    assert gate.begun == ["detect-5"]
    assert {event.id.number: event.WhichOneof("kind") for event in harness.events} == {
        2: "failed",
        other.number: "finished",
    }
    (failed,) = (event.failed for event in harness.events if event.HasField("failed"))
    assert failed.reason == Failure.REASON_TASK_DIED
    assert "segment 2" in failed.message
    (dead,) = harness.dead
    assert (dead.task.id, list(dead.workers)) == (key.wire, ["a", "b", "c"])


async def test_a_task_that_fewer_died_of_is_begun_once_more(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    await harness.began(key, "a", "b")
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, max_attempts=3):
        await until(lambda: bool(gate.begun))
        assert [name.partition("/")[0] for name in await harness.unfinished(key)] == ["a", "b", "worker"]
        gate.open.set()
        await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


async def test_workers_that_were_cut_off_and_live_are_not_dead(tmp_path: Path) -> None:
    """Three workers had the task while NATS came and went, and one of them still works on it."""

    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    await harness.began(key, "a", "b")
    slow, other = Gate(moves=False), Gate()
    async with harness.working({Stage.DETECT: slow}, name="slow", max_attempts=3, stall_s=60, grace_s=5):
        await until(lambda: bool(slow.begun))
        async with harness.working({Stage.DETECT: other}, name="other", max_attempts=3, stall_s=60):
            await asyncio.sleep(3 * ACK_WAIT_S)
            slow.open.set()
            await harness.idle()
    assert other.begun == []
    assert harness.dead == []
    assert {event.WhichOneof("kind") for event in harness.events} == {"finished"}


async def test_who_has_just_done_the_task_is_not_dead(tmp_path: Path) -> None:
    """It is asked about a task that it ends in that moment: "no" then doesn't mean that it died of it."""
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    await harness.began(key, "quick")

    async def done_meanwhile(_question: bytes) -> bytes:
        result = TaskResult(worker="quick", frames_done=7)
        assert await harness.records.create(key.result, result.SerializeToString()) is not None
        return b"no"

    gate = Gate()
    async with (
        harness.bus.answering(worker_subject("quick"), done_meanwhile),
        harness.working({Stage.DETECT: gate}, max_attempts=1),
    ):
        await harness.idle()
    assert gate.begun == []
    assert harness.dead == []
    assert [event.finished.worker for event in harness.events] == ["quick"]


async def test_who_has_just_given_the_task_back_is_not_dead(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    await harness.began(key, "leaving")

    async def given_back_meanwhile(_question: bytes) -> bytes:
        await forget_attempts(harness.records, key)
        return b"no"

    async with (
        harness.bus.answering(worker_subject("leaving"), given_back_meanwhile),
        harness.working({Stage.DETECT: made}, max_attempts=1),
    ):
        await harness.idle()
    assert harness.dead == []
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


async def test_what_somebody_died_of_runs_alone(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    suspicious = await harness.submit(number=0)
    await harness.began(suspicious, "dead")
    for number in range(1, 4):
        await harness.submit(number=number)
    alone: list[int] = []
    gate = Gate()

    def handler(work: Work) -> StageOutcome:
        if work.task.id.number:
            return gate(work)
        alone.append(gate.inside)
        return made(work)

    async with harness.working({Stage.DETECT: handler}, at_once=2, prefetch=2):
        await until(lambda: gate.inside == 2)
        gate.open.set()
        await harness.idle()
    assert alone == [0]
    assert gate.most_inside == 2


async def test_what_somebody_died_of_is_alone_until_its_result_is_entered(tmp_path: Path) -> None:
    """Who killed them may be the other one."""

    harness = WorkerHarness(tmp_path)
    suspicious = await harness.submit(number=0)
    await harness.began(suspicious, "dead")
    gate = Gate()

    def handler(work: Work) -> StageOutcome:
        return gate(work) if work.task.id.number else made(work)

    harness.store.away.set()
    async with harness.working({Stage.DETECT: handler}, at_once=2, prefetch=2):
        await until(lambda: harness.store.calls["put"] > 0)
        await harness.submit(number=1)
        await asyncio.sleep(0.3)
        assert gate.begun == []
        harness.store.away.clear()
        await until(lambda: gate.inside == 1)
        assert await harness.records.get(suspicious.result) is not None
        gate.open.set()
        await harness.idle()


async def test_nats_away_for_long_in_mid_task_fails_and_counts_nothing(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    key = await harness.submit()
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}, max_attempts=1, grace_s=5):
        await until(lambda: bool(gate.begun))
        harness.unavailable()
        await asyncio.sleep(2 * ACK_WAIT_S)
        gate.open.set()
        await asyncio.sleep(2 * ACK_WAIT_S)
        harness.unavailable(False)
        await harness.idle()
    assert gate.begun == ["detect-0"]
    assert {event.WhichOneof("kind") for event in harness.events} == {"finished"}
    assert await harness.result(key) is not None


async def test_a_store_away_while_a_result_is_stored_is_waited_for(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit()
    harness.store.away.set()
    calls: list[int] = []

    def handler(work: Work) -> StageOutcome:
        calls.append(1)
        return made(work)

    async with harness.working({Stage.DETECT: handler}, stall_s=0.4):
        await until(lambda: harness.store.calls["put"] >= 3)
        harness.store.away.clear()
        await harness.idle()
    assert calls == [1]
    assert harness.exit_codes == []
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


async def test_a_store_away_for_long_while_inputs_are_fetched_sends_the_task_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(task_inputs, "TASK_FETCH", TASK_FETCH.within(0.1))
    monkeypatch.setattr("liftline.worker._failures._AWAY_S", 0.05)

    harness = WorkerHarness(tmp_path)
    key = await harness.submit(inputs=[harness.stored("plan", b"plan")])
    harness.store.away.set()
    gate = Gate()
    gate.open.set()
    async with harness.working({Stage.DETECT: gate}):
        await until(lambda: next(iter(harness.broker.tasks.kept.values())).deliveries == 3)
        assert (gate.begun, await harness.unfinished(key)) == ([], [])
        harness.store.away.clear()
        await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]


async def test_an_input_with_other_bytes_than_were_stored_is_refused(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    plan = harness.stored("plan", b"the plan")
    harness.store.put_bytes(plan.ref.key, b"no plan!")
    await harness.submit(inputs=[plan])
    gate = Gate()
    async with harness.working({Stage.DETECT: gate}):
        await harness.idle()
    assert gate.begun == []
    assert "changed in the bucket" in harness.events[0].failed.message


async def test_an_input_of_another_job_is_refused(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit(inputs=[harness.stored("plan", b"plan", JobKey("another", "job"))])
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
    assert "not an artifact of job" in harness.events[0].failed.message


@pytest.mark.parametrize("key", [f"{JOB.prefix}../../another/jobs/1/input/clip.mp4", "", "/etc/passwd"])
async def test_no_reference_leads_out_of_the_job(tmp_path: Path, key: str) -> None:
    harness = WorkerHarness(tmp_path)
    await harness.submit(inputs=[Artifact(role="plan", ref=ArtifactRef(key=key))])
    async with harness.working({Stage.DETECT: made}):
        await harness.idle()
    assert harness.events[0].failed.reason == Failure.REASON_INTERNAL
