"""Gateways of one deployment in this process: real gRPC servers with real tokens, over memory and a folder."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar
from urllib.parse import unquote, urlsplit

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry
from pydantic import SecretStr

from liftline.adapters.folder_store import FolderStore
from liftline.jobs.messages import publish_event, read_task
from liftline.jobs.naming import JobKey, Priority, Stage, TaskKey, consumer
from liftline.pipeline.next_tasks import MAKES
from liftline.ports import ArtifactStore, Bus, Records
from liftline.service.grpc.server import GrpcServer, running_server
from liftline.service.tokens import mint_token
from liftline.settings.services import GatewaySettings, GrpcSettings
from liftline.telemetry.metrics import GatewayMetrics
from liftline.v1 import job_service_pb2 as api
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Event, TaskResult
from liftline.v1.job_service_pb2_grpc import JobServiceStub
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.api.grpc.job_service import job_service
from liftline_gateway.api.wiring import Api
from liftline_gateway.coordination.wiring import Coordination
from tests.memory import Broker, MemoryBus, MemoryRecords

Result = TypeVar("Result")
VIDEO = b"the bytes of a video"
SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
ALL_CONSUMERS = [consumer(stage, priority) for stage in reversed(Stage) for priority in Priority]


class Clock:
    """The time of a deployment, which a test sets forward."""

    def __init__(self) -> None:
        self._ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self._ahead

    def elapsed_s(self) -> float:
        return time.monotonic() + self._ahead.total_seconds()

    def forward(self, seconds: float) -> None:
        self._ahead += timedelta(seconds=seconds)


@dataclass
class Client:
    """Calls one gateway as one tenant."""

    channel: grpc.aio.Channel
    token: str

    @property
    def metadata(self) -> grpc.aio.Metadata:
        return grpc.aio.Metadata(("authorization", f"Bearer {self.token}"))

    def call(self, method: str, request: object, *, timeout: float = 20.0) -> grpc.aio.UnaryUnaryCall:
        return getattr(JobServiceStub(self.channel), method)(request, metadata=self.metadata, timeout=timeout)

    async def upload(self, name: str = "clip.mp4", *, content: bytes = VIDEO, announced: int | None = None) -> str:
        """Name of an upload whose bytes are there."""
        size = len(content) if announced is None else announced
        made = await self.call("CreateUpload", api.CreateUploadRequest(file_name=name, size_bytes=size))
        put(made.upload_uri, content)
        return made.name

    async def job(self, **fields: object) -> api.Job:
        """A new job of a new upload."""
        if "upload" not in fields:
            fields["upload"] = await self.upload()
        return await self.call("CreateJob", api.CreateJobRequest(**fields))  # type: ignore[arg-type]

    async def get(self, name: str) -> api.Job:
        return await self.call("GetJob", api.GetJobRequest(name=name))

    def watch(self, name: str, *, timeout: float = 20.0) -> grpc.aio.UnaryStreamCall:
        return JobServiceStub(self.channel).WatchJob(
            api.WatchJobRequest(name=name), metadata=self.metadata, timeout=timeout
        )  # fmt: skip


def put(address: str, content: bytes) -> None:
    """What a client does with the address of a folder store."""
    Path(unquote(urlsplit(address).path)).write_bytes(content)


@dataclass
class Gateway:
    """One replica."""

    server: GrpcServer
    api: Api
    coordination: Coordination


@dataclass
class Deployment:
    """Replicas on what they share."""

    folder: Path
    settings: GatewaySettings
    bus: Bus
    records: Records
    store: ArtifactStore
    broker: Broker
    clock: Clock
    gateways: list[Gateway] = field(default_factory=list)
    stack: AsyncExitStack = field(default_factory=AsyncExitStack)

    async def client(self, tenant: str = "anna", *, replica: int = 0, audience: str = "liftline") -> Client:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channel = grpc.aio.insecure_channel(f"127.0.0.1:{self.gateways[replica].server.port}", options=options)
        await self.stack.enter_async_context(channel)
        lifetime = timedelta(minutes=10)
        token = mint_token(self.folder / "key", tenant=tenant, audience=audience, lifetime=lifetime)
        return Client(channel, token)

    async def work(self, *, segments: int = 2, tasks: int | None = None, frames: int = 30) -> list[TaskKey]:
        """Do what waits in the queues, as workers would, until nothing comes; at most so many tasks."""
        done: list[TaskKey] = []
        while tasks is None or len(done) < tasks:
            delivery = await self.bus.pull(ALL_CONSUMERS, wait_s=0.5)
            if delivery is None:
                break
            task = read_task(delivery)
            key = TaskKey.of(task.id)
            result = TaskResult(artifacts=[self._product(key, role) for role in MAKES[key.stage]], frames_done=frames)
            if key.stage is Stage.PLAN:
                result.segment_count, result.frame_count = segments, segments * frames
            await self.records.create(key.result, result.SerializeToString())
            event = Event(id=task.id, finished=result)
            event.time.GetCurrentTime()
            await publish_event(self.bus, event, attempt="1")
            await delivery.ack()
            done.append(key)
        return done

    def _product(self, key: TaskKey, role: str) -> Artifact:
        content = f"{role} of {key.name}".encode()
        sha256 = hashlib.sha256(content).hexdigest()
        self.store.put_bytes(key.artifact(sha256), content)
        paths = {
            "tracks": "custom_data/tracks_clip.npz",
            "poses": "poses_3d/clip.npz",
            "rendered": "output_videos/clip.mp4",
        }
        return Artifact(
            role=role, ref=ArtifactRef(key=key.artifact(sha256), sha256=sha256, size_bytes=len(content)),
            path=paths.get(role, ""),
        )  # fmt: skip

    async def record(self, job: api.Job) -> JobRecord:
        stored = await self.gateways[0].coordination.jobs.get(key_of(job))
        assert stored is not None
        return stored.record

    async def tasks_waiting(self) -> set[str]:
        return await self.bus.task_subjects("liftline.tasks.>")

    async def jobs(self, tenant: str = "anna") -> list[str]:
        return await self.records.keys(f"jobs.{tenant}.")


def key_of(job: api.Job, tenant: str = "anna") -> JobKey:
    return JobKey(tenant, job.name.removeprefix("jobs/"))


@asynccontextmanager
async def deployment(
    folder: Path,
    *,
    replicas: int = 1,
    coordinating: bool = True,
    bus: Bus | None = None,
    records: Records | None = None,
    store: ArtifactStore | None = None,
    tell: Callable[[object], Awaitable[bool]] | None = None,
    **options: object,
) -> AsyncIterator[Deployment]:
    """Gateways that run while the context lasts. `options` are those of GatewaySettings."""
    chosen: dict[str, object] = {"reconcile_s": 0.1, "stale_s": 0.5, "webhook_secret": SecretStr(SECRET), **options}
    settings = GatewaySettings(**chosen)  # type: ignore[arg-type]
    (folder / "key").write_text("a secret of at least thirty-two bytes")
    broker = Broker()
    made = Deployment(
        folder, settings, bus or MemoryBus(broker), records or MemoryRecords(),
        store or FolderStore(folder / "store"), broker, Clock(),
    )  # fmt: skip
    async with made.stack:
        for number in range(replicas):
            made.gateways.append(await made.stack.enter_async_context(_gateway(made, number, coordinating, tell)))
        yield made


@asynccontextmanager
async def _gateway(
    of: Deployment, number: int, coordinating: bool, tell: Callable[[object], Awaitable[bool]] | None
) -> AsyncIterator[Gateway]:
    async def told(_: object) -> bool:
        return True

    registry = CollectorRegistry()
    coordination = Coordination(
        of.bus, of.records, of.store, of.settings, GatewayMetrics(registry),
        send_webhook=tell or told, holder=f"gateway-{number}", now=of.clock,
        elapsed_s=of.clock.elapsed_s,
    )  # fmt: skip
    served = Api(coordination, of.bus, of.store, of.settings, segment_s=10.0)
    grpc_settings = GrpcSettings(listen="127.0.0.1:0", jwt_key_file=of.folder / "key")
    running = asyncio.create_task(coordination.run(asyncio.Event())) if coordinating else None
    try:
        async with running_server(grpc_settings, job_service(served), registry=registry) as server:
            await server.healthy()
            yield Gateway(server, served, coordination)
            await served.watches.close()
    finally:
        if running is not None:
            running.cancel()
            await asyncio.wait([running])
        coordination.threads.close()


async def run(use: Callable[[Deployment], Awaitable[Result]], folder: Path, **options: object) -> Result:
    """What `use` gives with a deployment, which it must be done with in a minute."""
    async with asyncio.timeout(60), deployment(folder, **options) as running:  # type: ignore[arg-type]
        return await use(running)


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """Code and reason of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return reason(caught.value)


def reason(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str]:
    """Code and reason; (code, "") where gRPC itself refused."""
    status = rpc_status.from_call(error)
    if status is None:
        return error.code(), ""
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    return error.code(), info.reason


async def states(changes: AsyncIterator[api.WatchJobResponse]) -> Sequence[api.Job]:
    """Everything that a watcher sees."""
    return [change.job async for change in changes]
