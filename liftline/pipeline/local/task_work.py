"""A task as its handler sees it (`liftline.pipeline.handler.Work`), over files of this machine."""

from __future__ import annotations

import shutil
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from liftline.errors import InvalidArtifactError
from liftline.files.atomic import output_errors
from liftline.files.process_folder import process_folder
from liftline.jobs.naming import Stage, artifact, new_id
from liftline.pipeline.local.job_files import JobFiles
from liftline.ports import BlockCheck, Progress, StopToken, VideoOpener
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.v1.events_pb2 import Task, TaskResult


class Scratch(ExitStack):
    """A folder for unfinished files, made when it is first needed: whoever is refused at once leaves nothing."""

    def __init__(self, parent: Path) -> None:
        """The folder will be in `parent`, and is removed at the end of the `with` block."""
        super().__init__()
        self._parent, self._lock = parent, threading.Lock()
        self._folder: Path | None = None

    def new_folder(self, name: str) -> Path:
        """A new empty folder in it, whose name begins with `name`. Raises OutputError."""
        with self._lock, output_errors(self._parent):
            if self._folder is None:
                folder = process_folder(self._parent, name=new_id(), remedy="choose another --output-dir")
                self._folder = self.enter_context(folder)
            return Path(tempfile.mkdtemp(prefix=f"{name}-", dir=self._folder))


class LocalWork:
    """Work on one task. Methods may be called from several threads."""

    def __init__(
        self, task: Task, segment_results: Sequence[TaskResult], *, video: VideoOpener | None, files: JobFiles,
        scratch: Scratch, stop: StopToken, progress: Progress,
    ) -> None:  # fmt: skip
        """`segment_results` are those of a stage that joins segments; `video` is None where the task reads none."""
        self.task, self.segment_results, self.stop = task, segment_results, stop
        self.progress: Progress = _FinishedFrames(progress)
        self._video, self._files, self._scratch = video, files, scratch
        self._lock = threading.Lock()
        self._folders: dict[str, Path] = {}
        self._fetches = 0

    @property
    def folder(self) -> Path:
        """An empty folder for what the handler makes. Raises OutputError."""
        return self._folder("made")

    def input_file(self, role: str) -> Path:
        """An input, where it lies. Raises InvalidArtifactError."""
        found = artifact(self.task.inputs, role)
        if found is None:
            raise InvalidArtifactError(f"{Stage.of(self.task.id.stage)}: the task came without its input {role!r}.")
        return self._files.path(found)

    def fetch(self, ref: ArtifactRef) -> Path:
        """Any artifact, in a file of the caller's own. Raises InvalidArtifactError, OutputError."""
        folder = self._folder("fetched")
        with self._lock:
            self._fetches += 1
            path = folder / str(self._fetches)
        return self._files.copy(ref, path)

    def video(self, check: BlockCheck | None = None) -> VideoOpener:  # noqa: ARG002 - a file of this machine
        """The job's. Raises InvalidArtifactError where it has none."""
        if self._video is None:
            raise InvalidArtifactError(f"{self.task.video_name}: there is no video to read.")
        return self._video

    @contextmanager
    def cleaned_up(self) -> Iterator[LocalWork]:
        """Remove its folders at the end of the block."""
        try:
            yield self
        finally:
            for folder in self._folders.values():
                shutil.rmtree(folder, ignore_errors=True)

    def _folder(self, name: str) -> Path:
        with self._lock:
            if name not in self._folders:
                self._folders[name] = self._scratch.new_folder(name)
            return self._folders[name]


class _FinishedFrames(Progress):
    """Passes frames on, and no mere signs of life, which nobody waits for here."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def advance(self, frames: int = 1) -> None:
        """Pass on `frames` unless it is 0."""
        if frames:
            self._progress.advance(frames)
