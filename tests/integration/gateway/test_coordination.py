"""A job from its request to its end, and what the coordinator does with what it shouldn't get."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import pytest

from liftline.errors import UnavailableError
from liftline.jobs.messages import publish_event
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.v1.events_pb2 import Event, Task, TaskProgress
from liftline.v1.job_service_pb2 import Failure, Job
from liftline_gateway.api.cancellation import cancel_job, delete_job
from tests.integration.gateway.gateway_harness import STALE_S, GatewayHarness
from tests.unit.gateway.jobs import TIME, finished


async def test_a_job_goes_through_all_stages_and_its_outputs_appear(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    async def scenario() -> JobKey:
        key = await harness.make()
        await harness.coordinate(harness.gateway())
        assert await harness.state(key) == Job.STATE_SUCCEEDED
        return key

    key = await scenario()
    assert sorted(harness.worker.done) == sorted(
        ["plan-0", "track-0", "lift-0", "mux-0", *(f"{stage}-{n}" for stage in ("detect", "render") for n in range(3))]
    )
    tree = harness.tree(key)
    manifest = json.loads(tree.pop("manifest.json"))
    assert sorted(tree) == [
        "custom_data/tracks_clip.npz", "detectron_output/keypoints.jsonl.gz", "output_videos/clip.mp4",
        "poses_3d/clip.npz", "poses_3d/clip.scene.json",
    ]  # fmt: skip
    assert manifest["files"] == {path: hashlib.sha256(data).hexdigest() for path, data in tree.items()}
    assert manifest["input"] == {
        "file": "clip.mp4", "sha256": "ab" * 32, "frames": 900, "segments": 3, "exact_times": True,
        "video": {"codec": "h264"},
    }  # fmt: skip
    assert manifest["seconds"] == {"plan": 0.5, "detect": 1.5, "track": 0.5, "lift": 0.5, "render": 1.5, "mux": 0.5}
    assert manifest["settings"] == {"plan": 1, "detect": 1, "track": 1, "lift": 1, "render": 1, "mux": 1}
    assert manifest["packages"]["av"] == "18.0.0"
    assert [model["name"] for model in manifest["models"]] == ["blazepose"]


async def test_what_a_job_needed_goes_when_it_has_ended_and_the_rest_when_it_is_deleted(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    gateway = harness.gateway()
    await harness.coordinate(gateway)
    tree = harness.tree(key)
    assert await harness.records.keys(key.results)
    await harness.recover(gateway, rounds=1)
    assert harness.tree(key) == tree
    assert list(harness.store.keys(key.work)) == []
    assert await harness.kept() == [key.record, f"requests.acme.request-{key.job}"]
    assert await delete_job(harness.book, harness.bus, key)
    assert not await delete_job(harness.book, harness.bus, key)
    await harness.recover(gateway, rounds=1)
    assert await harness.kept() == []
    assert list(harness.store.keys("tenants/")) == []


async def test_a_failed_job_leaves_no_tasks_and_no_outputs(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    harness.worker.broken = lambda key: key.name == "render-1"

    key = await harness.make()
    gateway = harness.gateway()
    await harness.coordinate(gateway)
    stored = await harness.book.get(key)
    assert stored is not None
    assert stored.record.state == Job.STATE_FAILED
    assert stored.record.failure == Failure(
        reason=Failure.REASON_MODEL, message="No model.", stage=Stage.RENDER.wire, segment=1
    )
    assert await harness.bus.task_subjects("liftline.tasks.>") == set()
    await harness.recover(gateway, rounds=1)
    assert harness.tree(key) == {}
    assert await harness.book.active_jobs() == []


async def test_a_cancelled_job_stops_in_every_stage(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    for steps in range(9):
        key = await harness.make()
        gateway = harness.gateway()
        for _ in range(steps):
            await harness.worker.work_off()
            await gateway.coordinator.handle_some(wait_s=0.0)
        record = await cancel_job(harness.book, harness.bus, key)
        assert record is not None
        being_published = steps == 8
        assert record.state == Job.STATE_CANCELLED or (being_published and record.state == Job.STATE_SUCCEEDED)
        await gateway.coordinator.settle()
        harness.worker.done.clear()
        await harness.recover(gateway, rounds=2)
        assert harness.worker.done == []
        assert await harness.state(key) == record.state
        assert ("manifest.json" in harness.tree(key)) == (record.state == Job.STATE_SUCCEEDED)
        assert await harness.book.active_jobs() == []


async def test_a_result_counts_even_if_a_second_worker_failed_with_the_task(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    task = TaskKey(key, Stage.PLAN)
    bad = Event(id=task.wire, time=TIME, failed=Failure(reason=Failure.REASON_INTERNAL, message="Bad luck."))
    await harness.worker.work_off()
    event = await harness.bus.pull_events(at_most=1, wait_s=0.0)
    await publish_event(harness.bus, bad, attempt="second")
    gateway = harness.gateway()
    await gateway.coordinator.handle_some(wait_s=0.0)
    await event[0].nak()
    await harness.coordinate(gateway)
    assert await harness.state(key) == Job.STATE_SUCCEEDED


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xff not protobuf",
        b"",
        Event(id={"tenant": "acme", "job": "x", "stage": 1}).SerializeToString(),  # type: ignore[arg-type]
        Event(id={"tenant": "a.>", "job": "*", "stage": 1}, failed=Failure()).SerializeToString(),  # type: ignore[arg-type]
        Event(id={"tenant": "acme", "job": "x", "stage": 99}, failed=Failure()).SerializeToString(),  # type: ignore[arg-type]
        finished(Task(id=TaskKey(JobKey("acme", "unknown"), Stage.PLAN).wire)).SerializeToString(),
    ],
)
async def test_events_that_make_no_sense_are_done_with_and_others_go_on(tmp_path: Path, data: bytes) -> None:
    harness = GatewayHarness(tmp_path)

    await harness.bus.publish("liftline.events.acme.x.finished", data, message_id="poison")
    key = await harness.make()
    await harness.coordinate(harness.gateway())
    assert await harness.state(key) == Job.STATE_SUCCEEDED
    assert not harness.broker.events.kept


async def test_an_unreadable_record_of_one_job_holds_up_no_other(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    broken, key = await harness.make(), await harness.make()
    entry = await harness.records.get(broken.record)
    assert entry is not None
    await harness.worker.work_off()
    await harness.records.update(broken.record, b"\xff\xff", revision=entry.revision)
    gateway = harness.gateway()
    for _ in range(8):
        await gateway.coordinator.handle_some(wait_s=0.0)
        await harness.worker.work_off()
    await gateway.coordinator.settle()
    await gateway.reconciler.round()
    assert await harness.state(key) == Job.STATE_SUCCEEDED


async def test_nothing_is_acknowledged_in_an_outage_and_the_job_goes_on_after_it(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    gateway = harness.gateway()
    await harness.worker.work_off()
    harness.records.reachable = False
    await gateway.coordinator.handle_some(wait_s=0.0)
    assert len(harness.broker.events.kept) == 1
    with pytest.raises(UnavailableError):
        await gateway.reconciler.round()
    harness.broker.reachable = False
    with pytest.raises(UnavailableError):
        await gateway.coordinator.handle_some(wait_s=0.0)
    harness.records.reachable = harness.broker.reachable = True
    harness.clock.pass_by(STALE_S)
    await harness.coordinate(gateway)
    assert await harness.state(key) == Job.STATE_SUCCEEDED


async def test_whoever_watches_is_told_of_every_change(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make()
    async with harness.bus.listen(key.progress_subject) as told:
        await harness.coordinate(harness.gateway())
        heard = [TaskProgress.FromString(await anext(told)) for _ in range(8)]
    assert all(not one.HasField("id") for one in heard)


async def test_a_webhook_is_told_once_and_before_the_job_is_cleaned(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    key = await harness.make(webhook="https://hooks.example/done")
    gateway = harness.gateway()
    await harness.coordinate(gateway)
    await asyncio.sleep(0.05)
    await harness.recover(gateway, rounds=3)
    assert harness.told == [(key.job, Job.STATE_SUCCEEDED)]
    assert await harness.book.active_jobs() == []


async def test_every_task_belongs_to_the_trace_of_the_request_also_when_it_was_lost(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)
    trace = "0af7651916cd43dd8448eb211c80319c"

    await harness.make(traceparent=f"00-{trace}-b7ad6b7169203331-01")
    gateway = harness.gateway()
    seen = []
    for round_number in range(20):
        seen += [(one.subject, one.headers["traceparent"].split("-")[1]) for one in harness.broker.tasks.kept.values()]
        if round_number == 3:
            await harness.bus.purge_tasks("liftline.tasks.>")
            harness.clock.pass_by(STALE_S + 1)
            await gateway.reconciler.round()
        await harness.worker.work_off()
        await gateway.coordinator.handle_some(wait_s=0.0)
    await gateway.coordinator.settle()
    assert len({subject for subject, _ in seen}) == 10
    assert {found for _, found in seen} == {trace}


async def test_what_happened_is_counted(tmp_path: Path) -> None:
    harness = GatewayHarness(tmp_path)

    await harness.make()
    gateway = harness.gateway()
    await harness.coordinate(gateway)
    assert harness.sample("liftline_events_total", kind="finished") == 10
    assert harness.sample("liftline_event_lag_seconds_count") == 10
    assert harness.sample("liftline_job_changes_total", state="STATE_RUNNING") == 1
    assert harness.sample("liftline_job_changes_total", state="STATE_SUCCEEDED") == 1
    harness.clock.pass_by(STALE_S + 1)
    await gateway.reconciler.round()
    assert harness.sample("liftline_reconciler_rounds_total") >= 1
