"""One pod's process: `python -m benchmarks.autoscaling.pod FILE`, a detector that only sleeps.

Python and all modules are loaded before the pod "is created", which is when FILE appears. It holds the moment (of the
monotonic clock) when the pod would be ready; until then the process "loads its model". So a pod takes as long to start
as the simulation says, however busy this machine is.
"""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

import sys
import time
from dataclasses import replace
from pathlib import Path

from liftline.pipeline.handler import LoadedService
from liftline.service.bootstrap import run_worker
from tests.standin_services import service

_LOOK_S = 0.02


def main(go: Path) -> None:
    """Wait to be created, then be a detector."""
    go.with_suffix(".loaded").touch()
    while not go.exists():
        time.sleep(_LOOK_S)
    ready_at_s = float(go.read_text("utf-8"))
    standing_in = service("detector")

    def load() -> LoadedService:
        time.sleep(max(0.0, ready_at_s - time.monotonic()))
        return standing_in.load()

    run_worker(replace(standing_in, load=load))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
