"""One video on its way into one output folder: the coordinator's rules say which task is next, here it is done.

A task that was finished from the same inputs and settings isn't run again. Results become visible in the output tree
when the last task is done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from liftline.errors import LiftlineError, UsageError
from liftline.files.atomic import sha256_file
from liftline.files.output_tree import WORK_FOLDER, OutputTree, check_video_name
from liftline.jobs.manifest import seconds_of
from liftline.jobs.naming import SEGMENTED, JobKey, Stage, TaskKey
from liftline.pipeline import state
from liftline.pipeline.handler import GATHERS
from liftline.pipeline.local._earlier import EarlierFiles
from liftline.pipeline.local.finished_tasks import FinishedTasks, task_digest
from liftline.pipeline.local.job_files import JobFiles, disk_errors
from liftline.pipeline.local.ports import FileStore, LocalStages, Observer
from liftline.pipeline.local.publishing import KEPT, Publisher
from liftline.pipeline.local.stage_run import StageRun
from liftline.pipeline.local.task_work import Scratch
from liftline.pipeline.result_checks import LARGEST_SEGMENT_COUNT, problem_with_result
from liftline.progress import StopFlag
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import JobSettings
from liftline.v1.records_pb2 import JobRecord
from liftline.video.opening import local_opener

JOB = JobKey("local", "job")
_GATHERED_BY: Mapping[Stage, Stage] = {before: stage for stage, before in GATHERS.items()}


@dataclass(frozen=True)
class LocalJob:
    """What is to be made of a video.

    Attributes:
        video: the file.
        output_dir: root of the output tree.
        settings: as a client of the services would choose.
        segment_s: length of the segments it is cut into, seconds.
        overwrite: run finished tasks again.
    """

    video: Path
    output_dir: Path
    settings: JobSettings
    segment_s: float
    overwrite: bool = False

    def record(self) -> JobRecord:
        """As the gateway would begin with. Hashes the video."""
        now = Timestamp()
        now.GetCurrentTime()
        return JobRecord(
            tenant=JOB.tenant, job=JOB.job, video_name=self.video.name, settings=self.settings,
            segment_s=self.segment_s,
            video=ArtifactRef(
                key=f"{JOB.prefix}input/{self.video.name}", sha256=sha256_file(self.video),
                size_bytes=self.video.stat().st_size,
            ),
            max_parallel_segments=LARGEST_SEGMENT_COUNT, create_time=now,
        )  # fmt: skip


def work_folder(job: LocalJob) -> Path:
    """Where its unfinished and intermediate files are; may be deleted when nothing runs."""
    return job.output_dir / WORK_FOLDER / job.video.name


class LocalRun:
    """One job in this process. `record` is the job's record, as in the gateway; `changed`: whether outputs did."""

    def __init__(
        self, job: LocalJob, stages: LocalStages, store: FileStore, *, observer: Observer, stop: StopFlag
    ) -> None:
        """`store` is for this video alone. Raises LiftlineError for what can't work, before anything is computed."""
        check_video_name(job.video.name)
        opener, tree = local_opener(job.video), OutputTree(job.video.name)
        rendered = job.output_dir / tree.rendered
        if rendered.exists() and rendered.samefile(job.video):
            raise UsageError(f"{job.video}: would be overwritten by its own result; choose another --output-dir.")
        EarlierFiles(job.output_dir, job.video.name).check_names()
        self.record, self.changed = JobRecord(), False
        self._job, self._stop = job, stop
        self._scratch, files = Scratch(work_folder(job)), JobFiles(store, job.output_dir)
        self._stages = StageRun(opener, files, self._scratch, stages, observer, stop)
        self._finished, self._digests = FinishedTasks(store, JOB), dict[Stage, set[str]]()
        self._segments: Sequence[TaskResult] = ()

    def run(self, *, until: Stage = Stage.MUX) -> None:
        """Do everything up to this stage and put it into the output tree; the manifest, where that is the last one.

        Raises LiftlineError. Finished tasks stay valid, nothing is left half-written, and the tree's manifest is there
        only while all of it is complete.
        """
        with self._scratch:
            self.record, tasks = state.begin(self._job.record())
            while tasks:
                stage = Stage.of(tasks[0].id.stage)
                results = self._results(stage, tasks)
                self.record, tasks = self._after(tasks, results)
                if stage is until:
                    break
                self._segments = results if stage in SEGMENTED else ()
                if stage is Stage.PLAN:
                    self._load(until)
            self._publish()

    @property
    def seconds(self) -> dict[str, float]:
        """How long every stage took when it ran, in this run or an earlier one."""
        return seconds_of(self.record)

    def _load(self, until: Stage) -> None:
        """Load all models, so that one that is missing or bad is told of before any frame is decoded."""
        for stage in Stage:
            self._stages.stages(stage)
            if stage is until:
                return

    def _results(self, stage: Stage, tasks: Sequence[Task]) -> list[TaskResult]:
        """Of all tasks of a stage, in order, running those that weren't finished earlier."""
        digests = [self._digest(task, self._segments) for task in tasks]
        self._digests[stage] = set(digests)
        known = [self._known(task, of) for task, of in zip(tasks, digests, strict=True)]
        if not self._is_used_up(stage, tasks, known):
            known = [one if one is not None and self._stages.files.has_all(one) else None for one in known]
        done = [one for one in known if one is not None]
        if len(done) == len(tasks):
            self._stages.observer.skipped(str(stage))
            self._stages.warn_of(done)
            return done
        by_number = dict(zip((task.id.number for task in tasks), digests, strict=True))
        made = iter(
            self._stages.run(
                stage, [task for task, one in zip(tasks, known, strict=True) if one is None],
                frames=self.record.frame_count, frames_before=sum(one.frames_done for one in done),
                segments=self._segments,
                finished=lambda task, one: self._keep(task, by_number[task.id.number], one),
            )
        )  # fmt: skip
        return [next(made) if one is None else one for one in known]

    def _is_used_up(self, stage: Stage, tasks: Sequence[Task], known: Sequence[TaskResult | None]) -> bool:
        """Whether all is known of a stage, and of the one that joined its segments: then their files aren't needed."""
        done = [one for one in known if one is not None]
        if stage not in _GATHERED_BY or len(done) < len(tasks):
            return False
        _, then = self._after(tasks, done)
        joined = [self._known(task, self._digest(task, done)) for task in then]
        return all(one is not None and self._stages.files.has_all(one) for one in joined)

    def _digest(self, task: Task, segments: Sequence[TaskResult]) -> str:
        stage = Stage.of(task.id.stage)
        joined = segments if stage in GATHERS else ()
        return task_digest(task, self._stages.stages(stage).handler.fingerprint(task), joined)

    def _keep(self, task: Task, of: str, result: TaskResult) -> None:
        with disk_errors(self._job.output_dir):
            self._finished.keep(TaskKey.of(task.id), of, result)

    def _known(self, task: Task, of: str) -> TaskResult | None:
        """What a task made of the same inputs earlier, if that fits the job."""
        if self._job.overwrite:
            return None
        key = TaskKey.of(task.id)
        found = self._finished.find(key, of)
        if found is None or problem_with_result(self.record, key.stage, found, largest_bytes=None) is not None:
            return None
        return found

    def _after(self, tasks: Sequence[Task], results: Sequence[TaskResult]) -> state.Step:
        """The record with these results, and the next tasks. Raises LiftlineError for a result that doesn't fit."""
        now = Timestamp()
        now.GetCurrentTime()
        events = [Event(id=task.id, time=now, finished=one) for task, one in zip(tasks, results, strict=True)]
        record, then = state.advance(self.record, *events, largest_result_bytes=None)
        if record.HasField("failure"):
            raise LiftlineError(record.failure.message)
        record.update_time.CopyFrom(now)
        return record, then

    def _publish(self) -> None:
        publisher = Publisher(self._stages.files, self.record, self._stop)
        publisher.publish()
        self.changed = publisher.changed
        if self.record.publishing:
            publisher.write_manifest(overwrite=self._job.overwrite)
            publisher.remove_work_files()
            for stage, digests in self._digests.items():
                if stage not in KEPT:
                    self._finished.forget(stage, but=digests)
