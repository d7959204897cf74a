"""The yardstick: publish, fetch, acknowledge and one S3 PUT, one after the other, by the client libraries alone."""

from __future__ import annotations

import asyncio
import io
import secrets
import time

import nats
from minio import Minio
from nats.js.api import ConsumerConfig, RetentionPolicy, StreamConfig

from liftline.adapters.access.roles import Role
from tests.cluster import Cluster

_BYTES = 1024


def loops_per_second(cluster: Cluster, *, count: int) -> float:
    """How many rounds a second one process does."""
    return asyncio.run(_loop(cluster, count))


async def _loop(cluster: Cluster, count: int) -> float:
    access_key, secret_key = cluster.s3.keys(Role.OPERATOR)
    store = Minio(
        cluster.s3.endpoint.removeprefix("http://"), access_key=access_key, secret_key=secret_key, secure=False,
        region="us-east-1",
    )  # fmt: skip
    password = cluster.nats.password(Role.OPERATOR)
    connection = await nats.connect(cluster.nats.url, user=Role.OPERATOR, password=password)
    stream = connection.jetstream()
    await stream.add_stream(StreamConfig(name="BARE", subjects=["bare.>"], retention=RetentionPolicy.WORK_QUEUE))
    pulling = await stream.pull_subscribe("bare.>", durable="bare", config=ConsumerConfig(ack_wait=30))
    content = secrets.token_bytes(_BYTES)
    began = time.perf_counter()
    for number in range(count):
        await stream.publish("bare.task", content[:200])
        [message] = await pulling.fetch(1)
        await asyncio.to_thread(store.put_object, cluster.bucket, f"bare/{number}", io.BytesIO(content), _BYTES)
        await message.ack()
    seconds = time.perf_counter() - began
    await stream.delete_stream("BARE")
    await connection.close()
    return count / seconds
