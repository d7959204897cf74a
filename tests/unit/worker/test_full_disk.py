"""A scratch disk that is full of inputs which are only kept for later: they go, and the task goes on."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from liftline.errors import OutputError
from liftline.jobs.naming import JobKey, Stage
from liftline.pipeline.handler import StageOutcome, Work
from tests.unit.worker.worker_harness import JOB, TroubledStore, WorkerHarness, made

OTHER = JobKey("acme", "0193a2b4c5d600000000bb")
_INPUT = bytes(700)
_DISK_BYTES = 1000


def used(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


class SmallDisk(TroubledStore):
    """Objects are fetched to a disk that has room for one."""

    disk: Path

    def get_file(self, key: str, path: Path) -> None:
        if used(self.disk) + len(_INPUT) > _DISK_BYTES:
            raise OutputError("The disk is full.") from OSError(errno.ENOSPC, "No space left on device")
        super().get_file(key, path)


class NeedsRoom:
    """Reads its input, or writes as much itself."""

    def __init__(self, disk: Path) -> None:
        self.disk, self.calls = disk, 0

    def __call__(self, work: Work) -> StageOutcome:
        self.calls += 1
        if work.task.inputs:
            work.input_file("plan")
        elif used(self.disk) + len(_INPUT) > _DISK_BYTES:
            raise OSError(errno.ENOSPC, "No space left on device")
        return made(work)


@pytest.fixture
def harness(tmp_path: Path) -> WorkerHarness:
    found = WorkerHarness(tmp_path)
    found.store = SmallDisk(tmp_path / "store")
    found.store.disk = tmp_path / "scratch"
    return found


async def test_inputs_of_idle_jobs_make_room_for_those_of_a_task(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liftline.worker._failures._DISK_FULL_S", 3600.0)  # it doesn't go back for that
    handler = NeedsRoom(harness.folder / "scratch")
    async with harness.working({Stage.DETECT: handler}):
        for job in (OTHER, JOB):
            await harness.submit(job=job, inputs=[harness.stored("plan", _INPUT, job)])
            await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"] * 2
    assert handler.calls == 2


async def test_inputs_of_idle_jobs_make_room_for_what_a_handler_writes(
    harness: WorkerHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("liftline.worker._failures._DISK_FULL_S", 0.05)
    handler = NeedsRoom(harness.folder / "scratch")
    async with harness.working({Stage.DETECT: handler}):
        await harness.submit(job=OTHER, inputs=[harness.stored("plan", _INPUT, OTHER)])
        await harness.idle()
        await harness.submit()
        await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"] * 2
    assert handler.calls == 3
