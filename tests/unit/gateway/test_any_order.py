"""Jobs in a world where messages are lost, doubled, late and out of order end as they would have undisturbed.

The world is played: queues, workers and results as NATS keeps them, a coordinator that dies between publishing tasks
and writing the record, and a reconciler. The job itself is the real one.
"""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from liftline.jobs.naming import Stage, TaskKey
from liftline.pipeline import state
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from tests.unit.gateway.jobs import TIME, failed, new_record, result_of

STEPS = 400


class World:
    """One job, and everything on its way."""

    def __init__(self, *, segments: int, max_parallel: int, luck: random.Random, broken: TaskKey | None = None) -> None:
        self.luck, self.segments, self.max_parallel, self.broken = luck, segments, max_parallel, broken
        self.record, tasks = state.begin(new_record(max_parallel=max_parallel))
        self.tasks, self.events = list(tasks), list[Event]()
        self.results: dict[TaskKey, TaskResult] = {}
        self.published = {TaskKey.of(task.id) for task in tasks}
        self.runs: dict[TaskKey, int] = {}

    def some(self, things: list) -> int | None:  # type: ignore[type-arg]
        return self.luck.randrange(len(things)) if things else None

    def work(self) -> None:
        """A worker ends a task. Perhaps its event, or the word that it is done, gets lost or doubled."""
        at = self.some(self.tasks)
        if at is None:
            return
        task = self.tasks[at]
        key = TaskKey.of(task.id)
        self.runs[key] = self.runs.get(key, 0) + 1
        if key == self.broken:
            event = failed(task)
        else:
            made = result_of(task, segments=self.segments)
            event = Event(id=task.id, time=TIME, finished=self.results.setdefault(key, made))
        self.events += [event] * self.luck.choice((0, 1, 1, 1, 2))
        if self.luck.random() < 0.9:
            del self.tasks[at]

    def coordinate(self) -> None:
        """Events are folded; perhaps the coordinator dies before it writes that, or before it acknowledges."""
        count = min(len(self.events), self.luck.randint(1, 4))
        taken = [self.events.pop(self.luck.randrange(len(self.events))) for _ in range(count)]
        record, tasks = state.advance(self.record, *taken)
        self.publish(tasks)
        dies = self.luck.random()
        if dies > 0.2:
            self.remember(record)
        if dies < 0.4:
            self.events += taken

    def lose(self) -> None:
        """A message vanishes."""
        queue = self.luck.choice((self.tasks, self.events))
        at = self.some(queue)
        if at is not None:
            del queue[at]

    def reconcile(self) -> None:
        """What is neither waiting nor done is found."""
        waiting = {TaskKey.of(task.id) for task in self.tasks}
        gone = [key for key in state.pending(self.record) if key not in waiting]
        found = [Event(id=key.wire, time=TIME, finished=self.results[key]) for key in gone if key in self.results]
        record, tasks = state.advance(self.record, *found)
        self.publish(tasks)
        self.remember(record)
        lost = [key for key in gone if key not in self.results and key in set(state.pending(self.record))]
        if lost and not state.is_over(self.record):
            record, tasks = state.release_again(self.record, lost)
            self.publish(tasks)
            self.remember(record)

    def publish(self, tasks: list[Task]) -> None:
        self.tasks += tasks
        self.published |= {TaskKey.of(task.id) for task in tasks}
        for stage in Stage:
            undone = [key for key in self.published if key.stage is stage and key not in self.results]
            assert len(undone) <= self.max_parallel

    def remember(self, record: JobRecord) -> None:
        self.record = record
        for stage in record.stages:
            open_tasks = [key for key in state.pending(record) if key.stage.wire == stage.stage]
            assert len(open_tasks) <= self.max_parallel
            assert stage.done_count == int.from_bytes(stage.done, "little").bit_count()

    @property
    def is_over(self) -> bool:
        return self.record.publishing or state.is_over(self.record)

    def play(self) -> None:
        """Disturbed for a while, then no longer."""
        disturbed = (self.work, self.work, self.work, self.coordinate, self.coordinate, self.lose, self.reconcile)
        for _ in range(STEPS):
            self.luck.choice(disturbed)()
        for _ in range(STEPS):
            if self.is_over:
                return
            self.work()
            self.coordinate()
            self.reconcile()


def undisturbed(*, segments: int, max_parallel: int) -> JobRecord:
    record, tasks = state.begin(new_record(max_parallel=max_parallel))
    while tasks:
        events = [Event(id=task.id, time=TIME, finished=result_of(task, segments=segments)) for task in tasks]
        record, tasks = state.advance(record, *events)
    return record


def comparable(record: JobRecord) -> JobRecord:
    """Without what may differ: how often tasks were published anew, and in which order warnings came."""
    same = JobRecord()
    same.CopyFrom(record)
    same.generation = 0
    same.warnings[:] = sorted(same.warnings)
    return same


@settings(max_examples=150, deadline=None)
@given(
    luck=st.integers(0, 2**32).map(random.Random),
    segments=st.integers(1, 9),
    max_parallel=st.integers(1, 5),
)  # fmt: skip
def test_however_messages_come_the_job_ends_as_it_would_have(
    luck: random.Random, segments: int, max_parallel: int
) -> None:  # fmt: skip
    world = World(segments=segments, max_parallel=max_parallel, luck=luck)
    world.play()
    assert world.record.publishing
    assert comparable(world.record) == comparable(undisturbed(segments=segments, max_parallel=max_parallel))
    assert set(world.runs) == set(world.results)
    assert len(world.results) == 4 + 2 * segments
    frames = {stage.stage: stage.frames_done for stage in world.record.stages}
    assert frames[Stage.DETECT.wire] == frames[Stage.RENDER.wire] == 300 * segments


@settings(max_examples=60, deadline=None)
@given(
    luck=st.integers(0, 2**32).map(random.Random),
    segments=st.integers(1, 5),
    stage=st.sampled_from(Stage),
    number=st.integers(0, 4),
)
def test_a_task_that_cannot_be_done_fails_the_job_however_messages_come(
    luck: random.Random, segments: int, stage: Stage, number: int
) -> None:
    key = new_record()
    number = number % segments if stage in (Stage.DETECT, Stage.RENDER) else 0
    broken = TaskKey(state.pending(state.begin(key)[0])[0].job, stage, number)
    world = World(segments=segments, max_parallel=2, luck=luck, broken=broken)
    world.play()
    assert world.record.state == Job.STATE_FAILED
    assert (world.record.failure.stage, world.record.failure.segment) == (stage.wire, number)
    assert broken not in world.results
