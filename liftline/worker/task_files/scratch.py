"""A worker's folder for work files. What killed workers left is removed by the next one."""

from __future__ import annotations

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from liftline.errors import OutputError

_PREFIX = "liftline-work-"


@contextmanager
def scratch_folder(below: Path | None, *, worker: str) -> Iterator[Path]:
    """A folder of this worker's own, below the system's temporary folder by default; removed afterwards.

    It is locked while its worker lives, so that others tell it from what a dead one left. Raises OutputError.
    """
    parent = below or Path(tempfile.gettempdir())
    folder = parent / f"{_PREFIX}{worker}"
    try:
        _remove_abandoned(parent)
        unlocked = parent / f".{folder.name}"
        parent.mkdir(parents=True, exist_ok=True)
        unlocked.mkdir(mode=0o700)
        handle = _locked(unlocked)
        unlocked.rename(folder)
    except OSError as error:
        raise OutputError(
            f"{folder}: can't be used for work files ({error.strerror or error}); set LIFTLINE_WORKER_SCRATCH_DIR."
        ) from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


@dataclass(frozen=True)
class TaskFolders:
    """A task's own places for files: what its handler makes, and what it fetches (made when that is needed)."""

    made: Path
    fetched: Path


@contextmanager
def task_folders(scratch: Path, name: str) -> Iterator[TaskFolders]:
    """Empty ones, removed afterwards by a thread that nobody waits for: there may be thousands of files in them."""
    made = Path(tempfile.mkdtemp(prefix=f"{name}-", dir=scratch))
    folders = TaskFolders(made, made.with_name(f"{made.name}.fetched"))
    try:
        yield folders
    finally:
        asyncio.get_running_loop().run_in_executor(None, _remove, folders)


def _remove(folders: TaskFolders) -> None:
    shutil.rmtree(folders.made, ignore_errors=True)
    if folders.fetched.exists():
        shutil.rmtree(folders.fetched, ignore_errors=True)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            handle = _locked(folder)
        except OSError:  # another user's, or gone meanwhile
            continue
        if handle is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(handle)


def _locked(folder: Path) -> int | None:
    """A handle that holds the folder's lock; None where another process holds it."""
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    return handle
