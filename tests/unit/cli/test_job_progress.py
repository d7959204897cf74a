"""How much of a stage is said to be done."""

from __future__ import annotations

from typing import Any

import pytest

from liftline.client.views import job_of
from liftline.v1 import job_service_pb2 as pb
from liftline_cli.jobs.progress import counted, part_done


@pytest.mark.parametrize(
    ("stage", "expected"),
    [
        ({"stage": pb.STAGE_DETECT, "tasks": 4, "tasks_done": 1, "frames_done": 70}, (70, 200)),
        ({"stage": pb.STAGE_DETECT, "tasks": 4, "tasks_done": 4, "frames_done": 200}, (4, 4)),
        ({"stage": pb.STAGE_PLAN, "tasks": 1}, (0, 1)),
        ({"stage": pb.STAGE_LIFT, "tasks": 1, "frames_done": 900}, (0, 1)),
    ],
)
def test_frames_count_where_they_are_those_of_the_video(stage: dict[str, Any], expected: tuple[int, int]) -> None:
    job = job_of(
        pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING, frame_count=200, stages=[pb.StageProgress(**stage)])
    )
    assert part_done(job.stages[0], job) == expected


def test_segments_are_counted_as_such() -> None:
    stages = [pb.StageProgress(stage=stage, tasks=1) for stage in (pb.STAGE_RENDER, pb.STAGE_MUX)]
    job = job_of(pb.Job(name="jobs/one", state=pb.Job.STATE_RUNNING, stages=stages))
    assert [counted(stage) for stage in job.stages] == ["0/1 segments", "0/1"]
