"""Workers as processes that crash, freeze, hang and are told to end, with real NATS and S3."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Iterator
from pathlib import Path

import nats as nats_client
import pytest

from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.v1.job_service_pb2 import Failure, Job
from liftline.v1.records_pb2 import DeadTask, JobRecord
from liftline.worker.loop import EXIT_HANGING
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.s3_server import S3Server
from tests.integration.worker.process_harness import ACK_WAIT_S, ProcessHarness, process_harness
from tests.servers import running_nats, running_s3


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """One of the test's own: the streams have other settings than elsewhere, and it may be killed."""
    with running_nats(tmp_path / "nats") as server:
        yield server


async def test_a_worker_killed_in_mid_task_is_replaced_by_another(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        first = here.worker()
        job = await here.submit("standin-detect=1.mp4", 0)
        assert await here.begun_by(job) == [first.process.pid]
        second = here.worker()
        first.kill()
        (event,) = await here.ends(job)
        assert f"-{second.process.pid}-" in event.finished.worker
        artifact = event.finished.artifacts[0].ref
        assert here.store.get_bytes(artifact.key, at_most=200).startswith(b"detect 0 ")


async def test_a_frozen_workers_task_is_done_by_another_and_its_own_result_changes_nothing(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        frozen = here.worker(stall_s="2")
        job = await here.submit("standin-detect=2.mp4", 0)
        await here.begun_by(job)
        frozen.process.send_signal(signal.SIGSTOP)
        here.worker()
        await here.ends(job)
        first = await here.result(job)
        frozen.process.send_signal(signal.SIGCONT)
        events = await here.ends(job, 2)
        assert [event.finished for event in events] == [first, first]
        assert frozen.alive


async def test_a_hanging_worker_ends_itself_and_another_does_the_task(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        hanging = here.worker(stall_s="1")
        job = await here.submit("standin-hang=detect.0x1.mp4", 0)
        assert await here.exit_code(hanging) == EXIT_HANGING
        here.worker()
        (event,) = await here.ends(job)
        assert event.HasField("finished")


async def test_a_worker_told_to_end_finishes_its_task_in_time(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        worker = here.worker(grace_s="20")
        job = await here.submit("standin-detect=1.mp4", 0)
        await here.begun_by(job)
        worker.process.send_signal(signal.SIGTERM)
        assert await here.exit_code(worker) == 0
        (event,) = await here.ends(job)
        assert event.HasField("finished")


async def test_a_worker_told_to_end_gives_back_what_takes_too_long(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        worker = here.worker(grace_s="0.2")
        job = await here.submit("standin-detect=3.mp4", 0, 1)
        await here.begun_by(job)
        worker.process.send_signal(signal.SIGTERM)
        assert await here.exit_code(worker) == 0
        assert (await here.unfinished(job, 0), await here.unfinished(job, 1)) == ([], [])
        assert here.events_of(job) == []
        assert not list(tmp_path.glob("liftline-work-*"))
        here.worker(tasks_at_once="2")
        events = await here.ends(job, 2)
        assert [event.WhichOneof("kind") for event in events] == ["finished"] * 2


async def test_two_workers_given_the_same_task_tell_of_one_result(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        for _ in range(2):
            here.worker(prefetch="0")
        await here.all_serve()
        job = await here.submit("standin-detect=2.mp4", 0)
        await here.submit("standin-detect=2.mp4", 0, job=job, generation=1)
        assert len(set(await here.begun_by(job, count=2))) == 2
        events = await here.ends(job, 2)
        result = await here.result(job)
        assert [event.finished for event in events] == [result, result]


@pytest.mark.parametrize("fault", ["kill", "segv"])
async def test_a_task_that_kills_its_workers_fails_its_job_alone(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server, fault: str
) -> None:
    number = signal.SIGKILL if fault == "kill" else signal.SIGSEGV

    async with process_harness(tmp_path, nats, s3_server) as here, here.kept_running(2, tasks_at_once="2") as codes:
        poison = await here.submit(f"standin-{fault}=detect.1.mp4", 1)
        innocent = await here.submit("standin-detect=0.3.mp4", *range(6))
        events = await here.ends(innocent, 6)
        assert [event.failed for event in events if event.HasField("failed")] == []
        (event,) = await here.ends(poison)
        assert (event.failed.reason, event.failed.segment) == (Failure.REASON_TASK_DIED, 1)
        assert codes == [-number] * 3
        assert len(await dead_workers(here, poison)) == 3


async def test_a_job_cancelled_in_mid_task_leaves_no_result(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        worker = here.worker()
        job = await here.submit("standin-detect=60.mp4", 0)
        await here.begun_by(job)
        entry = await here.records.get(job.record)
        assert entry is not None
        over = JobRecord(tenant=job.tenant, job=job.job, state=Job.STATE_CANCELLED).SerializeToString()
        assert await here.records.update(job.record, over, revision=entry.revision) is not None
        await here.bus.purge_tasks(job.task_subjects)
        following = await here.submit("standin-.mp4", 0)
        await here.ends(following)
        assert (await here.result(job), here.events_of(job)) == (None, [])
        assert worker.alive


async def test_nats_killed_and_started_again_in_mid_task_fails_nothing(
    tmp_path: Path, nats: NatsServer, s3_server: S3Server
) -> None:
    async with process_harness(tmp_path, nats, s3_server) as here:
        workers = [here.worker(max_attempts="1") for _ in range(2)]
        job = await here.submit("standin-detect=1.mp4", *range(4))
        await here.begun_by(job)
        nats.kill()
        await asyncio.sleep(2 * ACK_WAIT_S)
        await asyncio.to_thread(nats.start)
        events = await here.ends(job, 4)
        assert [event.failed for event in events if event.HasField("failed")] == []
        assert {event.id.number for event in events} == set(range(4))
        assert all(worker.alive for worker in workers)


async def test_s3_away_in_mid_task_fails_and_repeats_nothing(tmp_path: Path, nats: NatsServer) -> None:
    async def scenario(s3: S3Server) -> None:
        async with process_harness(tmp_path, nats, s3) as here:
            here.worker(max_attempts="1", stall_s="2")
            job = await here.submit("standin-detect=1.mp4", 0)
            pids = await here.begun_by(job)
            s3.kill()
            await asyncio.sleep(4)
            assert await here.unfinished(job) == pids
            await asyncio.to_thread(s3.start)
            (event,) = await here.ends(job)
            assert event.HasField("finished")

    with running_s3(tmp_path / "s3") as server:
        await scenario(server)


async def dead_workers(here: ProcessHarness, job: JobKey) -> list[str]:
    """Who died of the task that was given up."""
    client = await nats_client.connect(here.nats.url)
    try:
        subject = TaskKey(job, Stage.DETECT, 1).dead_subject
        message = await client.jetstream().get_last_msg("LIFTLINE_DEAD", subject)
        assert message.data is not None
        return list(DeadTask.FromString(message.data).workers)
    finally:
        await client.close()
