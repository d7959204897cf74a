"""`python -m liftline_detector`, `liftline_lifter` and `liftline_renderer` do a whole job over real NATS and S3."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import grpc
import numpy as np
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from liftline.jobs.naming import Stage
from liftline.v1.events_pb2 import TaskResult
from liftline.v1.job_service_pb2 import EXPORT_FORMAT_JSON, Failure, Job, JobSettings
from liftline.v1.records_pb2 import JobRecord
from liftline.v1.worker_service_pb2 import GetStatusRequest, WorkerStatus
from liftline.v1.worker_service_pb2_grpc import WorkerServiceStub
from liftline_cli.up.s3_server import S3Server
from liftline_demo.mannequin.clip import Clip, render_clip
from liftline_detector.__main__ import load_service as detector
from liftline_lifter.__main__ import load_service as lifter
from liftline_renderer.handlers import renderer_service as renderer
from tests.folder_work import FolderJob
from tests.integration.services.service_harness import SERVICES, ServiceHarness, hashes, service_harness
from tests.servers import running_nats

SEGMENT_S = 2.0
JOB = JobSettings(export_formats=[EXPORT_FORMAT_JSON], max_people=2)
ENCODED = {"segment", "rendered"}


@dataclass(frozen=True)
class Done:
    """What the services made of jobs, what they said of themselves, and how they ended."""

    harness: ServiceHarness
    video: Path
    record: JobRecord
    results: dict[str, TaskResult]
    refused: JobRecord
    statuses: dict[str, WorkerStatus]
    health: dict[str, int]
    exit_codes: dict[str, int]


@pytest.fixture(scope="module")
def done(s3_server: S3Server, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """A film in three segments, and a job that asks for a detector that isn't deployed."""
    folder = tmp_path_factory.mktemp("services")
    video = folder / "walk é.mp4"
    render_clip(video, Clip(36, Fraction(8), (320, 240)))

    async def scenario(here: ServiceHarness) -> Done:
        record = await here.process(video, settings=JOB, segment_s=SEGMENT_S)
        refused = await here.process(video, settings=JobSettings(detector="detectron2"), segment_s=SEGMENT_S)
        results = await here.results(record)
        told = {name: await asyncio.to_thread(status, here.ports[name]) for name in SERVICES}
        codes = {name: await asyncio.to_thread(here.end, name) for name in SERVICES}
        return Done(
            here, video, record, results, refused,
            {name: one for name, (one, _) in told.items()}, {name: health for name, (_, health) in told.items()}, codes,
        )  # fmt: skip

    async def run(nats) -> Done:
        async with service_harness(folder, nats, s3_server) as here:
            return await scenario(here)

    with running_nats(folder / "nats") as nats:
        yield asyncio.run(run(nats))


def status(port: int) -> tuple[WorkerStatus, int]:
    """What a service tells of itself, and its health."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        return (
            WorkerServiceStub(channel).GetStatus(GetStatusRequest(), timeout=20),
            HealthStub(channel).Check(HealthCheckRequest(), timeout=20).status,
        )


def test_every_task_of_the_job_is_done_once(done: Done) -> None:
    assert done.record.publishing
    assert sorted(done.results) == sorted(
        ["plan-0", *(f"{stage}-{n}" for stage in ("detect", "render") for n in range(3)), "track-0", "lift-0", "mux-0"]
    )


def test_the_services_make_what_their_handlers_make_here(done: Done, tmp_path: Path) -> None:
    job = FolderJob.of(done.video, tmp_path, settings=JOB, segment_s=SEGMENT_S)
    job.run({stage: handler for load in (detector, lifter, renderer) for stage, handler in load().handlers.items()})
    mine, theirs = hashes(job.results), hashes(done.results)
    assert mine.keys() == theirs.keys()
    encoded = {key for key in mine if key[1].startswith(tuple(ENCODED))}
    assert {key: mine[key] for key in mine.keys() - encoded} == {key: theirs[key] for key in theirs.keys() - encoded}
    local = next(
        product.path for key, one in job.outcomes.items() if key.stage is Stage.MUX for product in one.products
    )
    np.testing.assert_array_equal(pictures(local), pictures(done.harness.fetched(done.results["mux-0"], "rendered")))


def test_results_tell_who_made_them_with_what(done: Done) -> None:
    for name, result in done.results.items():
        assert result.worker, name
        assert result.seconds > 0
        assert result.provenance["av"] == av.__version__
    assert [model.name for model in done.record.models] == ["movenet", "liftline-h36m17-81f"]
    assert done.record.detector_model.name == "movenet"


def test_a_job_for_another_detector_fails_at_once_and_says_why(done: Done) -> None:
    assert done.refused.state == Job.STATE_FAILED
    assert done.refused.failure.reason == Failure.REASON_MODEL
    assert "asks for the detector 'detectron2', but 'movenet' is deployed" in done.refused.failure.message


def test_services_tell_their_health_models_and_device(done: Done) -> None:
    assert set(done.health.values()) == {HealthCheckResponse.SERVING}
    assert {name: [m.name for m in one.models] for name, one in done.statuses.items()} == {
        "detector": ["movenet"], "lifter": ["liftline-h36m17-81f"], "renderer": [],
    }  # fmt: skip
    assert {one.device for one in done.statuses.values()} == {"cpu"}


def test_every_service_ends_with_0_when_told_to(done: Done) -> None:
    assert done.exit_codes == dict.fromkeys(SERVICES, 0)


def pictures(path: Path) -> np.ndarray:
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray() for frame in container.decode(video=0)])
