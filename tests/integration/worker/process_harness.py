"""Real NATS, real S3, and real worker processes with stand-ins for stages; the test is the gateway."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import Connection, connected
from liftline.adapters.nats.records import NatsRecords
from liftline.adapters.s3 import S3Store
from liftline.errors import UnavailableError
from liftline.jobs.messages import publish_task
from liftline.jobs.naming import JobKey, Stage, TaskKey, new_id
from liftline.settings.services import S3Settings
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import Attempts, JobRecord
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import Child, free_ports, start
from liftline_cli.up.s3_server import S3Server
from tests.servers import nats_settings, s3_settings

ACK_WAIT_S, WITHIN_S = 1.5, 30.0
_NAMES = itertools.count()


@dataclass
class ProcessHarness:
    """Where workers work: servers, and what they were asked to do."""

    folder: Path
    nats: NatsServer
    s3: S3Settings
    bus: NatsBus
    records: NatsRecords
    store: S3Store
    events: list[Event] = field(default_factory=list)
    workers: list[Child] = field(default_factory=list)

    def worker(self, service: str = "detector", **options: str) -> Child:
        """Start one; `options` are `LIFTLINE_WORKER_*` settings."""
        (port,) = free_ports(1)
        environment = {
            **os.environ,
            "STANDIN_MARKS": str(self.folder),
            "LIFTLINE_NATS_URL": self.nats.url,
            "LIFTLINE_NATS_ACK_WAIT_S": str(ACK_WAIT_S),
            "LIFTLINE_S3_ENDPOINT": self.s3.endpoint,
            "LIFTLINE_S3_ACCESS_KEY": self.s3.access_key,
            "LIFTLINE_S3_SECRET_KEY": self.s3.secret_key.get_secret_value(),
            "LIFTLINE_S3_BUCKET": self.s3.bucket,
            "LIFTLINE_GRPC_LISTEN": f"127.0.0.1:{port}",
            "LIFTLINE_WORKER_SCRATCH_DIR": str(self.folder),
            **{f"LIFTLINE_WORKER_{name.upper()}": value for name, value in options.items()},
        }
        arguments = [sys.executable, "-m", "tests.standin_services", service]
        child = start(f"worker-{next(_NAMES)}", arguments, folder=self.folder, environment=environment)
        self.workers.append(child)
        return child

    @asynccontextmanager
    async def kept_running(self, count: int, **options: str) -> AsyncIterator[list[int]]:
        """So many workers, started again when they die; gives their exit codes."""
        codes: list[int] = []

        async def keep() -> None:
            alive = [self.worker(**options) for _ in range(count)]
            while True:
                await asyncio.sleep(0.05)
                for at, child in enumerate(alive):
                    if not child.alive:
                        codes.append(child.process.returncode)
                        alive[at] = self.worker(**options)

        keeping = asyncio.create_task(keep())
        try:
            yield codes
        finally:
            keeping.cancel()

    async def submit(self, video_name: str, *numbers: int, job: JobKey | None = None, generation: int = 0) -> JobKey:
        """A job that runs, and detect tasks of it."""
        job = job or JobKey("acme", new_id())
        if generation == 0:
            record = JobRecord(tenant=job.tenant, job=job.job, state=Job.STATE_RUNNING)
            assert await self.records.create(job.record, record.SerializeToString()) is not None
        data = b"plan of " + video_name.encode()
        sha256 = hashlib.sha256(data).hexdigest()
        ref = ArtifactRef(key=f"{job.work}plan-0/{sha256}", sha256=sha256, size_bytes=len(data))
        await asyncio.to_thread(self.store.put_bytes, ref.key, data)
        for number in numbers:
            key = TaskKey(job, Stage.DETECT, number)
            plan = Artifact(role="plan", ref=ref)
            task = Task(id=key.wire, video_name=video_name, inputs=[plan], generation=generation)
            await publish_task(self.bus, task)
        return job

    async def begun_by(self, job: JobKey, number: int = 0, *, count: int = 1) -> list[int]:
        """Process ids of workers that began a task and haven't ended it, once they are so many."""
        async with asyncio.timeout(WITHIN_S):
            while len(pids := await self.unfinished(job, number)) < count:
                await asyncio.sleep(0.02)
        return pids

    async def unfinished(self, job: JobKey, number: int = 0) -> list[int]:
        """The same as it is now."""
        entry = await self.records.get(TaskKey(job, Stage.DETECT, number).attempts)
        names = [] if entry is None else Attempts.FromString(entry.value).open
        return [int(name.partition("/")[0].split("-")[-2]) for name in names]

    async def result(self, job: JobKey, number: int = 0) -> TaskResult | None:
        """What is entered for a task."""
        entry = await self.records.get(TaskKey(job, Stage.DETECT, number).result)
        return None if entry is None else TaskResult.FromString(entry.value)

    def events_of(self, job: JobKey) -> list[Event]:
        """What was told of a job so far."""
        return [event for event in self.events if event.id.job == job.job]

    async def ends(self, job: JobKey, count: int = 1) -> list[Event]:
        """What was told of a job, once that is so much, and nothing of it is left to do."""
        await self.until(lambda: len(self.events_of(job)) >= count)
        async with asyncio.timeout(WITHIN_S):
            while await self.bus.task_subjects(job.task_subjects):
                await asyncio.sleep(0.02)
        return self.events_of(job)

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait for something to become true."""
        async with asyncio.timeout(WITHIN_S):
            while not holds():
                await asyncio.sleep(0.02)

    async def all_serve(self) -> None:
        """Wait until all workers take tasks."""
        await self.until(lambda: all(b'"serving"' in child.log.read_bytes() for child in self.workers))

    async def exit_code(self, child: Child) -> int:
        """Of a worker, once it has ended."""
        await self.until(lambda: not child.alive)
        return child.process.returncode

    async def hear(self) -> None:
        """Keep what is told."""
        while True:
            with suppress(UnavailableError):
                for delivery in await self.bus.pull_events(at_most=100, wait_s=1.0):
                    self.events.append(Event.FromString(delivery.data))
                    await delivery.ack()


@asynccontextmanager
async def process_harness(folder: Path, nats: NatsServer, s3: S3Server) -> AsyncIterator[ProcessHarness]:
    """A harness without workers yet; they end with the context."""
    settings = s3_settings(s3, bucket=f"workers-{next(_NAMES)}")
    async with connected(nats_settings(nats, ack_wait_s=ACK_WAIT_S), name="test") as connection:
        here = await _made(folder, nats, settings, connection)
        hearing = asyncio.create_task(here.hear())
        try:
            yield here
        finally:
            hearing.cancel()
            for child in here.workers:
                if child.alive:
                    child.process.send_signal(signal.SIGCONT)
                    child.kill()


async def _made(folder: Path, nats: NatsServer, s3: S3Settings, connection: Connection) -> ProcessHarness:
    store = S3Store(s3)
    await asyncio.to_thread(store.ensure_bucket)
    await topology.ensure(connection)
    return ProcessHarness(folder, nats, s3, NatsBus(connection), NatsRecords(connection), store)
