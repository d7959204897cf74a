"""`make bench`: speed, memory, the simulated crowd and the services, one after another on an otherwise quiet machine.

About half an hour on two cores. Figures are printed and saved as JSON in `benchmarks/results/`; the exit code is 1 if
any target is missed. Accuracy on real video is `make accuracy`.
"""

from __future__ import annotations

import argparse
import subprocess
import sys

from benchmarks.common import REPOSITORY, machine

FULL: dict[str, list[str]] = {"speed": [], "memory": [], "crowd": [], "orchestration": []}
QUICK: dict[str, list[str]] = {
    "speed": ["--matplotlib-frames", "20"],
    "memory": ["--minutes", "0.2", "0.4"],
    "crowd": ["--minutes", "0.5", "--tracks", "10"],
    "orchestration": ["--quick"],
}


def main() -> int:
    """Run every benchmark in a process of its own, so that none inherits another's memory; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(FULL), default=list(FULL))
    parser.add_argument("--quick", action="store_true", help="short inputs: shows that it works, proves nothing")
    options = parser.parse_args()
    about = machine()
    print(f"{about['cpu']}, {about['cores']} cores, load {about['load_average'][0]} before the start", flush=True)
    arguments = QUICK if options.quick else FULL
    failed = [name for name in options.only if _run(name, arguments[name]) != 0]
    if failed:
        print(f"targets missed or benchmarks failed: {', '.join(failed)}")
    return 1 if failed else 0


def _run(name: str, arguments: list[str]) -> int:
    return subprocess.run(
        [sys.executable, "-m", f"benchmarks.{name}", *arguments], cwd=REPOSITORY, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
