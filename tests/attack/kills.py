"""Processes that are killed or frozen at the worst moments: nothing is lost, wrong or left."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from functools import partial

from liftline.client import Job
from liftline.jobs.naming import Stage
from tests.attack.ground import ENDED_WITHIN_S, Ground, Tenant
from tests.attack.trials import FellError, Trial, hold
from tests.chaos.leftovers import leftovers
from tests.cluster import GATEWAY, RENDERER, WORKERS

NAME = "standin-segments=3-all=0.3-mux=1.5.mp4"


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """At mux first, where results are about to be there."""
    for number in range(1 if few else 6):
        yield f"gateways, renderers and NATS at mux, {number}", partial(_at, ground, Stage.MUX, _kill_most)
    if not few:
        for stage in Stage:
            yield f"workers frozen at {stage}", partial(_at, ground, stage, _freeze)
        yield "everything restarted in mid-job", partial(_at, ground, Stage.RENDER, _restart_all)
    yield "left over", partial(_left, ground)


def _at(ground: Ground, stage: Stage, harm: Callable[[Ground], None]) -> None:
    """Harm the system once two jobs have come so far."""
    jobs = [(tenant, ground.submitted(tenant, NAME)) for tenant in (ground.a, ground.b)]
    for tenant, job in jobs:
        _wait_for(tenant, job, stage)
    harm(ground)
    for tenant, job in jobs:
        ground.check_done(tenant, job, NAME)
    ground.cluster.wait_until_serving()


def _wait_for(tenant: Tenant, job: Job, stage: Stage) -> None:
    end_s = time.monotonic() + ENDED_WITHIN_S
    while time.monotonic() < end_s:
        now = tenant.client.get(job)
        if now.state.ended or any(one.stage is stage for one in now.stages):
            return
        time.sleep(0.05)
    raise FellError(f"{job.id} doesn't come to {stage}")


def _kill_most(ground: Ground) -> None:
    for part in ground.cluster.of(GATEWAY, RENDERER):
        ground.cluster.kill(part)
    with ground.cluster.without_nats():
        time.sleep(0.5)


def _restart_all(ground: Ground) -> None:
    with ground.cluster.without_nats(), ground.cluster.without_s3():
        for part in ground.cluster.parts:
            ground.cluster.kill(part)
        time.sleep(1.0)


def _freeze(ground: Ground) -> None:
    """For longer than a task waits for its worker."""
    frozen = [(part, part.child) for part in ground.cluster.of(*WORKERS)]
    for part, _ in frozen:
        part.signal(signal.SIGSTOP)
    time.sleep(4.0)
    for part, child in frozen:
        if part.child is child:
            part.signal(signal.SIGCONT)


def _left(ground: Ground) -> None:
    """Uploads that nobody made a job of expire by themselves; they aren't meant."""
    end_s = time.monotonic() + 30
    while found := [one for one in leftovers(ground.cluster, within_s=0.0) if "/uploads/" not in one]:
        hold(time.monotonic() < end_s, f"left: {found[:20]}")
        time.sleep(0.5)
    ground.check_hers()
