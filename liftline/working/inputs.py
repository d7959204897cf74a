"""Files that tasks need: fetched, checked by SHA-256, and kept a while for other tasks of the same job."""

from __future__ import annotations

import hashlib
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from liftline.artifacts import sha256_file
from liftline.errors import InvalidArtifactError
from liftline.naming import JobKey
from liftline.ports import ArtifactStore
from liftline.v1.artifacts_pb2 import ArtifactRef

KEEP_BYTES = 2 << 30
"""Inputs of jobs that have no task here just now are kept up to so many bytes."""


def fetch_checked(store: ArtifactStore, ref: ArtifactRef, path: Path) -> None:
    """Fetch an object into `path`, which is then what the reference says, or absent.

    A reference without a hash (an upload, before it is planned) is checked by its size alone.
    Raises UnavailableError, InvalidArtifactError.
    """
    unchecked = path.with_name(f"{path.name}.unchecked")
    store.get_file(ref.key, unchecked)
    size = unchecked.stat().st_size
    if size != ref.size_bytes or (ref.sha256 and sha256_file(unchecked) != ref.sha256):
        unchecked.unlink()
        raise InvalidArtifactError(
            f"{ref.key}: {size} bytes that aren't the {ref.size_bytes} that were stored (SHA-256 {ref.sha256}); "
            "the object was changed in the bucket. Submit the video again."
        )
    unchecked.replace(path)


def check_belongs(ref: ArtifactRef, job: JobKey) -> None:
    """Raise InvalidArtifactError where a reference leads out of its job."""
    if not ref.key.startswith(job.prefix):
        raise InvalidArtifactError(f"{ref.key}: not an artifact of job {job.job}; refused.")


class InputCache:
    """Inputs of jobs in a folder, one file per object. Methods may be called from any thread."""

    def __init__(self, folder: Path, *, keep_bytes: int = KEEP_BYTES) -> None:
        """Empty."""
        self._folder, self._keep_bytes = folder, keep_bytes
        self._lock = threading.Lock()
        self._users: dict[JobKey, int] = {}
        self._file_locks: dict[Path, threading.Lock] = defaultdict(threading.Lock)

    @contextmanager
    def in_use(self, job: JobKey) -> Iterator[None]:
        """The job's files stay while the context lasts. Afterwards the longest unused jobs' go where they are many."""
        with self._lock:
            self._users[job] = self._users.pop(job, 0) + 1
        try:
            yield
        finally:
            with self._lock:
                self._users[job] = self._users.pop(job) - 1
                self._make_room()

    def file(self, ref: ArtifactRef, job: JobKey, fetch: Callable[[ArtifactRef, Path], None]) -> Path:
        """The object as a file, within `in_use`; `fetch` is called where it isn't there yet."""
        check_belongs(ref, job)
        folder = self._of(job)
        path = folder / hashlib.sha256(f"{ref.key} {ref.sha256}".encode()).hexdigest()
        with self._lock:
            lock = self._file_locks[path]
        with lock:
            if not path.exists():
                folder.mkdir(parents=True, exist_ok=True)
                fetch(ref, path)
        return path

    def _of(self, job: JobKey) -> Path:
        return self._folder / f"{job.tenant}.{job.job}"

    def _make_room(self) -> None:
        idle = [job for job, users in self._users.items() if not users]
        sizes = {job: _bytes_below(self._of(job)) for job in idle}
        while sum(sizes.values()) > self._keep_bytes:
            oldest = idle.pop(0)
            del sizes[oldest], self._users[oldest]
            folder = self._of(oldest)
            shutil.rmtree(folder, ignore_errors=True)
            for path in [path for path in self._file_locks if path.parent == folder]:
                del self._file_locks[path]


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob("*"))
