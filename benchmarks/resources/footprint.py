"""Memory and processor time of each service on a real job: what `deploy/k8s` requests for its containers.

    python -m benchmarks.resources.footprint VIDEO [--jobs 2]

Runs `liftline up` in a folder of its own, every worker with one task at a time as the manifests have it, submits the
video, and reads every process' memory five times a second. `idle` is before the first job.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from benchmarks.common import machine

_LOOK_S, _SETTLE_S = 0.2, 5.0
_COMMAND = (sys.executable, "-m", "liftline_cli.main")


@dataclass
class Footprint:
    """What one service took. `processor_s` is its processor time during the jobs."""

    idle_mb: float
    peak_mb: float = 0.0
    processor_s: float = 0.0
    peak_threads: int = 0


class Watch:
    """Reads the services' memory until told to stop."""

    def __init__(self, processes: Mapping[str, psutil.Process]) -> None:
        """From now on."""
        self._processes = processes
        self.footprints = {name: Footprint(_memory_mb(process)) for name, process in processes.items()}
        self._began = {name: _processor_s(process) for name, process in processes.items()}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> Watch:
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._stop.set()
        self._thread.join()
        for name, process in self._processes.items():
            self.footprints[name].processor_s = _processor_s(process) - self._began[name]

    def _look(self) -> None:
        while not self._stop.wait(_LOOK_S):
            for name, process in self._processes.items():
                seen = self.footprints[name]
                seen.peak_mb = max(seen.peak_mb, _memory_mb(process))
                seen.peak_threads = max(seen.peak_threads, process.num_threads())


def measure(video: Path, *, jobs: int) -> dict[str, Footprint]:
    """Footprints of all services, by name."""
    with tempfile.TemporaryDirectory(prefix="liftline-footprint-") as folder:
        surroundings = {**os.environ, "XDG_STATE_HOME": folder, "LIFTLINE_WORKER_TASKS_AT_ONCE": "1"}
        up = json.loads(_run("up", "--json", environment=surroundings))
        try:
            time.sleep(_SETTLE_S)
            with Watch({name: psutil.Process(one["pid"]) for name, one in up["processes"].items()}) as watch:
                for _ in range(jobs):
                    _run("submit", str(video), "--wait", environment=surroundings)
            return watch.footprints
        finally:
            _run("down", environment=surroundings)


def main() -> int:
    """Measure and print; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.resources.footprint", description=__doc__.splitlines()[0]
    )
    parser.add_argument("video", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    options = parser.parse_args()
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_average'][0]} before the start", flush=True)
    for name, found in measure(options.video, jobs=options.jobs).items():
        print(json.dumps({"process": name, **{key: round(value, 1) for key, value in asdict(found).items()}}))
    return 0


def _run(*arguments: str, environment: Mapping[str, str]) -> bytes:
    return subprocess.run([*_COMMAND, *arguments], env=environment, check=True, stdout=subprocess.PIPE).stdout


def _memory_mb(process: psutil.Process) -> float:
    return float(process.memory_info().rss) / 1e6


def _processor_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


if __name__ == "__main__":
    sys.exit(main())
