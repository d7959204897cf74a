"""One reconciler at a time: who holds the lease, and who takes over."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from liftline.v1.job_service_pb2 import Job
from liftline_gateway.coordination.lease import Lease
from tests.integration.gateway.gateway_harness import STALE_S, Clock, GatewayHarness


def lease(harness: GatewayHarness, holder: str) -> Lease:
    return lease_by(harness, holder, harness.clock)


def lease_by(harness: GatewayHarness, holder: str, clock: Clock) -> Lease:
    duration = timedelta(seconds=30)
    return Lease(
        harness.records, "reconciler", holder=holder, duration=duration, now=clock.now, elapsed_s=clock.elapsed_s
    )


async def test_a_lease_is_held_by_one_and_taken_over_when_it_is_not_kept(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    one, two = lease(harness, "one"), lease(harness, "two")
    assert await one.hold()
    assert not await two.hold()
    harness.clock.pass_by(20)
    assert await one.hold()
    harness.clock.pass_by(20)
    assert not await two.hold()
    harness.clock.pass_by(20)
    assert await two.hold()
    assert not await one.hold()
    await one.release()
    assert not await one.hold()
    await two.release()
    assert await one.hold()


async def test_of_many_who_want_a_lease_at_once_one_gets_it(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    many = [lease(harness, str(number)) for number in range(20)]
    assert sum(await asyncio.gather(*(one.hold() for one in many))) == 1
    harness.clock.pass_by(60)
    assert sum(await asyncio.gather(*(one.hold() for one in many))) == 1


@pytest.mark.parametrize("value", [b"", b"\xff\xff nothing of ours"])
async def test_a_lease_that_says_nothing_is_nobodys(tmp_path: Path, value: bytes) -> None:
    harness = GatewayHarness(tmp_path)

    await harness.records.create("leases.reconciler", value)
    assert await lease(harness, "one").hold()


async def test_another_gateway_takes_over_from_one_that_died(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    await harness.bus.purge_tasks("liftline.tasks.>")
    first, second = harness.gateway(holder="gateway-1"), harness.gateway(holder="gateway-2")
    assert await first.lease.hold()
    stop = asyncio.Event()
    running = asyncio.create_task(second.reconciler.run(stop, second.lease, every=timedelta(milliseconds=5)))
    harness.clock.pass_by(STALE_S - 1)
    await asyncio.sleep(0.05)
    assert not harness.broker.tasks.kept
    harness.clock.pass_by(STALE_S)
    while not harness.broker.tasks.kept:
        await asyncio.sleep(0.01)
        harness.clock.pass_by(1)
    stop.set()
    await running
    assert await first.lease.hold()
    await harness.coordinate(first)
    assert await harness.state(key) == Job.STATE_SUCCEEDED


@pytest.mark.parametrize("released", [False, True])
async def test_a_lease_of_a_gateway_whose_clock_was_a_day_ahead_is_taken_over(tmp_path: Path, released: bool) -> None:
    harness, ahead = GatewayHarness(tmp_path), Clock()
    ahead.pass_by(86400)

    other = lease_by(harness, "ahead", ahead)
    mine = lease(harness, "mine")
    assert await other.hold()
    for _ in range(10):
        assert not await mine.hold()
        harness.clock.pass_by(10)
        ahead.pass_by(10)
        assert await other.hold()
    if released:
        await other.release()
    else:
        assert not await mine.hold()
        harness.clock.pass_by(30)
    assert await mine.hold()


async def test_a_gateway_whose_clock_is_ahead_takes_no_lease_that_is_kept(tmp_path: Path) -> None:
    harness, ahead = GatewayHarness(tmp_path), Clock()
    ahead.set_ahead(400 * 86400)

    mine, other = lease(harness, "mine"), lease_by(harness, "ahead", ahead)
    for _ in range(10):
        assert await mine.hold()
        assert not await other.hold()
        harness.clock.pass_by(10)
        ahead.pass_by(10)
    ahead.pass_by(15)
    assert await other.hold()
