"""Services do all that is done of jobs as users of their own: what they need, they may."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftline.adapters.access.roles import STAGES, Role
from liftline.client import Client
from liftline.client.connection import Connection as Server
from liftline.client.views import JobState
from liftline_detector.handlers import STAGES as DETECTOR_STAGES
from liftline_lifter.handlers import STAGES as LIFTER_STAGES
from liftline_renderer.handlers import STAGES as RENDERER_STAGES
from tests.cluster import cluster
from tests.standin_services import expected_outputs


def test_workers_may_work_on_what_their_services_work_on() -> None:
    has = {Role.DETECTOR: DETECTOR_STAGES, Role.LIFTER: LIFTER_STAGES, Role.RENDERER: RENDERER_STAGES}
    assert {role: set(stages) for role, stages in STAGES.items()} == {role: set(one) for role, one in has.items()}


@pytest.mark.slow
@pytest.mark.timeout(180)
def test_a_job_is_done_cancelled_and_deleted_by_users_who_are_refused_nothing_on_the_way(tmp_path: Path) -> None:
    content = b"not a video: stand-in stages only sleep\n"
    with cluster(tmp_path, detectors=2, renderers=2) as running:
        with Client(Server(server=running.server)) as client:
            for script in ("segments=3", "segments=2-detect=30", "fail=plan"):
                (tmp_path / f"standin-{script}.mp4").write_bytes(content)
            job = client.wait(client.submit(tmp_path / "standin-segments=3.mp4"))
            job.raise_unless_succeeded()
            found = client.download(job, tmp_path / "outputs")
            made = {path: file.read_bytes() for path, file in found.items() if path != "manifest.json"}
            assert made == expected_outputs(job.video_name, content)
            assert client.wait(client.submit(tmp_path / "standin-fail=plan.mp4")).state is JobState.FAILED
            slow = client.submit(tmp_path / "standin-segments=2-detect=30.mp4")
            client.cancel(slow)
            client.wait(slow)
            client.delete(job)
        logs = [path.read_text("utf-8") for path in tmp_path.glob("*.log")]
    assert len(logs) == 6
    assert not [line for log in logs for line in log.splitlines() if "refuse" in line or "AccessDenied" in line]
