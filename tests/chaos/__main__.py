"""Kill, freeze, stop and repeat things at random while jobs run, and see that each job ends as it should.

    python -m tests.chaos --jobs 60 --faults 220 --seed 1

NATS, S3, gateways and the worker loop are the real ones; stages only sleep (`tests.standin_services`). The same seed
gives the same jobs and the same faults in the same order. Exit code 1 if a job was lost, stuck or wrong, or something
was left.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from pathlib import Path

from tests.chaos import campaign, faults, orders
from tests.cluster import cluster


def options(folder: Path) -> dict[str, str]:
    """More deaths than usual are allowed: so many at random may well hit a task three times."""
    marks = folder / "marks"
    marks.mkdir(parents=True)
    return {
        "LIFTLINE_WORKER_MAX_ATTEMPTS": "6",
        "LIFTLINE_GATEWAY_MAX_PARALLEL_SEGMENTS": "8",
        "STANDIN_MARKS": str(marks),
    }


def main() -> int:
    """Run, print what was found, return the exit code."""
    asked = _asked()
    folder = Path(asked.folder or tempfile.mkdtemp(prefix="liftline-chaos-"))
    began = time.monotonic()
    _say(f"seed {asked.seed}: {asked.jobs} jobs, {asked.faults} faults; logs in {folder}")
    drawn = faults.draw(asked.seed, asked.faults)
    over_s = sum(fault.gap_s for fault in drawn)
    jobs = orders.draw(asked.seed, asked.jobs, over_s=over_s)
    counts = {"gateways": 2, "detectors": 3, "lifters": 2, "renderers": 2}
    with cluster(folder, **counts, options=options(folder), proxied=True) as running:
        report = campaign.run(running, jobs, drawn, folder, say=_say, settle_s=asked.settle_s)
        wrong = running.proxy.told if running.proxy else 0
    for finding in report.findings:
        _say(finding)
    _say(
        f"seed {asked.seed}: {report.jobs} jobs ended {report.ends}; {report.faults} faults, "
        f"{wrong} answers of S3 wrong; "
        f"{len(report.lost)} lost, {len(report.stuck)} stuck, {len(report.wrong)} wrong, {len(report.left)} left over; "
        f"{time.monotonic() - began:.0f} s"
    )
    return 1 if report.findings else 0


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--jobs", type=int, default=60)
    parser.add_argument("--faults", type=int, default=220)
    parser.add_argument("--seed", type=int, default=secrets.randbelow(1_000_000), help="default: another each time")
    parser.add_argument("--settle-s", type=float, default=180.0, help="jobs that haven't ended by then are stuck")
    parser.add_argument("--folder", help="for logs; a temporary one if not given")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
