"""A store that gives wrong bytes: read again by whoever needs them; a job ends of what stays wrong alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from liftline.jobs.naming import Stage
from liftline.net.retrying import RetryPolicy
from liftline.pipeline.handler import StageOutcome, Work
from liftline.v1.job_service_pb2 import Failure
from tests.unit.worker.worker_harness import TroubledStore, WorkerHarness, made

_INPUT = bytes(range(200))
WRONG: dict[str, Callable[[int], bytes]] = {
    "short": lambda _: _INPUT[:50],
    "flipped": lambda _: b"\1" + _INPUT[1:],
    "differently each time": lambda number: number.to_bytes(2) * 100,
}


class WrongStore(TroubledStore):
    """Gives wrong bytes so many times."""

    wrong, times = staticmethod(WRONG["short"]), 0

    def get_file(self, key: str, path: Path) -> None:
        super().get_file(key, path)
        if self.calls["get"] <= self.times:
            path.write_bytes(self.wrong(self.calls["get"]))


def read_input(work: Work) -> StageOutcome:
    assert work.input_file("plan").read_bytes() == _INPUT
    return made(work)


def harness_of(folder: Path, kind: str, *, times: int) -> WorkerHarness:
    harness, store = WorkerHarness(folder), WrongStore(folder / "store")
    harness.store, store.times = store, times
    store.wrong = WRONG[kind]  # type: ignore[assignment]
    return harness


@pytest.mark.parametrize(("kind", "times"), [("short", 1), ("flipped", 5), ("differently each time", 9)])
async def test_an_input_that_comes_wrong_for_a_while_is_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, times: int
) -> None:
    monkeypatch.setattr("liftline.worker.task_files.task_inputs.TASK_FETCH", RetryPolicy(first_wait_s=0.001))
    harness = harness_of(tmp_path, kind, times=times)
    async with harness.working({Stage.DETECT: read_input}):
        await harness.submit(inputs=[harness.stored("plan", _INPUT)])
        await harness.idle()
    assert [event.WhichOneof("kind") for event in harness.events] == ["finished"]
    assert harness.store.calls["get"] == times + 1


async def test_an_input_that_stays_wrong_ends_the_job_and_says_why(tmp_path: Path) -> None:
    harness = harness_of(tmp_path, "flipped", times=1000)
    async with harness.working({Stage.DETECT: read_input}):
        await harness.submit(inputs=[harness.stored("plan", _INPUT)])
        await harness.idle()
    (event,) = harness.events
    assert event.failed.reason == Failure.REASON_INTERNAL
    assert "the object was changed in the bucket. Submit the video again." in event.failed.message
    assert harness.store.calls["get"] == 6
