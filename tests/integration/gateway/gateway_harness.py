"""A gateway's coordinating half over in-memory servers, workers that only play, and a clock that tests set.

A gateway can be killed after any of its calls to a server, or before: from then on each call of it fails, and a new one
takes over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from liftline.adapters.folder_store import FolderStore
from liftline.jobs.messages import publish_event, read_task
from liftline.jobs.naming import JobKey, Priority, Stage, TaskKey, consumer, new_id
from liftline.ports import ArtifactStore, Bus, Delivery, Records
from liftline.settings.services import GatewaySettings
from liftline.telemetry.metrics import GatewayMetrics
from liftline.telemetry.traces import continuing
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.events_pb2 import Event, TaskResult
from liftline.v1.job_service_pb2 import Failure, Job
from liftline.v1.records_pb2 import JobRecord, RequestRecord, UploadRecord
from liftline_gateway.coordination.creation_steps import video_key
from liftline_gateway.coordination.wiring import Coordination
from liftline_gateway.records.job_repository import JobRepository, UploadKey
from tests.memory import Broker, MemoryBus, MemoryRecords
from tests.unit.gateway.jobs import TIME, new_record, product, result_of

VIDEO = b"a video, as far as the gateway cares"
STALE_S, ACK_WAIT_S = 30.0, 30.0
CONSUMERS = [consumer(stage, Priority.NORMAL) for stage in reversed(Stage)]


class Clock:
    """Stands still until it is told."""

    def __init__(self) -> None:
        self.seconds, self._elapsed_s = 1_000_000.0, 0.0

    def elapsed_s(self) -> float:
        """Which nobody sets."""
        return self._elapsed_s

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)

    def pass_by(self, seconds: float) -> None:
        self.seconds += seconds
        self._elapsed_s += max(seconds, 0.0)

    def set_ahead(self, seconds: float) -> None:
        """No time passes."""
        self.seconds += seconds


class Killed(BaseException):
    """The process is gone: nothing handles this."""


class Mortal:
    """Counts calls of a gateway to servers; dies at the one it is told, before it or after it."""

    def __init__(self, *, at: int | None = None, after: bool = True) -> None:
        self.calls, self._at, self._after, self.dead = 0, at, after, False

    def around(self, inner: Any) -> Any:
        """The same object, its methods counted."""
        return _Watched(inner, self)

    def before_call(self) -> int:
        """The number of the call."""
        self._raise_if_dead()
        self.calls += 1
        if self.calls == self._at and not self._after:
            self.dead = True
        self._raise_if_dead()
        return self.calls

    def after_call(self, number: int) -> None:
        if number == self._at and self._after:
            self.dead = True
        self._raise_if_dead()

    def _raise_if_dead(self) -> None:
        if self.dead:
            raise Killed


class _Watched:
    def __init__(self, inner: Any, mortal: Mortal) -> None:
        self._inner, self._mortal = inner, mortal

    def __getattr__(self, name: str) -> Any:
        method, mortal = getattr(self._inner, name), self._mortal
        if not callable(method):
            return method

        async def asynchronous(*arguments: Any, **options: Any) -> Any:
            number = mortal.before_call()
            answer = await method(*arguments, **options)
            mortal.after_call(number)
            if name == "pull_events":
                return [mortal.around(one) for one in answer]
            return answer

        def synchronous(*arguments: Any, **options: Any) -> Any:
            number = mortal.before_call()
            answer = method(*arguments, **options)
            mortal.after_call(number)
            return answer

        return asynchronous if asyncio.iscoroutinefunction(method) else synchronous


class Worker:
    """Takes tasks of all stages and plays them, with all the calls of a real one that the gateway can see."""

    def __init__(self, bus: Bus, records: Records, store: ArtifactStore, *, segments: int = 3) -> None:
        self.bus, self.book, self.store, self.segments = bus, JobRepository(records), store, segments
        self.done: list[str] = []
        self.broken: Callable[[TaskKey], bool] = lambda key: False

    async def work_off(self) -> int:
        """Everything that waits; how many tasks."""
        count = 0
        while (delivery := await self.bus.pull(CONSUMERS, wait_s=0.0)) is not None:
            await self.work(delivery)
            count += 1
        return count

    async def work(self, delivery: Delivery) -> None:
        task = read_task(delivery)
        key = TaskKey.of(task.id)
        stored = await self.book.get(key.job)
        if stored is None or stored.record.state not in (Job.STATE_QUEUED, Job.STATE_RUNNING):
            await delivery.ack()
            return
        self.done.append(key.name)
        if self.broken(key):
            event = Event(id=task.id, time=TIME, failed=Failure(reason=Failure.REASON_MODEL, message="No model."))
        else:
            event = Event(
                id=task.id, time=TIME, finished=await self.result(key, result_of(task, segments=self.segments))
            )
        with continuing(delivery.headers):
            await publish_event(self.bus, event, attempt=f"{task.generation}-{len(self.done)}")
        await delivery.ack()

    async def result(self, key: TaskKey, made: TaskResult) -> TaskResult:
        """Stored, unless another was before; files that only other workers would read aren't made."""
        for one in (one for one in made.artifacts if one.path):
            self.store.put_bytes(one.ref.key, product(key, one.role))
        if await self.book.records.create(key.result, made.SerializeToString()) is not None:
            return made
        return await self.book.result(key) or made


class GatewayHarness:
    """Servers, a worker, and gateways as they are asked for."""

    def __init__(self, folder: Path, *, segments: int = 3) -> None:
        self.clock = Clock()
        self.broker = Broker(ack_wait_s=ACK_WAIT_S, clock=lambda: self.clock.seconds)
        self.bus, self.records, self.store = MemoryBus(self.broker), MemoryRecords(), FolderStore(folder)
        self.worker = Worker(self.bus, self.records, self.store, segments=segments)
        self.book = JobRepository(self.records, now=self.clock.now)
        self.registry = CollectorRegistry()
        self.told: list[tuple[str, Job.State.ValueType]] = []

    def gateway(self, mortal: Mortal | None = None, *, holder: str = "gateway-1") -> Coordination:
        """A new one; what it counts is in `registry`."""
        around, self.registry = (mortal or Mortal()).around, CollectorRegistry()
        return Coordination(
            around(self.bus), around(self.records), around(self.store),
            GatewaySettings(stale_s=STALE_S, reconcile_s=10.0), GatewayMetrics(self.registry),
            send_webhook=self.tell, holder=holder, now=self.clock.now,
            elapsed_s=self.clock.elapsed_s,
        )  # fmt: skip

    def sample(self, name: str, **labels: str) -> float | None:
        """What the latest gateway counted."""
        return self.registry.get_sample_value(name, labels)

    async def tell(self, record: JobRecord) -> bool:
        self.told.append((record.job, record.state))
        return True

    async def request(self, *, webhook: str = "", max_parallel: int = 2, traceparent: str = "") -> RequestRecord:
        """A request for a new job of a video that was uploaded."""
        key, upload = JobKey("acme", new_id()), UploadKey("acme", new_id())
        expiry = self.clock.now() + timedelta(hours=1)
        record = UploadRecord(file_name="clip.mp4", size_bytes=len(VIDEO), key=upload.video("clip.mp4"))
        record.expire_time.FromDatetime(expiry)
        await self.book.create_upload(upload, record)
        self.store.put_bytes(record.key, VIDEO)
        initial = new_record(key, max_parallel=max_parallel)
        initial.video.CopyFrom(ArtifactRef(key=video_key(key, "clip.mp4"), size_bytes=len(VIDEO)))
        initial.create_time.FromDatetime(self.clock.now())
        initial.webhook_uri, initial.traceparent = webhook, traceparent
        return RequestRecord(job=key.job, fingerprint="same", upload=upload.upload, initial=initial)

    async def kept(self) -> list[str]:
        """Keys of all records but those of uploads, which go when they expire."""
        return [key for key in await self.records.keys("") if not key.startswith("uploads.")]

    async def make(self, **options: Any) -> JobKey:
        """A new job."""
        request, gateway = await self.request(**options), self.gateway()
        await gateway.creation.complete(await gateway.creation.register(request))
        await gateway.creation.tidy(UploadKey("acme", request.upload))
        gateway.threads.close()
        return JobKey("acme", request.job)

    async def coordinate(self, gateway: Coordination) -> None:
        """Workers and coordinator until nothing moves."""
        while await self.worker.work_off() + await gateway.coordinator.handle_some(wait_s=0.0):
            pass
        await gateway.coordinator.settle()

    async def recover(self, gateway: Coordination, *, rounds: int = 8) -> None:
        """Workers, coordinator and reconciler, with time passing, for so many rounds."""
        for _ in range(rounds):
            await self.coordinate(gateway)
            self.clock.pass_by(STALE_S + 1)
            await gateway.reconciler.round()
            await gateway.coordinator.settle()

    async def state(self, key: JobKey) -> Job.State.ValueType | None:
        stored = await self.book.get(key)
        return None if stored is None else stored.record.state

    async def remembered(self) -> list[str]:
        """Keys of all records but uploads, which are kept until their addresses no longer work."""
        return [key for key in await self.records.keys("") if not key.startswith("uploads.")]

    def tree(self, key: JobKey) -> dict[str, bytes]:
        """Outputs of a job."""
        keys = sorted(self.store.keys(key.tree))
        return {one.removeprefix(key.tree): self.store.get_bytes(one, at_most=1 << 20) for one in keys}
