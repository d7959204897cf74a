"""One of two gateways whose clock is wrong for a while: jobs end all the same, while it is and afterwards."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from functools import partial

from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from tests.attack.ground import Ground, Tenant
from tests.attack.surroundings import need_clock, set_clock
from tests.attack.trials import Trial, hold
from tests.cluster import GATEWAY
from tests.servers import nats_settings

NAME = "standin-segments=2-all=0.1.mp4"


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """Ahead by hours and by more than a year, and behind."""
    for ahead in ("+2h",) if few else ("+2h", "+400d", "-2h", "+30s"):
        for first in (False, True):
            if not (few and first):
                words = "who looks after jobs" if first else "who may not"
                yield f"{ahead}, of the one {words}", partial(_wrong, ground, ahead, first=first)


def _wrong(ground: Ground, ahead: str, *, first: bool) -> None:
    """Tasks are lost meanwhile, too, so that jobs need someone to look after them."""
    need_clock()
    if first:  # the other one has to take over
        healthy, other = ground.cluster.of(GATEWAY)
        ground.cluster.scale_down(healthy)
        time.sleep(2.0)
        ground.cluster.scale_up(healthy)
        ground.cluster.wait_until_serving(healthy, other)
    try:
        set_clock(ground.folder, ahead)
        _jobs_that_lose_tasks(ground, ground.a)
    finally:
        set_clock(ground.folder, "+0")
    _jobs_that_lose_tasks(ground, ground.b)
    hold(ground.cluster.serves(ground.cluster.of(GATEWAY)[1]), "the gateway whose clock was wrong doesn't serve")


def _jobs_that_lose_tasks(ground: Ground, tenant: Tenant) -> None:
    jobs = [ground.submitted(tenant, NAME) for _ in range(4)]
    asyncio.run(_lose_tasks(ground))
    for job in jobs:
        ground.check_done(tenant, job, NAME)


async def _lose_tasks(ground: Ground) -> None:
    async with connected(nats_settings(ground.cluster.nats), name="attack") as nats:
        await NatsBus(nats).purge_tasks("liftline.tasks.>")
