"""Records from before a job's end, as a restored backup brings them back: what the job made stays, and counts."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path

import pytest

from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey
from liftline.v1.job_service_pb2 import Job
from tests.integration.gateway.gateway_harness import GatewayHarness

GetSoFar = Callable[[GatewayHarness], Awaitable[None]]


def _away(source: str, target: str) -> None:
    raise UnavailableError("The store is away.")


async def _plan(harness: GatewayHarness) -> None:
    """To the moment at which the first stage is done."""
    await harness.worker.work_off()
    await harness.gateway().coordinator.handle_some(wait_s=0.0)


async def _all_but_publish(harness: GatewayHarness) -> None:
    """To the moment at which all is done but the outputs' copies."""
    copy = harness.store.copy
    harness.store.copy = _away  # type: ignore[method-assign]
    await harness.coordinate(harness.gateway())
    harness.store.copy = copy  # type: ignore[method-assign]


async def _records(harness: GatewayHarness) -> Mapping[str, bytes]:
    entries = {key: await harness.records.get(key) for key in await harness.kept()}
    return {key: entry.value for key, entry in entries.items() if entry is not None}


async def _restore(harness: GatewayHarness, records: Mapping[str, bytes]) -> None:
    for key in await harness.kept():
        await harness.records.delete(key)
    for key, value in records.items():
        await harness.records.create(key, value)
    await harness.recover(harness.gateway(holder="gateway-2"))


async def _record(harness: GatewayHarness, key: JobKey) -> tuple[Job.State.ValueType, set[tuple[str, str, int]], int]:
    """State, files that clients are told of, size of the manifest."""
    stored = await harness.book.get(key)
    assert stored is not None
    files = {(one.path, one.ref.sha256, one.ref.size_bytes) for one in stored.record.artifacts if one.path}
    return stored.record.state, files, stored.record.manifest_size_bytes


@pytest.mark.parametrize("get_so_far", [_plan, _all_but_publish])
async def test_a_job_that_ended_since_has_succeeded_with_what_it_made(tmp_path: Path, get_so_far: GetSoFar) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    await get_so_far(harness)
    backup = await _records(harness)
    await harness.recover(harness.gateway())
    before, tree, done = await _record(harness, key), harness.tree(key), len(harness.worker.done)
    assert before[0] == Job.STATE_SUCCEEDED
    await _restore(harness, backup)
    assert await _record(harness, key) == before
    assert harness.tree(key) == tree
    assert len(harness.worker.done) == done, "something was done again"


async def test_a_job_of_whose_results_one_is_missing_is_not_taken_for_done(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    await _all_but_publish(harness)
    backup = await _records(harness)
    await harness.recover(harness.gateway())
    harness.store.remove(next(one for one in harness.store.keys(key.tree) if not one.endswith("manifest.json")))
    await _restore(harness, backup)
    assert await harness.state(key) == Job.STATE_FAILED
