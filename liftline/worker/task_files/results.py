"""Results of tasks: what a handler made is stored and described; what others made is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from liftline.errors import LiftlineError, UnavailableError
from liftline.files.atomic import sha256_file
from liftline.jobs.naming import Stage, TaskKey
from liftline.net.retrying import TASK_STORE, retry_async
from liftline.pipeline.handler import Product, StageOutcome
from liftline.ports import ArtifactStore, Records
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import TaskResult
from liftline.worker.running_task import RunningTask

_READ_AT_ONCE, _STORE_AT_ONCE = 64, 4
_LOOKS, _BETWEEN_LOOKS_S = 50, 0.2


async def store_products(store: ArtifactStore, running: RunningTask, outcome: StageOutcome) -> list[Artifact]:
    """Store what a handler made, by content. Raises UnavailableError after the timeout of `TASK_STORE`."""
    room = asyncio.Semaphore(_STORE_AT_ONCE)

    async def one(product: Product) -> Artifact:
        async with room:
            ref = await retry_async(
                TASK_STORE, lambda: asyncio.to_thread(_stored, store, running.key, product.path),
                failed=running.store_is_away,
            )  # fmt: skip
            running.stored(ref.size_bytes)
            return Artifact(role=product.role, ref=ref, path=product.tree_path)

    return list(await asyncio.gather(*map(one, outcome.products)))


async def discard(store: ArtifactStore, running: RunningTask, artifacts: Sequence[Artifact]) -> None:
    """Remove what was stored for a job that is over."""
    for artifact in artifacts:
        try:
            await asyncio.to_thread(store.remove, artifact.ref.key)
        except UnavailableError as error:
            running.store_is_away(error)


async def first_result(records: Records, running: RunningTask, result: TaskResult) -> TaskResult:
    """Enter a result where there is none; the one that is there in the end. Raises UnavailableError."""
    if await records.create(running.key.result, result.SerializeToString()) is not None:
        return result
    return await _visible(records, running, running.key)


async def read_result(records: Records, key: TaskKey) -> TaskResult | None:
    """The result of a task, once it has one. Raises UnavailableError."""
    entry = await records.get(key.result)
    return None if entry is None else TaskResult.FromString(entry.value)


async def gather_results(records: Records, running: RunningTask, stage: Stage) -> list[TaskResult]:
    """Results of all segments of an earlier stage, in order. Raises LiftlineError where one is missing."""
    room = asyncio.Semaphore(_READ_AT_ONCE)

    async def one(number: int) -> TaskResult:
        async with room:
            return await _visible(records, running, TaskKey(running.key.job, stage, number))

    return list(await asyncio.gather(*map(one, range(running.task.segment_count))))


async def _visible(records: Records, running: RunningTask, key: TaskKey) -> TaskResult:
    """A result that was entered; a server that follows others may show it a moment later."""
    for _ in range(_LOOKS):
        if (result := await running.retry(lambda: read_result(records, key))) is not None:
            return result
        await asyncio.sleep(_BETWEEN_LOOKS_S)
    raise LiftlineError(f"{key.name}: its result was entered, but isn't there; it was removed by hand.")


def _stored(store: ArtifactStore, key: TaskKey, path: Path) -> ArtifactRef:
    sha256 = sha256_file(path)
    ref = ArtifactRef(key=key.artifact(sha256), sha256=sha256, size_bytes=path.stat().st_size)
    store.put_file(ref.key, path)
    return ref
