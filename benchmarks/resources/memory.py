"""Peak memory of `liftline process` on a long video against a short one: `python -m benchmarks.resources.memory`.

Exit code 1 if ten minutes take more than 1.3 times the memory of one.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from benchmarks.common import print_table, save_results
from benchmarks.measuring.processes import Finished, run_python
from benchmarks.measuring.videos import looped, sample_clip

LIMIT_RATIO = 1.3


def main() -> int:
    """Measure, print, save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.resources.memory", description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", nargs=2, type=float, default=(1.0, 10.0), metavar=("SHORT", "LONG"))
    options = parser.parse_args()
    return measure(*options.minutes)


def measure(short_minutes: float, long_minutes: float) -> int:
    """Process both lengths one after the other; 0 if the ratio of their peaks is within the limit, else 1."""
    peaks: list[float] = []
    rows = []
    for minutes in (short_minutes, long_minutes):
        finished = processed(sample_clip(), minutes * 60)
        peaks.append(finished.peak_bytes / 1e6)
        rows.append(
            {
                "video": f"{minutes:g} min 720p",
                "peak memory": f"{peaks[-1]:.0f} MB",
                "took": f"{finished.seconds:.0f} s",
            }
        )
    ratio = peaks[1] / peaks[0]
    passed = ratio <= LIMIT_RATIO
    print_table("Peak memory of liftline process", rows)
    print(f"ratio {ratio:.2f}, at most {LIMIT_RATIO}: {'ok' if passed else 'TOO MUCH'}")
    save_results(
        "memory",
        {
            "minutes": [short_minutes, long_minutes],
            "peak_mb": peaks,
            "ratio": ratio,
            "limit": LIMIT_RATIO,
            "ok": passed,
        },
    )
    return 0 if passed else 1


def processed(clip: Path, seconds: float) -> Finished:
    """`liftline process` on the clip repeated for so long."""
    with tempfile.TemporaryDirectory(prefix="liftline-memory-") as folder:
        video = looped(clip, seconds, Path(folder) / "long.mp4")
        return run_python(["-m", "liftline_cli.main", "process", video, "--output-dir", Path(folder) / "out", "--json"])


if __name__ == "__main__":
    sys.exit(main())
