"""The coordinating half of a gateway, put together: everything that minds jobs once they are made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from liftline.ports import ArtifactStore, Bus, Records
from liftline.settings.services import GatewaySettings
from liftline.telemetry.metrics import GatewayMetrics
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.coordination._job_changes import counting_in
from liftline_gateway.coordination.advancing import Advancer
from liftline_gateway.coordination.coordinator import Coordinator
from liftline_gateway.coordination.creation_steps import CreationSteps
from liftline_gateway.coordination.lease import Lease
from liftline_gateway.coordination.publishing import Publisher
from liftline_gateway.coordination.reconciler import Reconciler
from liftline_gateway.coordination.removal import Remover
from liftline_gateway.records.job_repository import JobRepository
from liftline_gateway.records.store_threads import StoreThreads
from liftline_gateway.webhooks.notifier import Notifier

_LEASE_ROUNDS, _SHORTEST_LEASE_S = 3.0, 5.0
_GRACE = 20
"""Times as long as a job may be without news, workers may be at one that has ended."""


class Coordination:
    """Parts that share what they read and write. `creation`, `notifier` and `jobs` are for the API too."""

    def __init__(
        self,
        bus: Bus,
        records: Records,
        store: ArtifactStore,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
        *,
        send_webhook: Callable[[JobRecord], Awaitable[bool]],
        holder: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`send_webhook` is told of jobs that have ended; `holder` is a name that no other gateway has."""
        stale, self._every = timedelta(seconds=settings.stale_s), timedelta(seconds=settings.reconcile_s)
        self.bus, self.threads = bus, StoreThreads(metrics)
        self.jobs = JobRepository(records, now=now, came_to=counting_in(metrics))
        self.creation = CreationSteps(self.jobs, bus, store, self.threads)
        self.notifier = Notifier(self.jobs, send_webhook)
        publisher = Publisher(self.jobs, store, self.threads)
        remover = Remover(self.jobs, bus, store, self.threads, grace_period=_GRACE * stale)
        self.advancer = Advancer(self.jobs, bus, publisher, self.notifier)
        self.coordinator = Coordinator(bus, self.advancer, metrics)
        self.reconciler = Reconciler(
            self.jobs, bus, self.advancer, self.creation, remover, self.notifier, metrics,
            stale=stale, now=now, elapsed_s=elapsed_s,
        )  # fmt: skip
        duration = max(_LEASE_ROUNDS * self._every, timedelta(seconds=_SHORTEST_LEASE_S))
        self.lease = Lease(records, "reconciler", holder=holder, duration=duration, now=now, elapsed_s=elapsed_s)

    async def run(self, stop: asyncio.Event) -> None:
        """Mind jobs until told to stop; what is begun then is finished, or left to be repeated."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.coordinator.run(stop))
                group.create_task(self.reconciler.run(stop, self.lease, every=self._every))
        finally:
            with suppress(asyncio.CancelledError):
                await self.notifier.close()
            self.threads.close()
