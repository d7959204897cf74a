"""The three services as processes over real NATS and S3; the test is the gateway, by the coordinator's own rules."""

from __future__ import annotations

import asyncio
import itertools
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.adapters.s3 import S3Store
from liftline.jobs.messages import publish_task, read_event
from liftline.jobs.naming import JobKey, TaskKey, new_id
from liftline.pipeline.state import advance, begin, is_over
from liftline.settings.services import S3Settings
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.events_pb2 import TaskResult
from liftline.v1.job_service_pb2 import JobSettings
from liftline.v1.records_pb2 import JobRecord
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import Child, free_ports, start
from liftline_cli.up.s3_server import S3Server
from tests.servers import nats_settings, s3_settings

SERVICES = ("detector", "lifter", "renderer")
WITHIN_S = 240.0
_NAMES = itertools.count()


@dataclass
class ServiceHarness:
    """Servers, services that work, and jobs they are given."""

    folder: Path
    nats: NatsServer
    s3: S3Settings
    bus: NatsBus
    records: NatsRecords
    store: S3Store
    services: dict[str, Child] = field(default_factory=dict)
    ports: dict[str, int] = field(default_factory=dict)

    def start(self, service: str) -> None:
        """`python -m liftline_<service>`."""
        (port,) = free_ports(1)
        environment = {
            **os.environ,
            "LIFTLINE_NATS_URL": self.nats.url,
            "LIFTLINE_NATS_ACK_WAIT_S": "5",
            "LIFTLINE_S3_ENDPOINT": self.s3.endpoint,
            "LIFTLINE_S3_ACCESS_KEY": self.s3.access_key,
            "LIFTLINE_S3_SECRET_KEY": self.s3.secret_key.get_secret_value(),
            "LIFTLINE_S3_BUCKET": self.s3.bucket,
            "LIFTLINE_GRPC_LISTEN": f"127.0.0.1:{port}",
            "LIFTLINE_WORKER_SCRATCH_DIR": str(self.folder),
        }
        command = [sys.executable, "-m", f"liftline_{service}"]
        self.services[service] = start(service, command, folder=self.folder, environment=environment)
        self.ports[service] = port

    def end(self, service: str) -> int:
        """Exit code after SIGTERM."""
        process = self.services[service].process
        process.send_signal(signal.SIGTERM)
        return process.wait(60)

    async def process(self, video: Path, *, settings: JobSettings | None = None, segment_s: float = 10.0) -> JobRecord:
        """Give the services a job, task by task; its record when they are done with it."""
        job = JobKey("local", new_id())
        ref = ArtifactRef(key=f"{job.prefix}input/{video.name}", size_bytes=video.stat().st_size)
        await asyncio.to_thread(self.store.put_file, ref.key, video)
        record = JobRecord(
            tenant=job.tenant, job=job.job, video_name=video.name, settings=settings or JobSettings(), video=ref,
            segment_s=segment_s, max_parallel_segments=4, create_time=Timestamp(seconds=1),
        )  # fmt: skip
        record, tasks = begin(record)
        revision = await self.records.create(job.record, record.SerializeToString())
        async with asyncio.timeout(WITHIN_S):
            while not (record.publishing or is_over(record)):
                for task in tasks:
                    await publish_task(self.bus, task)
                tasks = []
                for delivery in await self.bus.pull_events(at_most=100, wait_s=1.0):
                    record, more = advance(record, read_event(delivery))
                    tasks += more
                    await delivery.ack()
                assert revision is not None
                revision = await self.records.update(job.record, record.SerializeToString(), revision=revision)
        return record

    async def results(self, record: JobRecord) -> dict[str, TaskResult]:
        """What was entered for each task, by the task's name."""
        job = JobKey(record.tenant, record.job)
        found = {}
        for name in await self.records.keys(job.results):
            entry = await self.records.get(name)
            assert entry is not None
            found[name.removeprefix(job.results)] = TaskResult.FromString(entry.value)
        return found

    def fetched(self, result: TaskResult, role: str) -> Path:
        """An artifact as a file."""
        ref = next(one.ref for one in result.artifacts if one.role == role)
        path = self.folder / f"fetched-{next(_NAMES)}"
        self.store.get_file(ref.key, path)
        return path


@asynccontextmanager
async def service_harness(folder: Path, nats: NatsServer, s3: S3Server) -> AsyncIterator[ServiceHarness]:
    """All services running; they end with the context."""
    settings = s3_settings(s3, bucket=f"services-{next(_NAMES)}")
    async with connected(nats_settings(nats, ack_wait_s=5.0), name="test") as connection:
        store = S3Store(settings)
        await asyncio.to_thread(store.ensure_bucket)
        await topology.ensure(connection)
        here = ServiceHarness(folder, nats, settings, NatsBus(connection), NatsRecords(connection), store)
        try:
            for service in SERVICES:
                here.start(service)
            yield here
        finally:
            for child in here.services.values():
                if child.alive:
                    child.kill()


def hashes(results: dict[TaskKey, TaskResult] | dict[str, TaskResult]) -> dict[tuple[str, str], str]:
    """Task and role → sha256."""
    return {
        (key if isinstance(key, str) else key.name, one.role + one.path): one.ref.sha256
        for key, result in results.items()
        for one in result.artifacts
    }
