"""A process's folder for work files. What killed processes left is removed by the next one."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from liftline.errors import OutputError

_PREFIX = "liftline-work-"


@contextmanager
def process_folder(parent: Path, *, name: str, remedy: str) -> Iterator[Path]:
    """A folder of this process's own below `parent`, removed afterwards.

    It is locked while its process lives, so that others tell it from what a dead one left.

    Args:
        parent: made where it isn't there.
        name: tells processes apart.
        remedy: what the user may do where the folder can't be made, as the end of a message.

    Raises:
        OutputError: the folder can't be made.
    """
    folder = parent / f"{_PREFIX}{name}"
    handle: int | None = None
    try:
        _remove_abandoned(parent)
        unlocked = parent / f".{folder.name}"
        parent.mkdir(parents=True, exist_ok=True)
        unlocked.mkdir(mode=0o700)
        with suppress(OSError):  # a file system without locks, where nobody takes a folder for abandoned either
            handle = _locked(unlocked)
        unlocked.rename(folder)
    except OSError as error:
        raise OutputError(f"{parent}: can't be written ({error.strerror or error}); {remedy}.") from error
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if handle is not None:
            os.close(handle)


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
    """A handle that holds the folder's lock; None where another process holds it. Raises OSError."""
    handle = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(handle)
        if isinstance(error, BlockingIOError):
            return None
        raise
    return handle
