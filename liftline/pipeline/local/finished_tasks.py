"""Results of finished tasks, kept by what they were made from: the same needn't be made again."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from google.protobuf.message import DecodeError

from liftline import __version__
from liftline.errors import InvalidArtifactError
from liftline.jobs.naming import JobKey, Stage, TaskKey
from liftline.pipeline.handler import Fingerprint
from liftline.ports import ArtifactStore
from liftline.v1.artifacts_pb2 import Artifact
from liftline.v1.events_pb2 import Task, TaskResult

_LARGEST_BYTES = 64 << 20


def digest(*parts: object) -> str:
    """A hash of settings and hashes of inputs. Frozen dataclasses count by their repr."""
    text = "\x1f".join([__version__, *(repr(part) for part in parts)])
    return hashlib.sha256(text.encode()).hexdigest()


def task_digest(task: Task, fingerprint: Fingerprint, segments: Sequence[TaskResult]) -> str:
    """A hash of all that a task's result depends on."""
    made = [_hashes(result.artifacts) for result in segments]
    return digest(TaskKey.of(task.id).name, fingerprint, _hashes(task.inputs), made)


class FinishedTasks:
    """Results of one video's tasks, one object each, named by task and digest."""

    def __init__(self, store: ArtifactStore, job: JobKey) -> None:
        """`store` also keeps what the tasks made."""
        self._store, self._prefix = store, f"{job.prefix}results/"

    def find(self, task: TaskKey, of: str) -> TaskResult | None:
        """The result of this digest. A damaged one is none: the task simply runs again."""
        key = self._key(task, of)
        try:
            if self._store.size(key) is None:
                return None
            return TaskResult.FromString(self._store.get_bytes(key, at_most=_LARGEST_BYTES))
        except (DecodeError, InvalidArtifactError):
            return None

    def keep(self, task: TaskKey, of: str, result: TaskResult) -> None:
        """Remember it; it is whole or absent."""
        self._store.put_bytes(self._key(task, of), result.SerializeToString())

    def forget(self, stage: Stage, *, but: set[str]) -> None:
        """Forget results of a stage, but those of these digests."""
        kept = {digest[:16] for digest in but}
        for key in self._store.keys(f"{self._prefix}{stage}-"):
            if key.rpartition("-")[2] not in kept:
                self._store.remove(key)

    def _key(self, task: TaskKey, of: str) -> str:
        return f"{self._prefix}{task.name}-{of[:16]}"


def _hashes(artifacts: Sequence[Artifact]) -> list[tuple[str, str]]:
    return sorted((one.role, one.ref.sha256) for one in artifacts)
