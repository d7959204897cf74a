"""Two gateways at once over one NATS: they share events and get in each other's way, and every job still ends well."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from liftline.adapters.folder_store import FolderStore
from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey, Priority, Stage, consumer, new_id
from liftline.ports import Bus, Records
from liftline.settings.services import GatewaySettings
from liftline.telemetry.metrics import GatewayMetrics
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord, RequestRecord
from liftline_gateway.coordination.creation_steps import video_key
from liftline_gateway.coordination.wiring import Coordination
from liftline_gateway.records.job_repository import UploadKey
from tests.integration.gateway.gateway_harness import VIDEO, Worker
from tests.servers import nats_settings, running_nats
from tests.unit.gateway.jobs import FRAMES_PER_SEGMENT, new_record

SEGMENTS, WITHIN_S = 30, 120.0
SERVICES = ((Stage.DETECT, Stage.PLAN), (Stage.LIFT, Stage.TRACK), (Stage.MUX, Stage.RENDER))
Connect = Callable[[], tuple[Bus, Records]]


class Replicas:
    """Two gateways and some workers, running."""

    def __init__(self, connect: Connect, folder: Path, *, stale_s: float = 5.0) -> None:
        self.store, self.settings = FolderStore(folder), GatewaySettings(stale_s=stale_s, reconcile_s=0.5)
        self.gateways = [self._gateway(*connect(), holder) for holder in ("gateway-1", "gateway-2")]
        self.workers = [(Worker(*connect(), self.store, segments=SEGMENTS), stages) for stages in 3 * SERVICES]
        self.stop = asyncio.Event()
        self.running_gateways: list[asyncio.Task[None]] = []

    def _gateway(self, bus: Bus, records: Records, holder: str) -> Coordination:
        async def tell(_: JobRecord) -> bool:
            return True

        metrics = GatewayMetrics(CollectorRegistry())
        return Coordination(bus, records, self.store, self.settings, metrics, send_webhook=tell, holder=holder)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with asyncio.TaskGroup() as group:
            self.running_gateways = [group.create_task(gateway.run(self.stop)) for gateway in self.gateways]
            for worker, stages in self.workers:
                group.create_task(self._work(worker, [consumer(stage, Priority.NORMAL) for stage in stages]))
            try:
                yield
            finally:
                self.stop.set()

    def kill_first(self) -> None:
        """Nothing it holds is given back."""
        self.running_gateways[0].cancel()

    async def _work(self, worker: Worker, consumers: list[str]) -> None:
        while not self.stop.is_set():
            try:
                delivery = await worker.bus.pull(consumers, wait_s=0.5)
                if delivery is not None:
                    await worker.work(delivery)
            except UnavailableError:
                await asyncio.sleep(0.2)

    async def make(self, number: int) -> JobKey:
        """A new job, by one gateway or the other."""
        key, upload = JobKey("acme", new_id()), UploadKey("acme", new_id())
        self.store.put_bytes(upload.video("clip.mp4"), VIDEO)
        initial = new_record(key, max_parallel=8)
        initial.video.CopyFrom(ArtifactRef(key=video_key(key, "clip.mp4"), size_bytes=len(VIDEO)))
        gateway = self.gateways[number % 2]
        initial.create_time.CopyFrom(gateway.jobs.time())
        request = RequestRecord(job=key.job, fingerprint="same", upload=upload.upload, initial=initial)
        await gateway.creation.complete(await gateway.creation.register(request))
        return key

    async def all_ended(self, keys: list[JobKey]) -> list[JobRecord]:
        """Their records, once none needs care."""
        book = self.gateways[1].jobs
        async with asyncio.timeout(WITHIN_S):
            while await book.active_jobs():
                await asyncio.sleep(0.2)
        stored = [await book.get(key) for key in keys]
        return [one.record for one in stored if one is not None]

    def check(self, records: list[JobRecord], *, jobs: int) -> None:
        assert [record.state for record in records] == [Job.STATE_SUCCEEDED] * jobs
        for record in records:
            key = JobKey(record.tenant, record.job)
            by_stage = {Stage.of(stage.stage): stage for stage in record.stages}
            assert [by_stage[stage].done_count for stage in Stage] == [1, SEGMENTS, 1, 1, SEGMENTS, 1]
            assert by_stage[Stage.DETECT].frames_done == FRAMES_PER_SEGMENT * SEGMENTS
            assert len(list(self.store.keys(key.tree))) == 6
            assert list(self.store.keys(key.work)) == []


@asynccontextmanager
async def replicas_over_nats(folder: Path) -> AsyncIterator[Replicas]:
    with running_nats(folder / "nats") as server:
        async with connected(nats_settings(server), name="test") as nats:
            await topology.ensure(nats)
            yield Replicas(lambda: (NatsBus(nats), NatsRecords(nats)), folder / "store")


@pytest.mark.slow
async def test_two_gateways_bring_fifty_jobs_to_their_end_and_no_task_is_done_twice(tmp_path: Path) -> None:
    async with replicas_over_nats(tmp_path) as replicas:
        async with replicas.running():
            keys = [await replicas.make(number) for number in range(50)]
            records = await replicas.all_ended(keys)
        replicas.check(records, jobs=50)
        done = [name for worker, _ in replicas.workers for name in worker.done]
        assert len(done) == 50 * (4 + 2 * SEGMENTS)


@pytest.mark.slow
async def test_one_gateway_goes_on_where_another_was_killed(tmp_path: Path) -> None:
    async with replicas_over_nats(tmp_path) as replicas:
        async with replicas.running():
            keys = [await replicas.make(number) for number in range(8)]
            while len(replicas.workers[0][0].done) < 30:
                await asyncio.sleep(0.01)
            replicas.kill_first()
            records = await replicas.all_ended(keys)
        replicas.check(records, jobs=8)
