"""The coordinating half of a gateway, put together: everything that minds jobs once they are made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta

from liftline.ports import ArtifactStore, Bus, Records
from liftline.settings.services import GatewaySettings
from liftline.telemetry.metrics import GatewayMetrics
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.coordination._job_changes import JobChanges
from liftline_gateway.coordination.advancing import Advancer
from liftline_gateway.coordination.coordinator import Coordinator
from liftline_gateway.coordination.job_creation import Creation
from liftline_gateway.coordination.lease import Lease
from liftline_gateway.coordination.publishing import Publisher
from liftline_gateway.coordination.reconciler import Reconciler
from liftline_gateway.coordination.removal import Remover
from liftline_gateway.records.job_repository import JobBook
from liftline_gateway.records.store_threads import StoreThreads
from liftline_gateway.webhooks.notices import Notices

_LEASE_ROUNDS, _SHORTEST_LEASE_S = 3.0, 5.0
_PATIENCE = 20
"""So many times as long as a job may be without news, workers may be at one that ended."""


class Coordination:
    """Parts that share what they read and write. `creation`, `notices` and `book` are for the API too."""

    def __init__(
        self,
        bus: Bus,
        records: Records,
        store: ArtifactStore,
        settings: GatewaySettings,
        metrics: GatewayMetrics,
        *,
        tell: Callable[[JobRecord], Awaitable[bool]],
        holder: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`tell` sends the word that a job has ended; `holder` is a name that no other gateway has."""
        stale, self._every = timedelta(seconds=settings.stale_s), timedelta(seconds=settings.reconcile_s)
        self.bus, self.threads = bus, StoreThreads(metrics)
        self.book = JobBook(records, now=now, came_to=JobChanges(metrics))
        self.creation = Creation(self.book, bus, store, self.threads)
        self.notices = Notices(self.book, tell)
        publisher = Publisher(self.book, store, self.threads)
        remover = Remover(self.book, bus, store, self.threads, patience=_PATIENCE * stale)
        self.advancer = Advancer(self.book, bus, publisher, self.notices)
        self.coordinator = Coordinator(bus, self.advancer, metrics)
        self.reconciler = Reconciler(
            self.book, bus, self.advancer, self.creation, remover, self.notices, metrics, stale=stale, now=now
        )  # fmt: skip
        duration = max(_LEASE_ROUNDS * self._every, timedelta(seconds=_SHORTEST_LEASE_S))
        self.lease = Lease(records, "reconciler", holder=holder, duration=duration, now=now)

    async def run(self, stop: asyncio.Event) -> None:
        """Mind jobs until told to stop; what is begun then is finished, or left to be repeated."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.coordinator.run(stop))
                group.create_task(self.reconciler.run(stop, self.lease, every=self._every))
        finally:
            with suppress(asyncio.CancelledError):
                await self.notices.close()
            self.threads.close()
