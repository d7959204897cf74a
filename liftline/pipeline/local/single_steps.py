"""Stages on files of a user's own, without the stages before them: the coordinator's tasks, run by the handlers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from liftline import plan as plan_file
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.pipeline.local.job_files import link_or_copy
from liftline.pipeline.local.stage_run import StageRun
from liftline.pipeline.next_tasks import tasks_of
from liftline.plan import Plan
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import TaskResult
from liftline.v1.records_pb2 import JobRecord


@dataclass(frozen=True)
class SingleSteps:
    """Some stages of a job, whose `record` knows what they need. Every method raises LiftlineError."""

    record: JobRecord
    stage_run: StageRun

    def give(self, stage: Stage, role: str, path: Path) -> None:
        """A file that stands for what a stage would have made."""
        key = TaskKey(JobKey(self.record.tenant, self.record.job), stage)
        self.record.artifacts.append(self.stage_run.files.lend(key, role, path))

    def plan(self) -> Plan:
        """Run the plan stage; the record then knows its plan, segments and frames."""
        (result,) = self.run(Stage.PLAN)
        self.record.artifacts.extend(result.artifacts)
        self.record.segment_count, self.record.frame_count = result.segment_count, result.frame_count
        return plan_file.load(self.stage_run.files.path(result.artifacts[0]))

    def run(self, stage: Stage, *, tasks: int = 1, segments: Sequence[TaskResult] = ()) -> list[TaskResult]:
        """Run the first `tasks` tasks of a stage; `segments` are results that it joins. Results are in order."""
        released = tasks_of(self.record, stage, range(tasks))
        return self.stage_run.run(stage, released, frames=self.record.frame_count or None, segments=segments)

    def deliver(self, artifacts: Iterable[Artifact], folder: Path) -> list[Path]:
        """Put results with a place in the output tree into one folder, by their names alone."""
        targets = []
        for one in artifacts:
            if one.path:
                targets.append(folder / PurePosixPath(one.path).name)
                link_or_copy(self.stage_run.files.path(one), targets[-1])
        return targets
