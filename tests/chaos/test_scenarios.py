"""What must survive, one thing at a time: no job is lost or stuck, and what comes out is what an undisturbed job makes.

The long forms (a minute without servers, a thousand jobs) run with `make chaos`: LIFTLINE_CHAOS=1.
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from liftline.client import Client
from liftline.client.connection import Connection
from liftline.client.views import Job, JobState
from liftline.jobs.naming import Priority, Stage
from tests.chaos.leftovers import dead_jobs, leftovers
from tests.cluster import DETECTOR, GATEWAY, LIFTER, RENDERER, WORKERS, Cluster, Part
from tests.standin_services import expected_outputs
from tests.support import eventually

CONTENT = b"not a video: stand-in stages only sleep\n"
SERVICES = {
    Stage.PLAN: DETECTOR, Stage.DETECT: DETECTOR, Stage.TRACK: LIFTER, Stage.LIFT: LIFTER, Stage.RENDER: RENDERER,
    Stage.MUX: RENDERER,
}  # fmt: skip
long_form = pytest.mark.skipif(not os.environ.get("LIFTLINE_CHAOS"), reason="takes minutes: `make chaos` runs it")


def _video(folder: Path, name: str) -> Path:
    path = folder / f"standin-{name}.mp4"
    path.write_bytes(CONTENT)
    return path


def _check_outputs(client: Client, job: Job, folder: Path) -> None:
    """The job succeeded and left what an undisturbed one leaves."""
    job.raise_unless_succeeded()
    found = client.download(job, folder / job.id)
    expected = expected_outputs(job.video_name, CONTENT)
    assert {path: found[path].read_bytes() for path in expected} == expected
    assert set(found) == {*expected, "manifest.json"}


def _watch_until(client: Client, job: Job, reached: Callable[[Job], bool]) -> Job:
    for seen in client.watch(job):
        if reached(seen) or seen.state.ended:
            return seen
    raise AssertionError("a watch ended before its job")


def _runs(stage: Stage) -> Callable[[Job], bool]:
    """A stage has begun and isn't done."""

    def reached(job: Job) -> bool:
        return any(one.stage is stage and one.tasks_done < one.tasks for one in job.stages)

    return reached


def _workers_on(cluster: Cluster, stage: Stage) -> list[Part]:
    return cluster.of(SERVICES[stage])


@pytest.mark.parametrize("stage", list(Stage))
def test_workers_killed_in_the_middle_of_a_stage(
    running: Cluster, client: Client, folder: Path, stage: Stage
) -> None:  # fmt: skip
    job = client.submit(_video(folder, f"segments=3-all=0.05-{stage}=0.8"))
    _watch_until(client, job, _runs(stage))
    time.sleep(0.3)
    for part in _workers_on(running, stage):
        running.kill(part)
    _check_outputs(client, client.wait(job), folder)


@pytest.mark.parametrize("stage", list(Stage))
def test_a_job_cancelled_in_each_stage_leaves_nothing(
    running: Cluster, client: Client, folder: Path, stage: Stage
) -> None:  # fmt: skip
    job = client.submit(_video(folder, f"segments=3-{stage}=20"))
    _watch_until(client, job, _runs(stage))
    assert client.cancel(job).state is JobState.CANCELLED
    assert client.wait(job).state is JobState.CANCELLED
    assert leftovers(running, within_s=15.0) == []


def test_gateways_killed_in_the_middle_of_a_job(running: Cluster, client: Client, folder: Path) -> None:
    job = client.submit(_video(folder, "segments=12-all=0.2"))
    _watch_until(client, job, _runs(Stage.DETECT))
    for part in running.of(GATEWAY):
        running.kill(part)
    _check_outputs(client, client.wait(job), folder)


def test_nats_killed_and_started_again_on_its_store(running: Cluster, client: Client, folder: Path) -> None:
    job = client.submit(_video(folder, "segments=12-all=0.2"))
    _watch_until(client, job, _runs(Stage.DETECT))
    with running.without_nats():
        time.sleep(1.0)
    _check_outputs(client, client.wait(job), folder)


@pytest.mark.parametrize("seconds", [4.0, pytest.param(20.0, marks=long_form)])
def test_s3_away_in_the_middle_of_a_job(running: Cluster, client: Client, folder: Path, seconds: float) -> None:
    job = client.submit(_video(folder, "segments=12-all=0.2"))
    _watch_until(client, job, _runs(Stage.DETECT))
    with running.without_s3():
        time.sleep(seconds)
    _check_outputs(client, client.wait(job), folder)


@long_form
@pytest.mark.timeout(400)
@pytest.mark.parametrize("server", ["without_s3", "without_nats"])
def test_a_minute_without_a_server_fails_no_job(
    running: Cluster, client: Client, folder: Path, server: str
) -> None:  # fmt: skip
    jobs = [client.submit(_video(folder, f"segments={n}-all=0.5")) for n in (1, 5, 30)]
    _watch_until(client, jobs[-1], _runs(Stage.DETECT))
    with getattr(running, server)():
        time.sleep(60)
    for job in jobs:
        _check_outputs(client, client.wait(job), folder)


@contextmanager
def _nobody(cluster: Cluster, *kinds: str) -> Iterator[None]:
    parts = cluster.of(*kinds)
    for part in parts:
        cluster.scale_down(part)
    try:
        yield
    finally:
        for part in parts:
            cluster.scale_up(part)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("seconds", [4.0, pytest.param(180.0, marks=long_form)])
def test_no_worker_at_all_for_a_while(running: Cluster, client: Client, folder: Path, seconds: float) -> None:
    with _nobody(running, *WORKERS):
        job = client.submit(_video(folder, "segments=3"))
        time.sleep(seconds)
        assert client.get(job).state is JobState.QUEUED
    _check_outputs(client, client.wait(job), folder)


def test_scaling_down_in_the_middle_of_tasks_ends_workers_cleanly(
    running: Cluster, client: Client, folder: Path
) -> None:  # fmt: skip
    job = client.submit(_video(folder, "segments=6-detect=3"))
    _watch_until(client, job, _runs(Stage.DETECT))
    time.sleep(0.5)
    leaving = running.of(DETECTOR)[0]
    codes = len(leaving.exit_codes)
    running.scale_down(leaving)
    job = client.wait(job)
    running.scale_up(leaving)
    _check_outputs(client, job, folder)
    assert leaving.exit_codes[codes:] == [0]


def test_a_worker_that_hangs_ends_itself_and_its_task_goes_on(
    running: Cluster, client: Client, folder: Path
) -> None:  # fmt: skip
    codes = {part.name: len(part.exit_codes) for part in running.of(DETECTOR)}
    job = client.wait(client.submit(_video(folder, "segments=3-all=0.1-hang=detect.1x1")))
    _check_outputs(client, job, folder)

    def ended() -> list[int]:
        return [code for part in running.of(DETECTOR) for code in part.exit_codes[codes[part.name] :]]

    eventually(lambda: bool(ended()))  # its task may be done elsewhere before its process is gone
    assert ended() == [70]


def test_a_frozen_worker_that_wakes_up_changes_nothing(running: Cluster, client: Client, folder: Path) -> None:
    job = client.submit(_video(folder, "segments=4-detect=1"))
    _watch_until(client, job, _runs(Stage.DETECT))
    time.sleep(0.4)
    part = running.of(DETECTOR)[0]
    part.signal(signal.SIGSTOP)
    time.sleep(2.5)
    part.signal(signal.SIGCONT)
    _check_outputs(client, client.wait(job), folder)


def test_a_video_that_crashes_its_decoder_fails_alone(running: Cluster, client: Client, folder: Path) -> None:
    crashing = client.submit(_video(folder, "segments=3-all=0.1-segv=detect.1"))
    others = [client.submit(_video(folder, f"segments={n}-all=0.2")) for n in (2, 5, 9)]
    failure = client.wait(crashing).failure
    assert failure is not None
    assert failure.reason == "TASK_DIED"
    assert (failure.stage, failure.segment) == (Stage.DETECT, 1)
    assert crashing.id in dead_jobs(running)
    for job in others:
        _check_outputs(client, client.wait(job), folder)
        assert job.id not in dead_jobs(running)


@pytest.mark.parametrize(
    ("fault", "reason"), [("raise=detect.1", "INTERNAL"), ("fail=plan", "INVALID_VIDEO"), ("raise=mux", "INTERNAL")]
)
def test_what_can_never_succeed_fails_at_once(
    running: Cluster, client: Client, folder: Path, fault: str, reason: str
) -> None:  # fmt: skip
    began = time.monotonic()
    job = client.wait(client.submit(_video(folder, f"segments=3-{fault}")))
    assert job.failure is not None
    assert job.failure.reason == reason
    assert time.monotonic() - began < 5.0
    assert leftovers(running, within_s=15.0) == []


@pytest.mark.parametrize("fault", ["full=detect.1x2", "away=render.0x2", "memory=lift.0x1", "kill=mux.0x2"])
def test_what_passes_is_tried_again(running: Cluster, client: Client, folder: Path, fault: str) -> None:
    _check_outputs(client, client.wait(client.submit(_video(folder, f"segments=3-{fault}"))), folder)


def test_a_job_deleted_while_it_runs_is_gone(running: Cluster, client: Client, folder: Path) -> None:
    job = client.submit(_video(folder, "segments=6-all=0.5"))
    _watch_until(client, job, _runs(Stage.DETECT))
    client.delete(job)
    assert job.id not in {one.id for one in client.list()}
    assert leftovers(running, within_s=15.0) == []


@long_form
@pytest.mark.timeout(900)
def test_a_thousand_jobs_in_the_queue(running: Cluster, client: Client, folder: Path) -> None:
    video = _video(folder, "segments=2")
    with _nobody(running, DETECTOR):
        jobs = [client.submit(video) for _ in range(999)]
        urgent = client.submit(video, priority=Priority.HIGH)
        with Client(Connection(server=running.server)) as other:
            assert sum(job.state is JobState.QUEUED for job in other.list()) >= 1000
    ended_after = {urgent.id: client.wait(urgent)}
    assert sum(client.get(job).state.ended for job in jobs) < 900
    for job in jobs:
        ended_after[job.id] = client.wait(job)
    assert all(job.state is JobState.SUCCEEDED for job in ended_after.values())
    assert leftovers(running, within_s=60.0) == []
