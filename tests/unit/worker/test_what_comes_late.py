"""Products, answers and heartbeats that come late: after the end of a job or a worker, or for a loop standing still."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

from prometheus_client import CollectorRegistry

from liftline.errors import UnavailableError
from liftline.jobs.naming import Stage, TaskKey
from liftline.telemetry.metrics import WorkerMetrics
from liftline.v1.events_pb2 import Task
from liftline.v1.job_service_pb2 import Job
from liftline.worker._heartbeats import Heartbeats
from liftline.worker.board import WorkerBoard
from liftline.worker.running_task import RunningTask
from tests.unit.worker.worker_harness import JOB, CountingRecords, Gate, TroubledStore, WorkerHarness, made, until


class SlowStore(TroubledStore):
    """What is put there arrives when it is let in."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.asked, self.let_in = threading.Event(), threading.Event()

    def put_file(self, key: str, path: Path) -> None:
        self.asked.set()
        assert self.let_in.wait(10)
        super().put_file(key, path)


class MuteRecords(CountingRecords):
    """Entries of attempts are kept, but the answer gets lost while `mute`."""

    def __init__(self) -> None:
        super().__init__()
        self.mute, self.created = True, False

    async def create(self, key: str, value: bytes) -> int | None:
        revision = await super().create(key, value)
        if key.startswith("attempts.") and self.mute:
            self.created = True
            raise UnavailableError("The answer got lost.")
        return revision


class Heard:
    """A delivery that notes when it is said to be worked on."""

    subject, data, deliveries = "", b"", 1

    def __init__(self) -> None:
        self.headers: dict[str, str] = {}
        self.at_s: list[float] = []

    async def in_progress(self) -> None:
        self.at_s.append(time.monotonic())

    async def ack(self) -> None: ...

    async def nak(self, *, delay_s: float = 0.0) -> None: ...

    async def term(self) -> None: ...


async def test_what_is_stored_after_its_job_was_tidied_up_is_removed_by_who_stored_it(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    harness.store = store = SlowStore(tmp_path / "store")
    key = await harness.submit()
    async with harness.working({Stage.DETECT: made}):
        await until(store.asked.is_set)
        await harness.job(state=Job.STATE_SUCCEEDED)
        await harness.records.delete_all(JOB.attempts)
        await asyncio.sleep(1.1)
        store.let_in.set()
        await harness.idle()
    assert store.calls["put"] == 1
    assert list(store.keys(JOB.work)) == []
    assert await harness.result(key) is None
    assert await harness.unfinished(key) == []


async def test_a_start_whose_answer_got_lost_is_no_death_when_the_worker_ends(tmp_path: Path) -> None:
    harness = WorkerHarness(tmp_path)
    harness.records = records = MuteRecords()
    key = await harness.submit()
    async with harness.working({Stage.DETECT: Gate()}) as worker:
        await until(lambda: records.created)
        worker.drain()
        await asyncio.sleep(0.05)
        records.mute = False
    assert await harness.unfinished(key) == []


async def test_a_process_that_gets_to_nothing_still_tells_in_time_that_it_is_alive(tmp_path: Path) -> None:
    heard = Heard()
    board = WorkerBoard(worker="w", stages=[Stage.DETECT], metrics=WorkerMetrics(CollectorRegistry()))

    async def scenario() -> None:
        harness = WorkerHarness(tmp_path)
        await harness.job()
        beats = Heartbeats(
            harness.bus, harness.records, board, every_s=2.5, stall_s=60.0, deadline_s=60.0, hangs=_never
        )
        async with beats.beating(RunningTask(TaskKey(JOB, Stage.DETECT), Task(), heard, board)):
            await asyncio.sleep(0.01)
            time.sleep(2.6)  # the loop stands still
            await asyncio.sleep(0.1)

    await scenario()
    assert len(heard.at_s) == 1


async def _never(running: RunningTask, why: str) -> None:
    raise AssertionError(why)
