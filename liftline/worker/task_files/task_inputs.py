"""A task as its handler sees it (`liftline.pipeline.handler.Work`)."""

from __future__ import annotations

import functools
import threading
from collections.abc import Sequence
from pathlib import Path

from liftline.errors import InvalidArtifactError, OutputError, UnavailableError
from liftline.files.atomic import disk_is_full
from liftline.jobs.naming import artifact
from liftline.net.rereading import read_again
from liftline.net.retrying import TASK_FETCH
from liftline.ports import ArtifactStore, BlockCheck, VideoOpener
from liftline.progress import StopFlag
from liftline.v1.artifacts_pb2 import Artifact, ArtifactRef
from liftline.v1.events_pb2 import Task, TaskResult
from liftline.worker.running_task import RunningTask
from liftline.worker.task_files._object_stream import open_counted
from liftline.worker.task_files.input_cache import InputCache, check_belongs, fetch_checked
from liftline.worker.task_files.scratch import TaskFolders

VIDEO = "video"


class TaskInputs:
    """A running task as a `Work`; nothing is fetched before it is asked for."""

    def __init__(self, running: RunningTask, folders: TaskFolders, cache: InputCache, store: ArtifactStore) -> None:
        self._running, self._folders, self._cache, self._store = running, folders, cache, store
        self._lock = threading.Lock()
        self._fetches = 0
        self.segment_results: Sequence[TaskResult] = ()

    @property
    def task(self) -> Task:
        """The task's message."""
        return self._running.task

    @property
    def folder(self) -> Path:
        """Folder for the handler's products."""
        return self._folders.made

    @property
    def stop(self) -> StopFlag:
        """See `StopToken`."""
        return self._running.stop

    @property
    def progress(self) -> RunningTask:
        """See `Progress`."""
        return self._running

    def input_file(self, role: str) -> Path:
        """An input, kept for other tasks of the job. Raises UnavailableError, InvalidArtifactError, Cancelled."""
        return self._cache.file(self._input(role).ref, self._running.key.job, self._fetch_into)

    def fetch(self, ref: ArtifactRef) -> Path:
        """Any artifact of the job, in a file of this task's own. Raises as `input_file`."""
        check_belongs(ref, self._running.key.job)
        self._folders.fetched.mkdir(exist_ok=True)
        with self._lock:
            self._fetches += 1
            path = self._folders.fetched / str(self._fetches)
        self._fetch_into(ref, path)
        return path

    def video(self, check: BlockCheck | None = None) -> VideoOpener:
        """Opens the job's video, which is read by byte ranges. Raises InvalidArtifactError."""
        ref = self._input(VIDEO).ref
        check_belongs(ref, self._running.key.job)
        return functools.partial(open_counted, self._store, ref, self._running, check)

    def fetch_inputs(self) -> None:
        """Fetch all inputs but the video, before the task waits for a slot. Raises as `input_file`."""
        for one in self.task.inputs:
            if one.role != VIDEO:
                self.input_file(one.role)

    def _input(self, role: str) -> Artifact:
        found = artifact(self.task.inputs, role)
        if found is None:
            raise InvalidArtifactError(f"{self._running.key.name}: the task came without its input {role!r}.")
        return found

    def _fetch_into(self, ref: ArtifactRef, path: Path) -> None:
        """Where the disk is full of what other jobs' tasks may need again, that goes first."""
        try:
            self._fetch_once(ref, path)
        except (OutputError, OSError) as error:
            if not (disk_is_full(error) and self._cache.free_disk()):
                raise
            self._fetch_once(ref, path)

    def _fetch_once(self, ref: ArtifactRef, path: Path) -> None:
        with self._running.transferring():
            read_again(
                TASK_FETCH, lambda: fetch_checked(self._store, ref, path),
                on=UnavailableError, stop=self.stop, failed=self._running.store_is_away,
            )  # fmt: skip
        self._running.fetched(ref.size_bytes)
