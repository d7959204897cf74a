"""A worker's folder for work files, and those of its tasks in it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from liftline.files.process_folder import process_folder


def scratch_folder(below: Path | None, *, worker: str) -> AbstractContextManager[Path]:
    """A worker's folder, below the system's temporary folder by default; removed afterwards. Raises OutputError."""
    remedy = "set LIFTLINE_WORKER_SCRATCH_DIR to another place for work files"
    return process_folder(below or Path(tempfile.gettempdir()), name=worker, remedy=remedy)


@dataclass(frozen=True)
class TaskFolders:
    """A task's own folders: `made` for its handler's products, `fetched` for its inputs (created when needed)."""

    made: Path
    fetched: Path


@contextmanager
def task_folders(scratch: Path, name: str) -> Iterator[TaskFolders]:
    """New folders, removed afterwards in a thread that isn't waited for: there may be thousands of files in them."""
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
