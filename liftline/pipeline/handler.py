"""What a service gives to whoever runs the pipeline: a handler per stage, and what passes between the two."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

from liftline.jobs.naming import Stage
from liftline.ports import BlockCheck, ModelInfo, Progress, StopToken, VideoOpener
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.events_pb2 import Task, TaskResult

Fingerprint = tuple[object, ...]


@dataclass(frozen=True)
class Product:
    """A file that a stage wrote. `tree_path` is its place in the output tree, empty for a work file."""

    role: str
    path: Path
    tree_path: str = ""


@dataclass(frozen=True)
class StageOutcome:
    """What a stage made.

    Attributes:
        products: files; they are stored, then the task is done.
        frames_done: frames it answers for.
        models: that it used.
        warnings: sentences for the user.
        settings: what it ran with, for the manifest.
        segment_count, frame_count, video_sha256, video_info_json: of a plan.
    """

    products: Sequence[Product]
    frames_done: int
    models: Sequence[ModelInfo] = ()
    warnings: Sequence[str] = ()
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    segment_count: int = 0
    frame_count: int = 0
    video_sha256: str = ""
    video_info_json: str = ""


class Work(Protocol):
    """One task as its handler sees it. Methods may be called from the handler's thread and those it starts."""

    @property
    def task(self) -> Task:
        """The task: its id, settings and inputs."""

    @property
    def folder(self) -> Path:
        """An empty folder of its own, removed afterwards."""

    @property
    def stop(self) -> StopToken:
        """To ask at least once per frame."""

    @property
    def progress(self) -> Progress:
        """To tell finished frames. While it doesn't move, the task counts as hanging."""

    @property
    def segment_results(self) -> Sequence[TaskResult]:
        """For stages that join segments: the result of each segment's task, in order; else empty."""

    def input_file(self, role: str) -> Path:
        """The task's input of that role, fetched and checked. Raises UnavailableError, InvalidArtifactError."""

    def fetch(self, ref: ArtifactRef) -> Path:
        """Any artifact, fetched and checked, in a file of the caller's own, who may remove it.

        Raises UnavailableError, InvalidArtifactError.
        """

    def video(self, check: BlockCheck | None = None) -> VideoOpener:
        """The job's video, read by ranges as it is needed, which are checked where it isn't a file of this machine."""


class StageHandler(Protocol):
    """Does one stage's tasks, in a thread of the worker's.

    Raises LiftlineError where the task can't be done, whoever tries it; UnavailableError where it may be later;
    Cancelled when told to stop. Anything else it raises is a fault of its own, and fails the job too.
    """

    def __call__(self, work: Work) -> StageOutcome:
        """Do one task and return what was made, as files in `work.folder`."""

    def fingerprint(self, task: Task) -> Fingerprint:
        """Everything besides its inputs that the outcome of a task depends on: settings, hashes of models, schemas.

        Whoever keeps results compares reprs, so that it must be made of plain values and frozen dataclasses.
        """


@dataclass(frozen=True)
class LoadedService:
    """A service that is ready to work. `at_once`: how many tasks suit the machine, where the settings don't say."""

    handlers: Mapping[Stage, StageHandler]
    models: Sequence[ModelInfo] = ()
    device: str = "cpu"
    at_once: int = 1


@dataclass(frozen=True)
class Service:
    """A service before it is ready.

    Attributes:
        name: "detector", "lifter", "renderer".
        stages: it works on, those first that bring a job nearer to its end.
        load: loads models and warms them up; may take long.
    """

    name: str
    stages: Sequence[Stage]
    load: Callable[[], LoadedService]

    def working_on(self, chosen: Collection[Stage]) -> list[Stage]:
        """Its stages, in its order, that are chosen; all where none is."""
        return [stage for stage in self.stages if not chosen or stage in chosen]


GATHERS: Mapping[Stage, Stage] = MappingProxyType({Stage.TRACK: Stage.DETECT, Stage.MUX: Stage.RENDER})
"""Stages that need the results of all segments, and of which stage."""
