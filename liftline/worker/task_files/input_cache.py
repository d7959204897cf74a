"""Files that tasks need: fetched, checked by SHA-256, and kept a while for other tasks of the same job."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from liftline.errors import InvalidArtifactError, WrongAnswerError
from liftline.files.atomic import sha256_file
from liftline.jobs.naming import JobKey
from liftline.ports import ArtifactStore
from liftline.v1.artifacts_pb2 import ArtifactRef

KEEP_BYTES, KEEP_JOBS = 512 << 20, 50
"""Inputs of jobs that have no task here just now are kept up to so many bytes, of so many jobs.

Work files and inputs of tasks that run must find room beside them: Kubernetes evicts a pod whose `/tmp` grows beyond
its limit, 2 GiB for the smallest workers of `deploy/k8s`.
"""


def fetch_checked(store: ArtifactStore, ref: ArtifactRef, path: Path) -> None:
    """Fetch an object into `path`, which is then what the reference says, or absent.

    A reference without a hash (an upload, before it is planned) is checked by its size alone.
    Raises UnavailableError, WrongAnswerError where it isn't, InvalidArtifactError where the object is gone.
    """
    unchecked = path.with_name(f"{path.name}.unchecked")
    store.get_file(ref.key, unchecked)
    size, sha256 = unchecked.stat().st_size, sha256_file(unchecked)
    if size != ref.size_bytes or ref.sha256 not in ("", sha256):
        unchecked.unlink()
        raise WrongAnswerError(
            f"{ref.key}: {size} bytes that aren't the {ref.size_bytes} that were stored (SHA-256 {ref.sha256}); "
            "the object was changed in the bucket. Submit the video again.",
            answer=sha256,
        )
    unchecked.replace(path)


def check_belongs(ref: ArtifactRef, job: JobKey) -> None:
    """Raise InvalidArtifactError where a reference leads out of its job."""
    if not ref.key.startswith(job.prefix):
        raise InvalidArtifactError(f"{ref.key}: not an artifact of job {job.job}; refused.")


class InputCache:
    """Inputs of jobs in a folder, one file per object. Methods may be called from any thread."""

    def __init__(self, folder: Path, *, keep_bytes: int = KEEP_BYTES, keep_jobs: int = KEEP_JOBS) -> None:
        self._folder, self._keep_bytes, self._keep_jobs = folder, keep_bytes, keep_jobs
        self._lock = threading.Lock()
        self._jobs: dict[JobKey, _JobInputs] = {}

    @contextmanager
    def in_use(self, job: JobKey) -> Iterator[None]:
        """The job's files stay while the context lasts. Afterwards the longest unused jobs' go where they are many."""
        with self._lock:
            inputs = self._jobs.pop(job) if job in self._jobs else _JobInputs(self._folder / f"{job.tenant}.{job.job}")
            self._jobs[job] = inputs
            inputs.users += 1
        try:
            yield
        finally:
            with self._lock:
                inputs.users -= 1
                self._remove_idle(keep_bytes=self._keep_bytes, keep_jobs=self._keep_jobs)

    def file(self, ref: ArtifactRef, job: JobKey, fetch: Callable[[ArtifactRef, Path], None]) -> Path:
        """The object as a file, within `in_use`; `fetch` is called where it isn't there yet."""
        check_belongs(ref, job)
        with self._lock:
            inputs = self._jobs[job]
            path = inputs.folder / hashlib.sha256(f"{ref.key} {ref.sha256}".encode()).hexdigest()
            lock = inputs.locks.setdefault(path, threading.Lock())
        with lock:
            if not path.exists():
                inputs.folder.mkdir(parents=True, exist_ok=True)
                fetch(ref, path)
                with self._lock:
                    inputs.size_bytes += ref.size_bytes
        return path

    def free_disk(self) -> bool:
        """Remove what no task uses just now; whether there was anything."""
        with self._lock:
            return self._remove_idle(keep_bytes=0, keep_jobs=0)

    def _remove_idle(self, *, keep_bytes: int, keep_jobs: int) -> bool:
        """The longest unused first."""
        idle = [job for job, inputs in self._jobs.items() if not inputs.users]
        removed = False
        size_bytes = sum(self._jobs[job].size_bytes for job in idle)
        while size_bytes > keep_bytes or len(idle) > keep_jobs:
            oldest = self._jobs.pop(idle.pop(0))
            size_bytes -= oldest.size_bytes
            removed |= oldest.size_bytes > 0
            shutil.rmtree(oldest.folder, ignore_errors=True)
        return removed


@dataclass
class _JobInputs:
    """One job's files: how many tasks use them, how large they are, who fetches which."""

    folder: Path
    users: int = 0
    size_bytes: int = 0
    locks: dict[Path, threading.Lock] = field(default_factory=dict)
