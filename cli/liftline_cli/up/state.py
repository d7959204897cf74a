"""What `liftline up` has running: a file that it keeps current, and a lock that it holds as long as it lives.

Where they are, and what clients read of them, is in `liftline.client.local_gateway`.
"""

from __future__ import annotations

import fcntl
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import IO

from pydantic import TypeAdapter

from liftline.client.local_gateway import RUNNING, is_locked, lock_file, state_file, state_folder
from liftline.files.atomic import write_json


class Phase(StrEnum):
    """Where the supervisor stands; services that run may not serve yet."""

    STARTING = "starting"
    RUNNING = RUNNING
    STOPPING = "stopping"
    FAILED = "failed"


@dataclass(frozen=True)
class Running:
    """One process. `address` is where its gRPC is, empty for a server; `starts` counts how often it was started."""

    name: str
    pid: int
    log: str
    address: str = ""
    starts: int = 1


@dataclass(frozen=True)
class State:
    """A supervisor (its process id) and what it runs. `gateway`: host:port for clients; `error`: why it failed."""

    phase: Phase
    supervisor: int
    data_dir: str
    gateway: str = ""
    processes: Mapping[str, Running] = field(default_factory=dict)
    error: str = ""


_STATE = TypeAdapter(State)


def log_folder() -> Path:
    """Folder of the services' logs, `<name>.log` each."""
    return state_folder() / "logs"


def read_state() -> State | None:
    """The state as it was last written; None if there is none, or it can't be read."""
    try:
        return _STATE.validate_json(state_file().read_bytes())
    except (OSError, ValueError):
        return None


def write_state(state: State) -> None:
    """Replace the state file. Raises OutputError."""
    write_json(state_file(), asdict(state))


def running_state() -> State | None:
    """The state if its supervisor lives, else None."""
    return read_state() if is_locked() else None


@contextmanager
def locked() -> Iterator[bool]:
    """Hold the lock while the context lasts; False where another holds it."""
    state_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    with lock_file().open("ab") as file:
        yield _try_lock(file)


def _try_lock(file: IO[bytes]) -> bool:
    """Tried for a while: whoever looks whether it is held holds it for a moment."""
    for _ in range(20):
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(0.02)
        else:
            return True
    return False
