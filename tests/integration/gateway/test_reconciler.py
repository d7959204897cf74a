"""The reconciler: what was lost is found, what is only slow is left alone, and looking costs little."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from liftline.errors import UnavailableError
from liftline.jobs.messages import read_task
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.v1.job_service_pb2 import Failure, Job
from liftline.v1.records_pb2 import ActiveRecord, Attempts
from liftline_gateway.api.cancellation import cancel_job, delete_job
from tests.integration.gateway.gateway_harness import CONSUMERS, STALE_S, GatewayHarness, Mortal


class BrokenStore:
    """Copies fail until it is repaired."""

    def __init__(self, inner: Any) -> None:
        self._inner, self.repaired = inner, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def copy(self, source: str, target: str) -> None:
        if not self.repaired:
            raise UnavailableError("The store is down.")
        self._inner.copy(source, target)


async def test_a_task_that_vanished_is_published_again(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    await harness.bus.purge_tasks("liftline.tasks.>")
    await harness.recover(harness.gateway(), rounds=2)
    assert await harness.state(key) == Job.STATE_SUCCEEDED
    stored = await harness.book.get(key)
    assert stored is not None
    assert stored.record.generation == 1


async def test_an_event_that_vanished_is_made_up_for_by_the_result(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    gateway = harness.gateway()
    for _ in range(8):
        await harness.worker.work_off()
        harness.broker.events.kept.clear()
        harness.clock.pass_by(STALE_S + 1)
        await gateway.reconciler.round()
    assert await harness.state(key) == Job.STATE_SUCCEEDED
    assert len(harness.worker.done) == 10


async def test_tasks_that_wait_or_are_worked_on_are_left_alone_however_long_that_takes(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    gateway = harness.gateway()
    for _ in range(20):
        harness.clock.pass_by(STALE_S + 1)
        await gateway.reconciler.round()
    delivery = await harness.bus.pull(CONSUMERS, wait_s=0.0)
    assert delivery is not None
    for _ in range(20):
        await delivery.in_progress()
        harness.clock.pass_by(STALE_S + 1)
        await gateway.reconciler.round()
    assert read_task(delivery).generation == 0
    assert len(harness.broker.tasks.kept) == 1
    await harness.worker.work(delivery)
    await harness.coordinate(gateway)
    assert await harness.state(key) == Job.STATE_SUCCEEDED


async def test_tasks_that_vanish_each_time_fail_the_job_at_last(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    gateway = harness.gateway()
    for _ in range(105):
        await harness.bus.purge_tasks("liftline.tasks.>")
        harness.clock.pass_by(STALE_S + 1)
        await gateway.reconciler.round()
    stored = await harness.book.get(key)
    assert stored is not None
    assert stored.record.state == Job.STATE_FAILED
    assert stored.record.failure.reason == Failure.REASON_INTERNAL
    assert "100 times" in stored.record.failure.message


async def test_outputs_are_published_once_the_store_answers_again(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key, other = await harness.make(), None
    harness.store = store = BrokenStore(harness.store)  # type: ignore[assignment]
    gateway = harness.gateway()
    await harness.recover(gateway, rounds=3)
    stored = await harness.book.get(key)
    assert stored is not None
    assert stored.record.publishing
    assert harness.tree(key) == {}
    store.repaired = True  # type: ignore[attr-defined]
    other = await harness.make()
    await harness.recover(gateway, rounds=1)
    assert await harness.state(key) == await harness.state(other) == Job.STATE_SUCCEEDED
    assert "manifest.json" in harness.tree(key)


async def test_a_result_that_is_gone_from_the_store_fails_the_job(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    gateway = harness.gateway()
    while not any(name.startswith("mux") for name in harness.worker.done):
        await harness.worker.work_off()
        harness.store.remove_all(TaskKey(key, Stage.LIFT).artifact(""))
        await gateway.coordinator.handle_some(wait_s=0.0)
    await harness.coordinate(gateway)
    stored = await harness.book.get(key)
    assert stored is not None
    assert stored.record.state == Job.STATE_FAILED
    assert "lost before it was published" in stored.record.failure.message


async def test_a_webhook_left_over_by_a_killed_gateway_is_told(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make(webhook="https://hooks.example/done")
    await cancel_job(harness.book, harness.bus, key)
    gateway = harness.gateway()
    for _ in range(2):
        await harness.recover(gateway, rounds=1)
        await asyncio.sleep(0.01)
    assert harness.told == [(key.job, Job.STATE_CANCELLED)]
    assert await harness.book.active_jobs() == []


async def test_work_files_stay_while_a_worker_is_at_it_but_not_for_ever(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    task = TaskKey(key, Stage.PLAN)
    await harness.records.create(task.attempts, Attempts(open=["worker-1"]).SerializeToString())
    await cancel_job(harness.book, harness.bus, key)
    gateway = harness.gateway()
    await harness.recover(gateway, rounds=3)
    assert await harness.book.active_jobs() == [key]
    await harness.recover(gateway, rounds=20)
    assert await harness.book.active_jobs() == []
    assert await harness.records.keys(key.attempts) == []


@pytest.mark.parametrize("when", ["while files are removed", "when the note is there"])
async def test_a_job_that_is_deleted_while_it_is_tidied_up_goes_altogether(tmp_path: Path, when: str) -> None:
    harness = GatewayHarness(tmp_path)
    gateway = harness.gateway()

    key = await harness.make()
    await harness.coordinate(gateway)
    harness.clock.pass_by(STALE_S + 1)
    if when == "while files are removed":
        harness.records.delete_all = before(  # type: ignore[method-assign]
            harness.records.delete_all, lambda: delete_job(harness.book, harness.bus, key)
        )
        await gateway.reconciler.round()
    else:
        harness.records.update = before(harness.records.update, gateway.reconciler.round)  # type: ignore[method-assign]
        await delete_job(harness.book, harness.bus, key)
    assert await harness.state(key) == Job.STATE_DELETING
    harness.clock.pass_by(STALE_S + 1)
    await gateway.reconciler.round()
    assert await harness.kept() == []
    assert list(harness.store.keys(key.prefix)) == []


def before(
    call: Callable[..., Awaitable[Any]], first: Callable[[], Awaitable[object]]
) -> Callable[..., Awaitable[Any]]:
    """The call, with something else happening before it the first time."""
    waiting = [first]

    async def both(*arguments: Any, **options: Any) -> Any:
        if waiting:
            await waiting.pop()()
        return await call(*arguments, **options)

    return both


async def test_attempts_of_tasks_that_are_done_hold_nothing_up(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    await harness.records.create(TaskKey(key, Stage.PLAN).attempts, Attempts(open=["worker-1"]).SerializeToString())
    await harness.recover(harness.gateway(), rounds=2)
    assert await harness.book.active_jobs() == []


async def test_attempts_that_were_ended_hold_nothing_up(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    await harness.records.create(TaskKey(key, Stage.PLAN).attempts, Attempts().SerializeToString())
    await cancel_job(harness.book, harness.bus, key)
    await harness.recover(harness.gateway(), rounds=2)
    assert await harness.book.active_jobs() == []


async def test_attempts_begun_while_their_job_was_tidied_up_go_too(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key, gateway = await harness.make(), harness.gateway()
    await cancel_job(harness.book, harness.bus, key)
    await harness.recover(gateway, rounds=2)
    assert await harness.book.active_jobs() == []
    alive = await harness.make()
    late, running = TaskKey(key, Stage.DETECT, 3), TaskKey(alive, Stage.PLAN)
    for task in (late, running):
        await harness.records.create(task.attempts, Attempts(open=["worker-1/1"]).SerializeToString())
    harness.clock.pass_by(STALE_S)
    await gateway.reconciler.round()
    assert await harness.records.keys("attempts.") == [running.attempts]


async def test_a_video_that_never_becomes_a_job_is_removed_when_its_time_has_passed(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    await harness.request()
    gateway = harness.gateway()
    await gateway.reconciler.round()
    assert len(await harness.book.uploads()) == 1
    assert list(harness.store.keys("tenants/")) != []
    harness.clock.pass_by(3 * 3600.0)
    await gateway.reconciler.round()
    assert await harness.book.uploads() == []
    assert list(harness.store.keys("tenants/")) == []


async def test_a_job_that_is_just_being_made_is_left_to_whoever_makes_it(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    request, gateway = await harness.request(), harness.gateway()
    key = JobKey("acme", request.job)
    await harness.book.add_active(key, ActiveRecord(request_id=request.initial.request_id))
    await gateway.reconciler.round()
    harness.clock.pass_by(STALE_S / 2)
    await gateway.reconciler.round()
    assert await harness.book.active_jobs() == [key]
    harness.clock.pass_by(STALE_S)
    await gateway.reconciler.round()
    assert await harness.book.active_jobs() == []


async def test_a_thousand_jobs_and_their_uploads_cost_one_read_each_and_nothing_more_until_jobs_are_due(
    tmp_path: Path,
) -> None:
    harness = GatewayHarness(tmp_path)

    for _ in range(1000):
        await harness.make()
    mortal = Mortal()
    reconciler = harness.gateway(mortal).reconciler
    await reconciler.round()
    at_first = 2 + 1 + 1000 + 1000  # jobs, uploads, attempts
    assert mortal.calls == at_first
    harness.clock.pass_by(STALE_S / 3)
    await reconciler.round()
    assert mortal.calls == at_first + 2
    harness.clock.pass_by(STALE_S)
    await reconciler.round()
    assert mortal.calls == at_first + 2 + 3 + 1 + 1000
    assert len(harness.broker.tasks.kept) == 1000


async def test_an_upload_that_could_not_be_tidied_goes_at_the_end_of_its_job(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    request, gateway = await harness.request(), harness.gateway()
    await gateway.creation.complete(await gateway.creation.register(request))
    assert list(harness.store.keys("tenants/acme/uploads/"))
    await harness.recover(gateway)
    assert await harness.state(JobKey("acme", request.job)) == Job.STATE_SUCCEEDED
    assert list(harness.store.keys("tenants/acme/uploads/")) == []
