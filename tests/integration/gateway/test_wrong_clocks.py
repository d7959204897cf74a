"""Gateways whose clocks are wrong: nothing gets stuck for it, and nothing is done twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from liftline.errors import UnavailableError
from liftline.v1.job_service_pb2 import Job
from tests.integration.gateway.gateway_harness import STALE_S, GatewayHarness

_DAY_S = 86400.0


class RefusingStore:
    """As S3 refuses those whose clocks differ by more than a quarter of an hour."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Any:
        def refuse(*_: Any, **__: Any) -> None:
            raise UnavailableError("The artifact store refuses it (RequestTimeTooSkewed).")

        return refuse if callable(getattr(self._inner, name)) else getattr(self._inner, name)


async def test_a_job_whose_news_are_of_tomorrow_is_looked_into_today(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    harness.clock.pass_by(_DAY_S)
    key = await harness.make()
    harness.clock.pass_by(-_DAY_S)
    await harness.bus.purge_tasks("liftline.tasks.>")
    await harness.recover(harness.gateway())
    assert await harness.state(key) == Job.STATE_SUCCEEDED


async def test_tasks_released_by_a_slow_clock_while_queues_are_looked_at_are_not_lost(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    look = harness.bus.task_subjects
    gateway = harness.gateway()

    async def look_and_be_overtaken(subject_filter: str) -> set[str]:
        """The plan is done just after the first look, and a gateway whose clock is behind takes its event."""
        subjects = await look(subject_filter)
        if subject_filter == "liftline.tasks.>":
            harness.clock.pass_by(-2 * STALE_S)
            await harness.worker.work_off()
            await gateway.coordinator.handle_some(wait_s=0.0)
            harness.clock.pass_by(2 * STALE_S)
        return subjects

    keys = [await harness.make() for _ in range(40)]
    harness.clock.pass_by(STALE_S + 1)
    harness.bus.task_subjects = look_and_be_overtaken  # type: ignore[method-assign]
    await gateway.reconciler.round()
    stored = [await harness.book.get(key) for key in keys]
    assert [one.record.generation for one in stored if one is not None] == [0] * 40
    assert [one.record.state for one in stored if one is not None] == [Job.STATE_RUNNING] * 40


async def test_a_gateway_whom_the_store_refuses_lets_another_look_after_jobs(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    key, store = await harness.make(), harness.store
    harness.store = RefusingStore(store)  # type: ignore[assignment]
    ahead = harness.gateway(holder="ahead")
    harness.store = store
    healthy = harness.gateway(holder="healthy")
    await harness.coordinate(ahead)
    assert await ahead.lease.hold()
    harness.clock.pass_by(STALE_S + 1)
    stop, every = asyncio.Event(), timedelta(milliseconds=10)
    running = [asyncio.create_task(one.reconciler.run(stop, one.lease, every=every)) for one in (ahead, healthy)]
    async with asyncio.timeout(20):
        while await harness.state(key) != Job.STATE_SUCCEEDED:
            await asyncio.sleep(0.01)
    stop.set()
    await asyncio.gather(*running)


@pytest.mark.parametrize("ahead_s", [2 * 3600.0, 400 * _DAY_S])
async def test_a_reconciler_whose_clock_was_ahead_looks_into_jobs_as_before(tmp_path: Path, ahead_s: float) -> None:
    harness = GatewayHarness(tmp_path)
    key = await harness.make()
    gateway = harness.gateway()
    harness.clock.set_ahead(ahead_s)
    for _ in range(3):
        await gateway.reconciler.round()
        harness.clock.pass_by(1)
    harness.clock.set_ahead(-ahead_s)
    await harness.bus.purge_tasks("liftline.tasks.>")
    await harness.recover(gateway)
    assert await harness.state(key) == Job.STATE_SUCCEEDED
