"""A gateway that is told to end while the store is away and much is to be done there: it ends, another one goes on."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest

from liftline.errors import UnavailableError
from liftline.v1.job_service_pb2 import Job
from liftline_gateway.api.cancellation import delete_job
from liftline_gateway.coordination.wiring import Coordination
from tests.integration.gateway.gateway_harness import STALE_S, GatewayHarness

_JOBS, _CALL_S = 120, 0.5


class Away:
    """Calls wait for a server that doesn't come."""

    def __init__(self) -> None:
        self.called = False

    def __call__(self, *_: str) -> None:
        self.called = True
        time.sleep(_CALL_S)
        raise UnavailableError("The store is away.")


@pytest.fixture(autouse=True)
def _hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("liftline_gateway.coordination.coordinator._END_WITHIN_S", 0.5)


async def test_while_it_removes_files(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    gateway, away, remove_all = harness.gateway(), Away(), harness.store.remove_all

    for key in [await harness.make() for _ in range(_JOBS)]:
        await delete_job(harness.book, harness.bus, key)
    harness.clock.pass_by(STALE_S + 1)
    harness.store.remove_all = away  # type: ignore[method-assign]
    running, stop = _running(gateway)
    while not away.called:
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 2.0)
    harness.store.remove_all = remove_all  # type: ignore[method-assign]
    await harness.recover(harness.gateway(holder="gateway-2"), rounds=2)
    assert await harness.kept() == ["leases.reconciler"]


async def test_while_it_publishes_outputs(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    gateway, away, copy = harness.gateway(), Away(), harness.store.copy

    keys = [await harness.make() for _ in range(_JOBS)]
    harness.store.copy = away  # type: ignore[method-assign]
    running, stop = _running(gateway)
    while not away.called:
        await harness.worker.work_off()
        await asyncio.sleep(0.01)
    stop.set()
    await asyncio.wait_for(running, 5.0)
    harness.store.copy = copy  # type: ignore[method-assign]
    await harness.recover(harness.gateway(holder="gateway-2"))
    assert {await harness.state(key) for key in keys} == {Job.STATE_SUCCEEDED}


def _running(gateway: Coordination) -> tuple[asyncio.Task[None], asyncio.Event]:
    stop = asyncio.Event()
    return asyncio.create_task(gateway.run(stop)), stop
