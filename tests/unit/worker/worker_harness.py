"""Workers, and the bus, records and store they share, within one test."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from liftline.adapters.folder_store import FolderStore
from liftline.errors import UnavailableError
from liftline.jobs.messages import publish_task
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.pipeline.handler import LoadedService, Product, StageHandler, StageOutcome, Work
from liftline.ports import Bus, Entry
from liftline.settings.services import WorkerSettings
from liftline.telemetry.metrics import WorkerMetrics
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import Attempts, DeadTask, JobRecord
from liftline.worker.board import WorkerBoard
from liftline.worker.loop import Worker
from tests.memory import Broker, MemoryBus, MemoryRecords

JOB = JobKey("acme", "0193a2b4c5d600000000aa")
ACK_WAIT_S = 0.6
SOON_S = 15.0


class CountingRecords(MemoryRecords):
    """Counts what is asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: Counter[str] = Counter()

    async def get(self, key: str) -> Entry | None:
        self.calls[f"get {key.partition('.')[0]}"] += 1
        return await super().get(key)

    async def create(self, key: str, value: bytes) -> int | None:
        self.calls[f"create {key.partition('.')[0]}"] += 1
        return await super().create(key, value)

    async def update(self, key: str, value: bytes, *, revision: int) -> int | None:
        self.calls[f"update {key.partition('.')[0]}"] += 1
        return await super().update(key, value, revision=revision)


class TroubledStore(FolderStore):
    """Away while `away` is set; counts what is put and got."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.away = threading.Event()
        self.calls: Counter[str] = Counter()

    def put_file(self, key: str, path: Path) -> None:
        self._call("put")
        super().put_file(key, path)

    def get_file(self, key: str, path: Path) -> None:
        self._call("get")
        super().get_file(key, path)

    def _call(self, name: str) -> None:
        self.calls[name] += 1
        if self.away.is_set():
            raise UnavailableError("The store is away.")


class WorkerHarness:
    """What workers of a test share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.broker = Broker(ack_wait_s=ACK_WAIT_S)
        self.records = CountingRecords()
        self.store = TroubledStore(folder / "store")
        self.bus: Bus = MemoryBus(self.broker)
        self.exit_codes: list[int] = []
        self.registry = CollectorRegistry()
        self._metrics = WorkerMetrics(self.registry)

    async def job(self, job: JobKey = JOB, *, state: Job.State.ValueType = Job.STATE_RUNNING) -> None:
        """A job stands so."""
        value = JobRecord(tenant=job.tenant, job=job.job, state=state).SerializeToString()
        entry = await self.records.get(job.record)
        if entry is None:
            await self.records.create(job.record, value)
        else:
            await self.records.update(job.record, value, revision=entry.revision)

    async def submit(self, stage: Stage = Stage.DETECT, number: int = 0, job: JobKey = JOB, **fields: Any) -> TaskKey:
        """A task of a job that runs."""
        if await self.records.get(job.record) is None:
            await self.job(job)
        key = TaskKey(job, stage, number)
        await publish_task(self.bus, Task(id=key.wire, video_name="clip.mp4", **fields))
        return key

    def stored(self, role: str, data: bytes, job: JobKey = JOB) -> Artifact:
        """An artifact of a job."""
        sha256 = hashlib.sha256(data).hexdigest()
        ref = ArtifactRef(key=f"{job.work}made/{sha256}", sha256=sha256, size_bytes=len(data))
        self.store.put_bytes(ref.key, data)
        return Artifact(role=role, ref=ref)

    def worker(
        self, handlers: Mapping[Stage, StageHandler], *, name: str = "worker", at_once: int = 1, prefetch: int = 1,
        grace_s: float = 0.2, **settings: Any,
    ) -> tuple[Worker, LoadedService]:  # fmt: skip
        """A worker, and what it is to run."""
        board = WorkerBoard(worker=name, stages=list(handlers), metrics=self._metrics)
        worker = Worker(
            list(handlers),
            bus=MemoryBus(self.broker),
            records=self.records,
            store=self.store,
            board=board,
            settings=WorkerSettings(
                scratch_dir=self.folder / "scratch",
                tasks_at_once=at_once,
                prefetch=prefetch,
                grace_s=grace_s,
                **settings,
            ),
            ack_wait_s=ACK_WAIT_S,
            exit_process=self.exit_codes.append,
        )
        return worker, LoadedService(handlers)

    @asynccontextmanager
    async def working(self, handlers: Mapping[Stage, StageHandler], **options: Any) -> AsyncIterator[Worker]:
        """A worker that works while the context lasts."""
        worker, loaded = self.worker(handlers, **options)
        running = asyncio.create_task(worker.run(loaded))
        try:
            yield worker
        finally:
            worker.drain()
            await asyncio.wait_for(running, 20.0)

    def counted(self, name: str, **labels: str) -> float | None:
        """What all workers counted together."""
        return self.registry.get_sample_value(name, labels)

    def unavailable(self, away: bool = True) -> None:
        """NATS goes away, or comes back."""
        self.broker.reachable = self.records.reachable = not away

    async def result(self, key: TaskKey) -> TaskResult | None:
        """What is entered for a task."""
        entry = await self.records.get(key.result)
        return None if entry is None else TaskResult.FromString(entry.value)

    async def enter_result(self, key: TaskKey, **fields: Any) -> TaskResult:
        """Somebody finished a task."""
        result = TaskResult(worker="somebody", **fields)
        assert await self.records.create(key.result, result.SerializeToString()) is not None
        return result

    async def unfinished(self, key: TaskKey) -> list[str]:
        """Admission of a task that have come to no end."""
        entry = await self.records.get(key.attempts)
        return [] if entry is None else list(Attempts.FromString(entry.value).open)

    async def began(self, key: TaskKey, *workers: str) -> None:
        """These workers began a task and were never heard of again."""
        value = Attempts(open=[f"{name}/1" for name in workers]).SerializeToString()
        assert await self.records.create(key.attempts, value) is not None

    @property
    def events(self) -> list[Event]:
        """All that was told."""
        return [Event.FromString(one.data) for one in self.broker.events.kept.values()]

    @property
    def dead(self) -> list[DeadTask]:
        """Tasks that were given up."""
        return [DeadTask.FromString(one.data) for one in self.broker.dead.kept.values()]

    async def idle(self) -> None:
        """Wait until no task is left."""
        await until(lambda: not self.broker.tasks.kept)


async def until(holds: Callable[[], bool], *, within_s: float = SOON_S) -> None:
    """Wait for something to become true."""
    async with asyncio.timeout(within_s):
        while not holds():
            await asyncio.sleep(0.005)


def made(work: Work, data: bytes = b"made") -> StageOutcome:
    """What a handler gives."""
    path = work.folder / "product"
    path.write_bytes(data)
    return StageOutcome([Product("detections", path)], frames_done=3)


class Gate:
    """A handler that stays until it is let go; it counts who is in it."""

    def __init__(self, *, moves: bool = True, heeds_stop: bool = True) -> None:
        self._moves, self._heeds_stop = moves, heeds_stop
        self.open = threading.Event()
        self.begun: list[str] = []
        self.inside = 0
        self.most_inside = 0
        self._lock = threading.Lock()

    def __call__(self, work: Work) -> StageOutcome:
        with self._lock:
            self.begun.append(TaskKey.of(work.task.id).name)
            self.inside += 1
            self.most_inside = max(self.inside, self.most_inside)
        try:
            while not self.open.wait(0.01):
                if self._heeds_stop:
                    work.stop.raise_if_stopped()
                if self._moves:
                    work.progress.advance(1)
            return made(work)
        finally:
            with self._lock:
                self.inside -= 1
