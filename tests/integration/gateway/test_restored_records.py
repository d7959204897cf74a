"""Records from before a job's end, as a restored backup brings them back: what the job made stays, and counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from tests.integration.gateway.plant import Plant

GetSoFar = Callable[[Plant], Awaitable[None]]


def _away(source: str, target: str) -> None:
    raise UnavailableError("The store is away.")


async def _plan(plant: Plant) -> None:
    """To the moment at which the first stage is done."""
    await plant.worker.work_off()
    await plant.gateway().coordinator.handle_some(wait_s=0.0)


async def _all_but_publish(plant: Plant) -> None:
    """To the moment at which all is done but the outputs' copies."""
    copy = plant.store.copy
    plant.store.copy = _away  # type: ignore[method-assign]
    await plant.coordinate(plant.gateway())
    plant.store.copy = copy  # type: ignore[method-assign]


async def _records(plant: Plant) -> Mapping[str, bytes]:
    entries = {key: await plant.records.get(key) for key in await plant.kept()}
    return {key: entry.value for key, entry in entries.items() if entry is not None}


async def _restore(plant: Plant, records: Mapping[str, bytes]) -> None:
    for key in await plant.kept():
        await plant.records.delete(key)
    for key, value in records.items():
        await plant.records.create(key, value)
    await plant.recover(plant.gateway(holder="gateway-2"))


async def _record(plant: Plant, key: JobKey) -> tuple[Job.State.ValueType, set[tuple[str, str, int]], int]:
    """State, files that clients are told of, size of the manifest."""
    stored = await plant.book.get(key)
    assert stored is not None
    files = {(one.path, one.ref.sha256, one.ref.size_bytes) for one in stored.record.artifacts if one.path}
    return stored.record.state, files, stored.record.manifest_size_bytes


@pytest.mark.parametrize("get_so_far", [_plan, _all_but_publish])
async def test_a_job_that_ended_since_has_succeeded_with_what_it_made(tmp_path: Path, get_so_far: GetSoFar) -> None:
    plant = Plant(tmp_path)

    key = await plant.make()
    await get_so_far(plant)
    backup = await _records(plant)
    await plant.recover(plant.gateway())
    before, tree, done = await _record(plant, key), plant.tree(key), len(plant.worker.done)
    assert before[0] == Job.STATE_SUCCEEDED
    await _restore(plant, backup)
    assert await _record(plant, key) == before
    assert plant.tree(key) == tree
    assert len(plant.worker.done) == done, "something was done again"


async def test_a_job_of_whose_results_one_is_missing_is_not_taken_for_done(tmp_path: Path) -> None:
    plant = Plant(tmp_path)

    key = await plant.make()
    await _all_but_publish(plant)
    backup = await _records(plant)
    await plant.recover(plant.gateway())
    plant.store.remove(next(one for one in plant.store.keys(key.tree) if not one.endswith("manifest.json")))
    await _restore(plant, backup)
    assert await plant.state(key) == Job.STATE_FAILED
