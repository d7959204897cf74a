"""What must not be left when all jobs have ended: tasks, records of tasks, work files, half a tree."""

from __future__ import annotations

import asyncio
import time

from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.adapters.s3.store import S3Store
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from tests.cluster import Cluster
from tests.servers import nats_settings, s3_settings


def store_of(cluster: Cluster) -> S3Store:
    """The cluster's bucket."""
    return S3Store(s3_settings(cluster.s3, bucket=cluster.bucket))


def leftovers(cluster: Cluster, *, within_s: float) -> list[str]:
    """What is still there after so long, in words; nothing as soon as nothing is."""
    end = time.monotonic() + within_s
    while found := asyncio.run(_look(cluster)):
        if time.monotonic() > end:
            return found
        time.sleep(0.5)
    return []


async def _look(cluster: Cluster) -> list[str]:
    found: list[str] = []
    async with connected(nats_settings(cluster.nats), name="leftovers") as nats:
        records = NatsRecords(nats)
        found += [f"task {subject}" for subject in await NatsBus(nats).task_subjects("liftline.tasks.>")]
        for prefix in ("active.", "results.", "attempts."):
            found += [f"record {key}" for key in await records.keys(prefix)]
        succeeded = {key for key in await records.keys("jobs.") if await _succeeded(records, key)}
    for key in await asyncio.to_thread(lambda: list(store_of(cluster).keys("tenants/"))):
        _, tenant, kind, job, part, *_ = [*key.split("/"), "", ""]
        if kind == "uploads" or part == "work":
            found.append(f"object {key}")
        if part == "outputs" and JobKey(tenant, job).record not in succeeded:
            found.append(f"output of a job that didn't succeed: {key}")
    return found


async def _succeeded(records: NatsRecords, key: str) -> bool:
    entry = await records.get(key)
    return entry is not None and JobRecord.FromString(entry.value).state == Job.STATE_SUCCEEDED


def dead_jobs(cluster: Cluster) -> set[str]:
    """Ids of jobs with a task among the dead letters."""
    return asyncio.run(_dead_jobs(cluster))


async def _dead_jobs(cluster: Cluster) -> set[str]:
    async with connected(nats_settings(cluster.nats), name="leftovers") as nats:
        info = await nats.client.jsm().stream_info("LIFTLINE_DEAD", subjects_filter="liftline.dead.>")
    return {subject.split(".")[4] for subject in info.state.subjects or {}}
