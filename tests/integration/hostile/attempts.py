"""Run readers on files, each time in a process of its own with little memory; a JSON line for each.

Standard input has lines of a reader's name, a tab, and a path. Readers are imported once; attempts are forks.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

from liftline.errors import LiftlineError
from liftline.files import pickles
from liftline_lifter.lifting.checkpoint import load_checkpoint
from liftline_lifter.videopose3d.lift_input import load_keypoints

MEMORY_BYTES = 1536 << 20
SECONDS = 60

READERS: dict[str, Callable[[Path], object]] = {
    "pickle": lambda path: pickles.loads(path.read_bytes(), name=path.name),
    "npz": pickles.load_npz,
    "keypoints": load_keypoints,
    "checkpoint": load_checkpoint,
}


def attempt(reader: str, path: Path) -> dict[str, object]:
    """What became of one reading."""
    started, (read_end, write_end) = time.perf_counter(), os.pipe()
    child = os.fork()
    if child == 0:
        os.write(write_end, _outcome(reader, path).encode())
        os._exit(0)
    os.close(write_end)
    with os.fdopen(read_end, "rb") as pipe:
        said = pipe.read().decode()
    _, status, usage = os.wait4(child, 0)
    outcome = said if os.WIFEXITED(status) and said else f"killed by signal {os.waitstatus_to_exitcode(status)}"
    return {
        "file": path.name, "reader": reader, "outcome": outcome, "seconds": time.perf_counter() - started,
        "peak_mib": usage.ru_maxrss >> 10,
    }  # fmt: skip


def _outcome(reader: str, path: Path) -> str:
    signal.alarm(SECONDS)
    limit = psutil.Process().memory_info().vms + MEMORY_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    try:
        READERS[reader](path)
    except LiftlineError as error:
        return f"refused: {error}"
    except BaseException as error:  # noqa: BLE001 - whatever else it is, is reported
        return f"{type(error).__name__}: {error}"
    return "data"


def main() -> None:
    """Every line of standard input."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for line in sys.stdin.read().splitlines():
        reader, _, path = line.partition("\t")
        sys.stdout.write(json.dumps(attempt(reader, Path(path))) + "\n")


if __name__ == "__main__":
    main()
