"""Tasks worked on without servers: a plain `Work` over a folder, and jobs run through the real coordinator's rules."""

from __future__ import annotations

import random
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from google.protobuf.timestamp_pb2 import Timestamp

from liftline.adapters.folder_store import FolderStore
from liftline.files.atomic import sha256_file
from liftline.jobs.naming import JobKey, Stage, TaskKey, artifact
from liftline.pipeline.handler import GATHERS, StageHandler, StageOutcome
from liftline.pipeline.state import advance, begin
from liftline.pipeline.task_results import task_result
from liftline.ports import BlockCheck, Progress, StopToken, VideoOpener
from liftline.progress import FrameCounter, StopFlag
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Event, Task, TaskResult
from liftline.v1.job_service_pb2 import JobSettings
from liftline.v1.records_pb2 import JobRecord

JOB = JobKey("local", "0193a2b4c5d600000000aa")
_TIME = Timestamp(seconds=1_700_000_000)


@dataclass
class FolderWork:
    """One task over artifacts in a store. Counts what is fetched and not yet removed again."""

    task: Task
    folder: Path
    store: FolderStore
    segment_results: Sequence[TaskResult] = ()
    stop: StopToken = field(default_factory=StopFlag)
    progress: Progress = field(default_factory=FrameCounter)
    most_files: int = 0

    def __post_init__(self) -> None:
        self._lock, self._fetches = threading.Lock(), 0

    def input_file(self, role: str) -> Path:
        """The task's input of that role."""
        found = artifact(self.task.inputs, role)
        assert found is not None, f"the coordinator gave no {role}"
        return self.fetch(found.ref)

    def fetch(self, ref: ArtifactRef) -> Path:
        """A copy of any artifact."""
        fetched = self.folder.with_name(f"{self.folder.name}-fetched")
        fetched.mkdir(exist_ok=True)
        with self._lock:
            self._fetches += 1
            path = fetched / f"{self._fetches}"
        self.store.get_file(ref.key, path)
        self.most_files = max(self.most_files, sum(1 for _ in fetched.iterdir()))
        return path

    def video(self, check: BlockCheck | None = None) -> VideoOpener:
        """The job's video."""
        found = artifact(self.task.inputs, "video")
        assert found is not None
        return lambda: self.store.open(found.ref.key, check=check)


@dataclass
class FolderJob:
    """A job in a folder: its record, results of its tasks, its store."""

    folder: Path
    record: JobRecord
    store: FolderStore
    results: dict[TaskKey, TaskResult] = field(default_factory=dict)
    works: dict[TaskKey, FolderWork] = field(default_factory=dict)
    outcomes: dict[TaskKey, StageOutcome] = field(default_factory=dict)

    @classmethod
    def of(
        cls, video: Path, folder: Path, *, settings: JobSettings | None = None, segment_s: float = 10.0
    ) -> FolderJob:
        """A new one, its video in the store."""
        key = f"{JOB.prefix}input/{video.name}"
        store = FolderStore(folder / "store")
        store.put_file(key, video)
        record = JobRecord(
            tenant=JOB.tenant, job=JOB.job, video_name=video.name, settings=settings or JobSettings(),
            video=ArtifactRef(key=key, size_bytes=video.stat().st_size), segment_s=segment_s,
            max_parallel_segments=3, create_time=_TIME,
        )  # fmt: skip
        return cls(folder, record, store)

    def run(self, handlers: Mapping[Stage, StageHandler], *, seed: int = 0, until: Stage | None = None) -> None:
        """Do all tasks as they are released, in any order; stop before the first task of stage `until`."""
        order = random.Random(seed)
        self.record, waiting = begin(self.record)
        while waiting:
            task = waiting.pop(order.randrange(len(waiting)))
            key = TaskKey.of(task.id)
            if key.stage is until:
                continue
            self.results[key] = self.do(task, handlers[key.stage])
            self.record, more = advance(self.record, Event(id=task.id, time=_TIME, finished=self.results[key]))
            assert not self.record.HasField("failure"), self.record.failure
            waiting += more

    def do(self, task: Task, handler: StageHandler) -> TaskResult:
        """One task: its result, as a worker would store it."""
        work, key = self.work(task), TaskKey.of(task.id)
        outcome = handler(work)
        self.works[key], self.outcomes[key] = work, outcome
        made = []
        for product in outcome.products:
            sha256 = sha256_file(product.path)
            ref = ArtifactRef(key=key.artifact(sha256), sha256=sha256, size_bytes=product.path.stat().st_size)
            self.store.put_file(ref.key, product.path)
            made.append(Artifact(role=product.role, ref=ref, path=product.tree_path))
        return task_result(outcome, made, seconds=1.0, worker="test")

    def work(self, task: Task) -> FolderWork:
        """What the task's handler gets."""
        key = TaskKey.of(task.id)
        before = GATHERS.get(key.stage)
        segments = range(task.segment_count) if before else ()
        results = [self.results[TaskKey(JOB, before, number)] for number in segments if before]
        folder = self.folder / f"work-{key.name}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return FolderWork(task, folder, self.store, results)

    def outputs(self, folder: Path) -> Path:
        """The output tree as a client would download it, but for the manifest."""
        for one in self.record.artifacts:
            if one.path:
                self.store.get_file(one.ref.key, folder / one.path)
        return folder
