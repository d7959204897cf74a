"""A clock that can be set and a disk that is small, for single processes; nothing else on this machine notices."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

from tests.attack.trials import SkippedError
from tests.cluster import Part

DISK_MB = 24
_LIBRARIES = ("/usr/lib/*/faketime/libfaketime.so.1", "/usr/lib*/faketime/libfaketime.so.1")


@cache
def faketime() -> Path | None:
    """libfaketime, where it is installed."""
    return next((found for pattern in _LIBRARIES for found in Path("/").glob(pattern.lstrip("/"))), None)


@cache
def may_mount(folder: Path) -> bool:
    """Whether a process may have a disk of its own in a namespace of its own."""
    folder.mkdir(exist_ok=True)
    command = [*_UNSHARE, "mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


_UNSHARE = ("unshare", "--mount", *(() if os.getuid() == 0 else ("--map-root-user",)))


def give_clock(part: Part, folder: Path) -> None:
    """Let it have a time of its own, which `set_clock` sets; clocks that nobody can set stay as they are."""
    if (library := faketime()) is None:
        return
    set_clock(folder, "+0")
    part.environment |= {
        "LD_PRELOAD": str(library), "FAKETIME_TIMESTAMP_FILE": str(_clock(folder)), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip


def set_clock(folder: Path, ahead: str) -> None:
    """So far ahead of the true time, as faketime(1) writes it: "+2h", "-1d"."""
    new = _clock(folder).with_suffix(".new")
    new.write_text(f"{ahead}\n")
    new.replace(_clock(folder))


def _clock(folder: Path) -> Path:
    return folder / "clock"


def give_small_disk(part: Part, folder: Path) -> None:
    """Let its scratch folder be a disk of `DISK_MB`, which goes when it ends."""
    if not may_mount(folder / "scratch"):
        return
    scratch = str(folder / "scratch")
    part.environment["LIFTLINE_WORKER_SCRATCH_DIR"] = scratch
    part.arguments[:0] = [*_UNSHARE, sys.executable, "-m", __name__, scratch]


def need_clock() -> None:
    """Raise SkippedError where there is none."""
    if faketime() is None:
        raise SkippedError("libfaketime isn't installed (apt-get install faketime)")


def need_small_disk(folder: Path) -> None:
    """Raise SkippedError where there is none."""
    if not may_mount(folder / "scratch"):
        raise SkippedError("this user may not mount anything, not even in a namespace of its own")


if __name__ == "__main__":
    place, *command = sys.argv[1:]
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", place], check=True)
    os.execvp(command[0], command)
