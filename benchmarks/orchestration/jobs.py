"""Jobs of stand-in stages on a cluster of this machine, and what their records say of how long stages took."""

from __future__ import annotations

import asyncio
from pathlib import Path

from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.client import Client
from liftline.client.connection import Connection
from liftline.errors import LiftlineError
from liftline.jobs.naming import JobKey, Stage
from liftline.v1.records_pb2 import JobRecord
from tests.cluster import Cluster
from tests.servers import nats_settings

TENANT = "local"


def client_of(cluster: Cluster) -> Client:
    """A client of its first gateway."""
    return Client(Connection(server=cluster.server))


def stand_in(folder: Path, **script: object) -> Path:
    """A "video" that says what the stand-in stages do, see `tests.standin_services`."""
    parts = [f"{name}={value}" for name, value in script.items()]
    path = folder / "-".join(["standin", *parts, ".mp4"])
    path.write_bytes(b"not a video: stand-in stages only sleep\n")
    return path


def finished(cluster: Cluster, client: Client, video: Path) -> JobRecord:
    """The record of a job of this video when it has succeeded."""
    job = client.wait(client.submit(video))
    job.raise_unless_succeeded()
    return asyncio.run(_record(cluster, job.id))


def stage_seconds(record: JobRecord, stage: Stage) -> float:
    """From the release of a stage's first task until its last result was made."""
    starts = {entry.stage: entry.start_time.ToDatetime() for entry in record.stages}
    following = list(Stage)[list(Stage).index(stage) + 1]
    return (starts[following.wire] - starts[stage.wire]).total_seconds()


async def _record(cluster: Cluster, job: str) -> JobRecord:
    async with connected(nats_settings(cluster.nats), name="benchmark") as nats:
        entry = await NatsRecords(nats).get(JobKey(TENANT, job).record)
    if entry is None:
        raise LiftlineError(f"jobs/{job}: its record is gone.")
    return JobRecord.FromString(entry.value)
