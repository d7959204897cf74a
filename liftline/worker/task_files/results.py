"""Results of tasks: what a handler made is stored and described; what others made is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

from liftline.errors import LiftlineError, UnavailableError
from liftline.files.artifacts import sha256_file
from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline.handler import Outcome, Product
from liftline.ports import ArtifactStore, Records
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import TaskResult
from liftline.worker.retrying import patiently
from liftline.worker.running_task import Running

STORE_WITHIN_S = 300.0
"""A server that stays away longer while a result is stored: the task goes back, and its work is done again."""
_READ_AT_ONCE, _STORE_AT_ONCE = 64, 4
_LOOKS, _BETWEEN_LOOKS_S = 50, 0.2


async def store_products(store: ArtifactStore, running: Running, outcome: Outcome) -> list[Artifact]:
    """Store what a handler made, by content. Raises UnavailableError after `STORE_WITHIN_S`."""
    room = asyncio.Semaphore(_STORE_AT_ONCE)

    async def one(product: Product) -> Artifact:
        async with room:
            ref = await patiently(
                lambda: asyncio.to_thread(_stored, store, running.key, product.path),
                for_s=STORE_WITHIN_S, away=running.store_is_away,
            )  # fmt: skip
            running.stored(ref.size_bytes)
            return Artifact(role=product.role, ref=ref, path=product.tree_path)

    return list(await asyncio.gather(*map(one, outcome.products)))


async def discard(store: ArtifactStore, running: Running, artifacts: Sequence[Artifact]) -> None:
    """Remove what was stored for a job that is over."""
    for artifact in artifacts:
        try:
            await asyncio.to_thread(store.remove, artifact.ref.key)
        except UnavailableError:
            running.store_is_away()


async def first_result(records: Records, running: Running, result: TaskResult) -> TaskResult:
    """Enter a result where there is none; the one that is there in the end. Raises UnavailableError."""
    if await records.create(running.key.result, result.SerializeToString()) is not None:
        return result
    return await _visible(records, running, running.key)


async def read_result(records: Records, key: TaskKey) -> TaskResult | None:
    """The result of a task, once it has one. Raises UnavailableError."""
    entry = await records.get(key.result)
    return None if entry is None else TaskResult.FromString(entry.value)


async def gather_results(records: Records, running: Running, stage: Stage) -> list[TaskResult]:
    """Results of all segments of an earlier stage, in order. Raises LiftlineError where one is missing."""
    room = asyncio.Semaphore(_READ_AT_ONCE)

    async def one(number: int) -> TaskResult:
        async with room:
            return await _visible(records, running, TaskKey(running.key.job, stage, number))

    return list(await asyncio.gather(*map(one, range(running.task.segment_count))))


async def _visible(records: Records, running: Running, key: TaskKey) -> TaskResult:
    """A result that was entered; a server that follows others may show it a moment later."""
    for _ in range(_LOOKS):
        if (result := await running.patiently(lambda: read_result(records, key))) is not None:
            return result
        await asyncio.sleep(_BETWEEN_LOOKS_S)
    raise LiftlineError(f"{key.name}: its result was entered, but isn't there; it was removed by hand.")


def _stored(store: ArtifactStore, key: TaskKey, path: Path) -> ArtifactRef:
    sha256 = sha256_file(path)
    ref = ArtifactRef(key=key.artifact(sha256), sha256=sha256, size_bytes=path.stat().st_size)
    store.put_file(ref.key, path)
    return ref
