"""Two versions of Liftline on one NATS and one bucket, as while a deployment is upgraded or rolled back.

Every job ends as if there were one version only, whoever does what of it; nothing goes to the dead letters.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from liftline.adapters.access.roles import Role
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.client import Client
from liftline.client.connection import Connection
from liftline.client.views import Job
from liftline.jobs.naming import JobKey, Stage
from liftline_cli.up._services import credentials
from tests.chaos.leftovers import dead_jobs, leftovers
from tests.cluster import DETECTOR, GATEWAY, LIFTER, RENDERER, WORKERS, Cluster, Part
from tests.servers import nats_settings
from tests.standin_services import expected_outputs
from tests.versions import MARK, NEXT_VERSION, Version, next_version, released_version, this_version

OLD, NEW = 0, 1
CONTENT = b"not a video: stand-in stages only sleep\n"
OPTIONS = {
    "LIFTLINE_NATS_ACK_WAIT_S": "5",
    "LIFTLINE_WORKER_STALL_S": "30",
    "LIFTLINE_WORKER_OF_NEXT_VERSION": "1",  # a setting that only one of them would know, in a ConfigMap of both
    "LIFTLINE_GATEWAY_OF_NEXT_VERSION": "1",
}
WITHIN_S = 60.0
pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


@dataclass
class Upgrade:
    """A cluster with two of every service: one of the old version, one of the new."""

    cluster: Cluster
    versions: tuple[Version, Version]
    folder: Path

    def runs(self, *, gateways: Sequence[int] = (OLD, NEW), workers: Sequence[int] = (OLD, NEW)) -> None:
        """Exactly these run, and serve."""
        wanted = [self.of(kind, n) for kind, numbers in _kinds(gateways, workers).items() for n in numbers]
        for part in wanted:
            self.cluster.scale_up(part)
        self.cluster.wait_until_serving(*wanted, within_s=WITHIN_S)
        self.end(*(part for part in self.cluster.parts if part not in wanted))

    def end(self, *parts: Part) -> None:
        """SIGTERM, as in a rolling update; back when they are gone."""
        for part in parts:
            self.cluster.scale_down(part)
        end_s = time.monotonic() + WITHIN_S
        while any(part.child is not None for part in parts):
            assert time.monotonic() < end_s, "a service doesn't end on SIGTERM"
            time.sleep(0.05)

    def of(self, kind: str, which: int) -> Part:
        return self.cluster.of(kind)[which]

    def workers(self, which: int) -> list[Part]:
        return [self.of(kind, which) for kind in WORKERS]

    def client(self, which: int) -> Client:
        return Client(Connection(server=f"127.0.0.1:{self.of(GATEWAY, which).port}"), retry_s=WITHIN_S)

    def submit(self, client: Client, count: int, script: str) -> list[Job]:
        path = self.folder / f"standin-{script}.mp4"
        path.write_bytes(CONTENT)
        return [client.submit(path) for _ in range(count)]

    def tasks_done(self, part: Part) -> int:
        """By its log."""
        return self._log(part).count("task_done")

    def errors(self) -> list[str]:
        """What services complain of: messages that they can't read would be sent again, to others."""
        lines = [line for part in self.cluster.parts for line in self._log(part).splitlines()]
        return [line for line in lines if '"level": "error"' in line]

    def _log(self, part: Part) -> str:
        return (self.cluster.folder / f"{part.name}.log").read_text("utf-8")


def _kinds(gateways: Sequence[int], workers: Sequence[int]) -> Mapping[str, Sequence[int]]:
    return {GATEWAY: gateways, **dict.fromkeys(WORKERS, workers)}


def _this_and_next(folder: Path) -> tuple[Version, Version]:
    return this_version(), next_version(folder / "next")


def _released_and_this(folder: Path) -> tuple[Version, Version]:
    released = released_version(folder / "released")
    if released is None:
        pytest.skip("git doesn't have the commit of the last release of the contract here")
    return released, this_version()


@pytest.fixture(scope="module", params=[_this_and_next, _released_and_this], ids=["this-next", "released-this"])
def upgrade(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upgrade]:
    folder = tmp_path_factory.mktemp("upgrade")
    make: Callable[[Path], tuple[Version, Version]] = request.param
    versions = make(folder)
    counts = dict.fromkeys((GATEWAY, DETECTOR, LIFTER, RENDERER), len(versions))
    running = Cluster(folder, counts=counts, options=OPTIONS, workers_module="tests.standin_services")
    for kind in counts:
        for part, version in zip(running.of(kind), versions, strict=True):
            part.environment.update(version.environment())
            if version.name == "released":  # all services of it are one user, who may do everything
                part.environment.update(credentials(Role.OPERATOR, running.nats, running.s3))
                part.health_port = part.port  # it has one for all
    try:
        running.start()
        yield Upgrade(running, versions, folder)
    finally:
        running.stop()


@pytest.fixture(autouse=True)
def _nobody_dies_or_complains(upgrade: Upgrade) -> Iterator[None]:
    for part in upgrade.cluster.parts:
        part.exit_codes.clear()
    before = len(upgrade.errors())
    yield
    complaints = upgrade.errors()
    assert len(complaints) == before, complaints
    assert dead_jobs(upgrade.cluster) == set()
    assert {code for part in upgrade.cluster.parts for code in part.exit_codes} <= {0}


def check_all_succeed(upgrade: Upgrade, client: Client, jobs: Sequence[Job]) -> None:
    """They leave what jobs of one version leave, and nothing else."""
    for job in jobs:
        ended = client.wait(job)
        ended.raise_unless_succeeded()
        found = client.download(ended, upgrade.folder / "outputs" / job.id)
        expected = expected_outputs(job.video_name, CONTENT)
        assert {path: found[path].read_bytes() for path in expected} == expected
    assert leftovers(upgrade.cluster, within_s=15.0) == []


def wait_until_detecting(client: Client, job: Job) -> None:
    for seen in client.watch(job):
        if any(one.stage is Stage.DETECT and 0 < one.tasks_done < one.tasks for one in seen.stages):
            return
    raise AssertionError("the job ended before it was in the middle of a stage")


def record_of(upgrade: Upgrade, job: Job) -> bytes:
    async def read() -> bytes:
        async with connected(nats_settings(upgrade.cluster.nats), name="test") as nats:
            entry = await NatsRecords(nats).get(JobKey("local", job.id).record)
            assert entry is not None
            return entry.value

    return asyncio.run(read())


def test_every_version_runs_its_own_sources(upgrade: Upgrade) -> None:
    tell = "import liftline, liftline_gateway, tests.standin_services as s; print(liftline, liftline_gateway, s)"
    for which, version in enumerate(upgrade.versions):
        environment = upgrade.of(DETECTOR, which).environment
        told = subprocess.run([sys.executable, "-c", tell], env=environment, capture_output=True, text=True, check=True)
        assert told.stdout.count(f"from '{version.folder}/") == 3
        log = (upgrade.cluster.folder / f"{upgrade.of(DETECTOR, which).name}.log").read_text("utf-8")
        assert (NEXT_VERSION in log) == (version.name == "next")


def test_services_of_both_versions_share_all_jobs(upgrade: Upgrade) -> None:
    upgrade.runs()
    before = [upgrade.tasks_done(upgrade.of(kind, which)) for kind in WORKERS for which in (OLD, NEW)]
    with upgrade.client(OLD) as old, upgrade.client(NEW) as new:
        jobs = [job for client in (old, new) for job in upgrade.submit(client, 3, "segments=6-all=0.3")]
        check_all_succeed(upgrade, new, jobs)
    after = [upgrade.tasks_done(upgrade.of(kind, which)) for kind in WORKERS for which in (OLD, NEW)]
    assert all(now > then for now, then in zip(after, before, strict=True)), "a service had no part in it"


@pytest.mark.parametrize(("gateway", "worker"), [(OLD, NEW), (NEW, OLD)], ids=["old-gateway", "new-gateway"])
def test_a_gateway_of_one_version_has_workers_of_the_other(upgrade: Upgrade, gateway: int, worker: int) -> None:
    upgrade.runs(gateways=[gateway], workers=[worker])
    with upgrade.client(gateway) as client:
        check_all_succeed(upgrade, client, upgrade.submit(client, 2, "segments=3-all=0.1"))


@pytest.mark.parametrize("before", [(OLD, NEW), (OLD,)], ids=["new-ones-are-there", "new-ones-come-later"])
def test_workers_end_in_the_middle_of_jobs_and_new_ones_go_on(upgrade: Upgrade, before: Sequence[int]) -> None:
    upgrade.runs(gateways=[OLD], workers=before)
    for part in upgrade.workers(OLD):
        part.exit_codes.clear()
    with upgrade.client(OLD) as client:
        jobs = upgrade.submit(client, 3, "segments=8-all=0.4")
        wait_until_detecting(client, jobs[0])
        upgrade.end(*upgrade.workers(OLD))
        assert not all(client.get(job).state.ended for job in jobs), "the update came too late to show anything"
        assert [part.exit_codes for part in upgrade.workers(OLD)] == [[0]] * len(WORKERS)
        upgrade.runs(gateways=[OLD], workers=[NEW])
        check_all_succeed(upgrade, client, jobs)


@pytest.mark.parametrize(("first", "then"), [(OLD, NEW), (NEW, OLD)], ids=["upgrade", "rollback"])
def test_a_gateway_ends_in_the_middle_of_jobs_and_the_other_goes_on(upgrade: Upgrade, first: int, then: int) -> None:
    upgrade.runs()
    with upgrade.client(first) as client:
        jobs = upgrade.submit(client, 3, "segments=8-all=0.3")
        wait_until_detecting(client, jobs[0])
    upgrade.end(upgrade.of(GATEWAY, first))
    with upgrade.client(then) as client:
        assert not all(client.get(job).state.ended for job in jobs), "the update came too late to show anything"
        check_all_succeed(upgrade, client, jobs)
    if upgrade.versions[first].name == "next":
        assert MARK.encode() in record_of(upgrade, jobs[0]), "what only the next version knows was lost"
