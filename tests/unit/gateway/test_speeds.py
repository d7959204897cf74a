"""Frames, frames/s and time left while tasks run, from what they tell in passing."""

from __future__ import annotations

import pytest

from liftline.jobs.naming import Stage
from liftline.v1.events_pb2 import TaskId, TaskProgress
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord, StageRecord
from liftline_gateway.api._speeds import Speeds


class Watch:
    """Speeds of a job of 4 segments with 100 frames each, and the time, which stands still."""

    def __init__(self, *, stage: Stage = Stage.DETECT, frame_count: int = 400) -> None:
        self.now_s = 0.0
        self.speeds = Speeds(clock_s=lambda: self.now_s)
        entry = StageRecord(stage=stage.wire, tasks=4, released=4)
        self.record = JobRecord(job="a", state=Job.STATE_RUNNING, frame_count=frame_count, stages=[entry])
        self.entry = self.record.stages[0]

    def tell(self, number: int, frames: int) -> None:
        task = TaskId(tenant="anna", job="a", stage=self.entry.stage, number=number)
        self.speeds.update(TaskProgress(id=task, frames_done=frames))

    def finish(self, number: int) -> None:
        self.entry.done = bytes([(self.entry.done or b"\0")[0] | 1 << number])
        self.entry.done_count += 1
        self.entry.frames_done += 100

    def see(self) -> tuple[int, float, float | None]:
        (stage,) = self.speeds.view(self.record).stages
        left_s = stage.time_left.ToTimedelta().total_seconds() if stage.HasField("time_left") else None
        return stage.frames_done, stage.frames_per_second, left_s


def test_frames_of_all_workers_are_added() -> None:
    watch = Watch()
    assert watch.see() == (0, 0.0, None)
    watch.now_s = 2.0
    watch.tell(0, 30)
    watch.tell(1, 10)
    assert watch.see() == (40, 20.0, 18.0)


def test_finished_tasks_are_not_counted_twice() -> None:
    watch = Watch()
    watch.see()
    watch.now_s = 2.0
    watch.tell(0, 90)
    watch.finish(0)
    watch.tell(1, 50)
    assert watch.see() == (150, 75.0, pytest.approx(250 / 75))
    watch.tell(0, 95)
    assert watch.see()[0] == 150


def test_speed_is_that_of_the_last_seconds() -> None:
    watch = Watch()
    for second in range(60):
        watch.now_s = float(second)
        watch.tell(0, 2 * second)
        frames, speed, _ = watch.see()
    assert (frames, speed) == (118, 2.0)
    watch.now_s = 100.0
    watch.see()
    watch.now_s = 111.0
    assert watch.see()[1:] == (0.0, None)


def test_a_task_that_begins_again_loses_no_frames_for_those_who_watch() -> None:
    watch = Watch()
    watch.tell(0, 80)
    watch.see()
    watch.now_s = 2.0
    watch.tell(0, 5)
    assert watch.see() == (80, 0.0, None)


def test_a_finished_stage_has_no_speed() -> None:
    watch = Watch()
    watch.see()
    watch.now_s = 2.0
    for number in range(4):
        watch.finish(number)
    assert watch.see() == (400, 0.0, None)


def test_time_left_is_not_guessed_where_frames_say_nothing_of_it() -> None:
    watch = Watch(stage=Stage.LIFT)
    watch.see()
    watch.now_s = 2.0
    watch.tell(0, 1000)
    assert watch.see() == (400, 500.0, None)
