"""Running a command and watching how much memory it takes at most (Linux: the kernel's own high-water mark)."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.common import REPOSITORY
from liftline.errors import LiftlineError

_POLL_S = 0.1
_KIB = 1024


@dataclass(frozen=True)
class Finished:
    """How a command ended: its wall-clock seconds, peak resident memory and standard output."""

    seconds: float
    peak_bytes: int
    stdout: str


def run_python(arguments: Sequence[str | Path]) -> Finished:
    """Run this Python with these arguments from the repository; progress goes to stderr as usual.

    Raises LiftlineError when it fails.
    """
    command = [sys.executable, *map(str, arguments)]
    started, peak = time.perf_counter(), 0
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            peak = max(peak, peak_bytes(process.pid))
            time.sleep(_POLL_S)
        stdout = process.stdout.read() if process.stdout is not None else ""
    if process.returncode != 0:
        raise LiftlineError(f"{' '.join(command)}: ended with exit code {process.returncode}.")
    return Finished(time.perf_counter() - started, peak, stdout)


def peak_bytes(process_id: int | None = None) -> int:
    """Most resident memory a process ever had, this one by default; 0 if it's gone or the system doesn't tell."""
    try:
        status = Path(f"/proc/{process_id or 'self'}/status").read_text("utf-8")
    except OSError:
        return 0
    marks = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(marks[0]) * _KIB if marks else 0
