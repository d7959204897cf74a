"""The gateway that `liftline up` runs on this machine, as the state file and the lock of its supervisor tell of it."""

from __future__ import annotations

import fcntl
import json
import os
from contextlib import suppress
from pathlib import Path

RUNNING = "running"
"""The supervisor's phase in which its gateway serves."""


def serving_gateway() -> str | None:
    """Address and port of the gateway of a running `liftline up`; None where there is none."""
    try:
        state = json.loads(state_file().read_text("utf-8"))
        return str(state["gateway"]) if state["phase"] == RUNNING and is_locked() else None
    except (OSError, ValueError, TypeError, KeyError):
        return None


def is_locked() -> bool:
    """Whether a supervisor lives: it holds the lock as long as it does."""
    with suppress(OSError), lock_file().open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def state_folder() -> Path:
    """Where state, lock and logs lie: XDG's state folder of this user."""
    base = os.environ.get("XDG_STATE_HOME")
    return (Path(base) if base else Path.home() / ".local" / "state") / "liftline" / "up"


def state_file() -> Path:
    """Path of the supervisor's state, a JSON file."""
    return state_folder() / "state.json"


def lock_file() -> Path:
    """Path of the file that a living supervisor holds locked."""
    return state_folder() / "lock"
