"""The coordinator: takes events of tasks into the records of their jobs. Any number of gateways do it at once.

Events come in batches and are grouped by job: one change of a record each. Tasks published → record updated → events
acknowledged: whatever is interrupted happens again when the events are delivered again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from opentelemetry.trace import SpanKind

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.jobs.messages import read_event
from liftline.jobs.naming import JobKey, is_token
from liftline.ports import Bus, Delivery
from liftline.telemetry.metrics import GatewayMetrics, from_zero
from liftline.telemetry.traces import continuing, span
from liftline.v1.events_pb2 import Event
from liftline_gateway.coordination.advancing import Advancer

log = structlog.get_logger(__name__)
_BATCH, _WAIT_S = 512, 1.0
_JOBS_AT_ONCE, _PUBLISHING_AT_ONCE = 32, 8
_AGAIN_S, _FAULT_AGAIN_S, _END_WITHIN_S = 1.0, 10.0, 5.0
_MOST_FAULTS = 10
"""An event that can't be handled for a fault of ours so often is left to the reconciler."""
_UNREADABLE = "unreadable"
"""Counted in `metrics.events` under this kind: an event whose bytes can't be read."""


@dataclass(frozen=True)
class _Received:
    """An event and the message it came in."""

    event: Event
    delivery: Delivery


class Coordinator:
    """Pulls events of tasks and has their jobs advanced."""

    def __init__(self, bus: Bus, advancer: Advancer, metrics: GatewayMetrics) -> None:
        self._bus, self._advancer, self._metrics = bus, advancer, metrics
        kinds = [field.name for field in Event.DESCRIPTOR.oneofs_by_name["kind"].fields]
        from_zero(metrics.events, [*kinds, _UNREADABLE])
        self._at_once, self._publishing = asyncio.Semaphore(_JOBS_AT_ONCE), asyncio.Semaphore(_PUBLISHING_AT_ONCE)
        self._background: dict[JobKey, asyncio.Task[None]] = {}

    async def run(self, stop: asyncio.Event) -> None:
        """Until told to stop; jobs that are being published then still are, if it doesn't take long."""
        while not stop.is_set():
            try:
                await self.handle_some(wait_s=_WAIT_S)
            except UnavailableError as error:
                self._metrics.bus_errors.inc()
                log.warning("events_unavailable", error=str(error))
                await asyncio.sleep(_AGAIN_S)
        with suppress(TimeoutError):  # the reconciler of another gateway goes on
            await asyncio.wait_for(self.settle(), _END_WITHIN_S)

    async def handle_some(self, *, wait_s: float) -> int:
        """Wait for events and handle a batch of them; how many. Raises UnavailableError where none can be had."""
        deliveries = await self._bus.pull_events(at_most=_BATCH, wait_s=wait_s)
        groups: dict[JobKey, list[_Received]] = {}
        for delivery in deliveries:
            received = await self._read(delivery)
            if received is not None:
                key = JobKey(received.event.id.tenant, received.event.id.job)
                groups.setdefault(key, []).append(received)
        await asyncio.gather(*(self._handle(key, group) for key, group in groups.items()))
        return len(deliveries)

    async def settle(self) -> None:
        """Wait for jobs that are being published."""
        while self._background:
            await asyncio.gather(*self._background.values())

    async def _read(self, delivery: Delivery) -> _Received | None:
        """An event that makes sense; what doesn't is done with."""
        try:
            event = read_event(delivery)
            if not (is_token(event.id.tenant) and is_token(event.id.job)):
                raise InvalidArtifactError(f"{delivery.subject}: an event of no job.")
        except InvalidArtifactError as error:
            log.error("event_unreadable", subject=delivery.subject, error=str(error))
            self._metrics.events.labels(_UNREADABLE).inc()
            await _quietly(delivery.ack())
            return None
        return _Received(event, delivery)

    async def _handle(self, key: JobKey, group: Sequence[_Received]) -> None:
        """One job's events. Whatever goes wrong here stops no other job."""
        attributes: dict[str, str | int] = {
            "liftline.tenant": key.tenant, "liftline.job": key.job, "liftline.events": len(group),
        }  # fmt: skip
        async with self._at_once:
            with (
                structlog.contextvars.bound_contextvars(tenant=key.tenant, job=key.job),
                continuing(group[0].delivery.headers),
                span("advance", kind=SpanKind.CONSUMER, attributes=attributes),
            ):
                try:
                    await self._advance(key, group)
                except UnavailableError as error:
                    self._metrics.bus_errors.inc()
                    log.warning("events_given_back", events=len(group), error=str(error))
                    await _all(one.delivery.nak(delay_s=_AGAIN_S) for one in group)
                except Exception:
                    log.exception("events_not_handled", events=len(group))
                    await _all(self._after_fault(one.delivery) for one in group)

    async def _advance(self, key: JobKey, group: Sequence[_Received]) -> None:
        record = await self._advancer.take(key, [one.event for one in group])
        self._measure(group)
        await _all(one.delivery.ack() for one in group)
        if record is None:
            return
        try:
            await self._advancer.follow(record)
        except UnavailableError as error:
            log.warning("left_to_the_reconciler", error=str(error))
        if record.publishing and key not in self._background:
            task = asyncio.create_task(self._publish(key))
            self._background[key] = task
            task.add_done_callback(lambda _: self._background.pop(key, None))

    async def _publish(self, key: JobKey) -> None:
        async with self._publishing:
            try:
                await self._advancer.publish_outputs(key)
            except UnavailableError as error:
                log.warning("publishing_put_off", tenant=key.tenant, job=key.job, error=str(error))
            except Exception:
                log.exception("publishing_failed", tenant=key.tenant, job=key.job)

    def _measure(self, group: Sequence[_Received]) -> None:
        now = datetime.now(UTC)
        for one in group:
            self._metrics.events.labels(one.event.WhichOneof("kind") or "").inc()
            if one.event.HasField("time"):
                lag = (now - one.event.time.ToDatetime(tzinfo=UTC)).total_seconds()
                self._metrics.event_lag_seconds.observe(max(lag, 0.0))

    async def _after_fault(self, delivery: Delivery) -> None:
        if delivery.deliveries < _MOST_FAULTS:
            await delivery.nak(delay_s=_FAULT_AGAIN_S)
        else:
            log.error("event_given_up", subject=delivery.subject, deliveries=delivery.deliveries)
            await delivery.ack()


async def _all(calls: Iterable[Awaitable[None]]) -> None:
    """All at once; those that don't arrive are delivered again."""
    await asyncio.gather(*(_quietly(call) for call in calls))


async def _quietly(call: Awaitable[None]) -> None:
    try:
        await call
    except UnavailableError as error:
        log.warning("event_not_acknowledged", error=str(error))
