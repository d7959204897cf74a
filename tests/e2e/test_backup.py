"""Backup and restore of what the gateways remember, as docs/operations.md tells an operator to do it.

NATS loses everything it stored, in the middle of jobs; the bucket stays. Backups are what the `nats` command writes
(two files in a folder), by the same two requests: STREAM.SNAPSHOT and STREAM.RESTORE of JetStream's API.
"""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from nats.aio.msg import Msg

from liftline.adapters.nats.connection import ApiError, Connection, connected
from liftline.client import Client
from liftline.client.connection import Connection as Server
from liftline.client.errors import NotFoundError, ServerError
from liftline.client.views import Job, JobState
from liftline.jobs.naming import JobKey, Priority, Stage
from tests.chaos.leftovers import store_of
from tests.cluster import GATEWAY, WORKERS, Cluster, cluster
from tests.servers import nats_settings
from tests.standin_services import expected_outputs
from tests.support import eventually

CONTENT = b"not a video: stand-in stages only sleep\n"
BACKED_UP = ("KV_liftline_jobs", "KV_liftline")
"""In this order: a job's record may be older than the records of its tasks, never newer."""
REMOVED = ("LIFTLINE_TASKS", "LIFTLINE_EVENTS", *BACKED_UP)
NAME_IN_USE = 10130
WITHIN_S = 60.0
_CHUNK, _DATA, _ABOUT = 64 << 10, "stream.tar.s2", "backup.json"
pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


async def back_up(connection: Connection, stream: str, folder: Path) -> None:
    """`nats stream backup STREAM FOLDER`: chunks come to a subject, an empty one is the last; some are acknowledged."""
    folder.mkdir(parents=True)
    inbox, chunks = connection.client.new_inbox(), asyncio.Queue[Msg]()
    with (folder / _DATA).open("wb") as file:
        async with connection.hearing(inbox, chunks.put_nowait):
            about = await connection.api(f"STREAM.SNAPSHOT.{stream}", {"deliver_subject": inbox})
            while (chunk := await asyncio.wait_for(chunks.get(), WITHIN_S)).data:
                file.write(chunk.data)
                if chunk.reply:
                    await connection.say(chunk.reply, b"")
    (folder / _ABOUT).write_text(json.dumps({"config": about["config"], "state": about["state"]}))


async def restore(connection: Connection, folder: Path) -> None:
    """`nats stream restore FOLDER`. Raises ApiError where the stream is there."""
    about = json.loads((folder / _ABOUT).read_text())
    data = (folder / _DATA).read_bytes()
    place = (await connection.api(f"STREAM.RESTORE.{about['config']['name']}", about))["deliver_subject"]
    for begin in range(0, len(data), _CHUNK):
        await connection.once(place, data[begin : begin + _CHUNK])
    restored = connection.read(await connection.once(place, wait_s=WITHIN_S))
    assert restored["state"]["messages"] == about["state"]["messages"]


@dataclass(frozen=True)
class Jobs:
    """Submitted one after the other; each is called by where it stood at the backup, and what became of it since."""

    succeeded: Job
    failed: Job
    deleted_since: Job
    ended_since: Job
    running: Job
    queued: Job
    made_since: Job


class Disaster:
    """A backup, work going on, NATS losing everything, and the way back."""

    def __init__(self, running: Cluster, folder: Path) -> None:
        self.cluster, self.folder = running, folder
        self.client = Client(Server(server=running.server), retry_s=WITHIN_S)

    def happen(self) -> Jobs:
        """All of it; the jobs as they were last seen before."""
        succeeded, deleted = self._ended("segments=2"), self._ended("all=0")
        failed = self._ended("fail=plan")
        running = self._submit("segments=16-detect=0.7")
        eventually(lambda: self._is_detecting(running), WITHIN_S)
        ended = self._submit("segments=3-detect=0.4", Priority.HIGH)
        eventually(lambda: self._is_detecting(ended), WITHIN_S)
        queued = self._submit("segments=2-plan=2", Priority.LOW)
        self._in_nats(self._back_up)
        assert [self.client.get(job).state for job in (ended, running)] == [JobState.RUNNING] * 2
        assert self.client.get(queued).state is JobState.QUEUED
        self.client.delete(deleted)
        ended, made = self.client.wait(ended), self._ended("segments=1", Priority.HIGH)
        eventually(lambda: not self.objects(ended, "work/") and not self.objects(deleted), WITHIN_S)
        assert not any(self.client.get(job).state.ended for job in (running, queued)), "too slow to show anything"
        self._lose_everything()
        self._come_back()
        return Jobs(succeeded, failed, deleted, ended, running, queued, made)

    def _in_nats(self, use: Callable[[Connection], Awaitable[None]]) -> None:
        """Do something with a connection."""

        async def do() -> None:
            async with connected(nats_settings(self.cluster.nats), name="operator") as connection:
                await use(connection)

        asyncio.run(do())

    def objects(self, job: Job, below: str = "") -> set[str]:
        """What the bucket has of a job, without the prefix."""
        prefix = JobKey("local", job.id).prefix
        return {key.removeprefix(prefix) for key in store_of(self.cluster).keys(f"{prefix}{below}")}

    def downloaded(self, job: Job) -> dict[str, bytes]:
        """Its outputs, as a client gets them, without the manifest."""
        files = self.client.download(job, self.folder / "outputs" / job.id)
        return {path: file.read_bytes() for path, file in files.items() if path != "manifest.json"}

    def _lose_everything(self) -> None:
        with self.cluster.without_nats():
            shutil.rmtree(self.cluster.nats.folder / "jetstream")

    def _come_back(self) -> None:
        """The steps of docs/operations.md. Somebody has made streams anew, which must go first."""
        for gateway in self.cluster.of(GATEWAY):
            self.cluster.scale_down(gateway)
        eventually(lambda: all(gateway.child is None for gateway in self.cluster.of(GATEWAY)), WITHIN_S)
        self.cluster.set_up()
        self._in_nats(self._remove_streams)
        for worker in self.cluster.of(*WORKERS):
            self.cluster.kill(worker)
        self._in_nats(self._restore)
        self.cluster.set_up()
        for gateway in self.cluster.of(GATEWAY):
            self.cluster.scale_up(gateway)
        self.cluster.wait_until_serving()

    async def _back_up(self, connection: Connection) -> None:
        for stream in BACKED_UP:
            await back_up(connection, stream, self.folder / "backup" / stream)

    async def _remove_streams(self, connection: Connection) -> None:
        for stream in BACKED_UP:
            with pytest.raises(ApiError) as refused:
                await restore(connection, self.folder / "backup" / stream)
            assert refused.value.number == NAME_IN_USE
        for stream in REMOVED:
            await connection.api(f"STREAM.DELETE.{stream}")

    async def _restore(self, connection: Connection) -> None:
        for stream in BACKED_UP:
            await restore(connection, self.folder / "backup" / stream)

    def _ended(self, script: str, priority: Priority = Priority.NORMAL) -> Job:
        return self.client.wait(self._submit(script, priority))

    def _submit(self, script: str, priority: Priority = Priority.NORMAL) -> Job:
        path = self.folder / f"standin-{script}.mp4"
        path.write_bytes(CONTENT)
        return self.client.submit(path, priority=priority)

    def _is_detecting(self, job: Job) -> bool:
        stages = self.client.get(job).stages
        return any(one.stage is Stage.DETECT and 0 < one.tasks_done < one.tasks for one in stages)


@dataclass(frozen=True)
class Restored:
    """The cluster after it, and the jobs as they were before."""

    disaster: Disaster
    jobs: Jobs

    @property
    def client(self) -> Client:
        return self.disaster.client


@pytest.fixture(scope="module")
def restored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Restored]:
    folder = tmp_path_factory.mktemp("backup")
    with cluster(folder) as running:
        disaster = Disaster(running, folder)
        with disaster.client:
            yield Restored(disaster, disaster.happen())


def test_jobs_that_had_ended_are_there_with_their_results(restored: Restored) -> None:
    job, failed = restored.jobs.succeeded, restored.jobs.failed
    assert {job, failed} <= set(restored.client.list())
    assert restored.disaster.downloaded(job) == expected_outputs(job.video_name, CONTENT)


@pytest.mark.parametrize("which", ["running", "queued"])
def test_jobs_that_had_not_ended_go_on_to_their_end(restored: Restored, which: str) -> None:
    job: Job = getattr(restored.jobs, which)
    restored.client.wait(job).raise_unless_succeeded()
    assert restored.disaster.downloaded(job) == expected_outputs(job.video_name, CONTENT)


def test_jobs_made_since_are_unknown_and_their_files_lie_in_the_bucket(restored: Restored) -> None:
    job = restored.jobs.made_since
    with pytest.raises(NotFoundError):
        restored.client.get(job)
    assert {f"input/{job.video_name}", "outputs/manifest.json"} <= restored.disaster.objects(job)


def test_jobs_deleted_since_are_listed_again_without_their_files_until_they_are_deleted_again(
    restored: Restored,
) -> None:
    job = restored.jobs.deleted_since
    assert restored.client.get(job).state is JobState.SUCCEEDED
    with pytest.raises(ServerError, match="404"):
        restored.disaster.downloaded(job)
    restored.client.delete(job)
    assert job.id not in {one.id for one in restored.client.list()}


def test_a_job_that_ended_since_keeps_its_results(restored: Restored) -> None:
    job = restored.jobs.ended_since
    restored.client.wait(job).raise_unless_succeeded()
    assert restored.disaster.downloaded(job) == expected_outputs(job.video_name, CONTENT)
