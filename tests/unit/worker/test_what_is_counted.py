"""Bytes that tasks fetch, and servers that don't answer them."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import BinaryIO, cast

import pytest
from prometheus_client import CollectorRegistry

from liftline.errors import UnavailableError
from liftline.files.range_reader import RangeReader
from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline.handler import StageOutcome, Work
from liftline.ports import BlockCheck
from liftline.telemetry.metrics import WorkerMetrics
from liftline.v1.events_pb2 import Task, TaskResult
from liftline.worker._completion import Completion
from liftline.worker.admission.admission import Admission
from liftline.worker.admission.slots import Slots
from liftline.worker.board import TaskEnd, WorkerBoard
from liftline.worker.running_task import RunningTask
from tests.memory import Broker, MemoryBus, MemoryRecords
from tests.unit.worker.worker_harness import JOB, TroubledStore, WorkerHarness, made, until

CONTENT = bytes(range(250)) * 4
KEY = TaskKey(JOB, Stage.DETECT)


class RangedStore(TroubledStore):
    """Objects are read by ranges, as those of S3."""

    def open(self, key: str, *, check: BlockCheck | None = None) -> BinaryIO:
        self._call("open")
        content = self.get_bytes(key, at_most=1 << 20)

        def read_range(offset: int, length: int) -> bytes:
            self._call("read")
            return content[offset : offset + length]

        return cast(BinaryIO, RangeReader(read_range, len(content), block_bytes=400))


class Nowhere:
    """A delivery whose server doesn't answer the first times that it is acknowledged."""

    subject, data, deliveries = "", b"", 1

    def __init__(self, *, times: int) -> None:
        self.headers: dict[str, str] = {}
        self.times = times

    async def in_progress(self) -> None: ...

    async def ack(self) -> None:
        if self.times:
            self.times -= 1
            raise UnavailableError("NATS is away.")

    async def nak(self, *, delay_s: float = 0.0) -> None: ...

    async def term(self) -> None: ...


@pytest.fixture
def harness(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> WorkerHarness:
    monkeypatch.setattr("liftline.worker._failures._AWAY_S", 0.05)
    harness = WorkerHarness(tmp_path)
    harness.store = RangedStore(tmp_path / "store")
    return harness


async def do(harness: WorkerHarness, handler: object) -> None:
    """One task with a video."""
    await harness.submit(inputs=[harness.stored("video", CONTENT)])
    async with harness.working({Stage.DETECT: handler}):  # type: ignore[dict-item]
        await harness.idle()


async def test_what_is_read_of_a_video_is_fetched(harness: WorkerHarness) -> None:
    def handler(work: Work) -> StageOutcome:
        with work.video()() as stream:
            assert stream.read(100) == CONTENT[:100]
            assert stream.seek(-50, io.SEEK_END) == stream.tell() == len(CONTENT) - 50
            assert stream.read() == CONTENT[-50:]
        return made(work)

    await do(harness, handler)
    assert harness.counted("liftline_fetched_bytes_total") == 150
    assert harness.counted("liftline_store_errors_total") == 0


async def test_a_store_away_while_a_video_is_read_is_counted(harness: WorkerHarness) -> None:
    def handler(work: Work) -> StageOutcome:
        with work.video()() as stream:
            assert stream.read(100) == CONTENT[:100]
            if harness.store.calls["open"] == 1:
                harness.store.away.set()
            stream.seek(900)
            try:
                stream.read(100)
            finally:
                harness.store.away.clear()
        return made(work)

    await do(harness, handler)
    assert harness.counted("liftline_store_errors_total") == 1
    assert harness.counted("liftline_fetched_bytes_total") == 300
    assert harness.counted("liftline_tasks_total", stage="detect", ending="given_back") == 1
    assert harness.counted("liftline_tasks_total", stage="detect", ending="done") == 1


async def test_a_store_away_when_a_video_is_opened_is_counted(harness: WorkerHarness) -> None:
    def handler(work: Work) -> StageOutcome:
        if not harness.store.calls["open"]:
            harness.store.away.set()
        try:
            work.video()().close()
        finally:
            harness.store.away.clear()
        return made(work)

    await do(harness, handler)
    assert harness.counted("liftline_store_errors_total") == 1


async def test_a_stream_of_a_video_is_closed_with_what_is_below(harness: WorkerHarness) -> None:
    streams: list[BinaryIO] = []

    def handler(work: Work) -> StageOutcome:
        streams.append(work.video()())
        streams[0].close()
        with pytest.raises(ValueError, match="closed"):
            streams[0].read(1)
        return made(work)

    await do(harness, handler)
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]
    assert streams[0].closed


def board_in(registry: CollectorRegistry) -> WorkerBoard:
    return WorkerBoard(worker="w", stages=[Stage.DETECT], metrics=WorkerMetrics(registry))


async def test_nats_away_while_a_task_ends_is_counted() -> None:
    registry = CollectorRegistry()
    board = board_in(registry)
    completion = Completion(MemoryBus(Broker(ack_wait_s=1.0)), MemoryRecords(), board)
    ending = await completion.done(RunningTask(KEY, Task(), Nowhere(times=2), board), TaskResult())
    assert ending is TaskEnd.DONE
    assert registry.get_sample_value("liftline_bus_errors_total") == 2


async def test_nats_away_while_a_task_begins_is_counted() -> None:
    registry, records = CollectorRegistry(), MemoryRecords()
    board = board_in(registry)
    starts = Admission(
        records, MemoryBus(Broker(ack_wait_s=1.0)), Slots(1), worker="w", max_attempts=3, ack_wait_s=1.0
    )  # fmt: skip

    async def come_back() -> None:
        await until(lambda: registry.get_sample_value("liftline_bus_errors_total") == 1)
        records.reachable = True

    records.reachable = False
    coming = asyncio.create_task(come_back())
    async with starts.admitted(RunningTask(KEY, Task(), Nowhere(times=0), board)):
        await coming
