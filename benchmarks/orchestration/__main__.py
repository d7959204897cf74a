"""What the services cost beside the work itself: `python -m benchmarks.orchestration`, about ten minutes.

NATS, S3, gateway and the worker loop are the real ones, on this machine. Stages only sleep: an honest stand-in for a
GPU, which works while its process waits, so these figures say nothing of the speed on frames. Exit code 1 if a target
is missed.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from benchmarks.common import print_table, save_results
from benchmarks.orchestration.measurements import (
    Latency,
    Scaling,
    Throughput,
    coordinator_ms,
    latency,
    scaling,
    throughput,
)
from tests.cluster import cluster

P50_S, P99_S, THROUGHPUT_RATIO, SPEED_UP_SHARE, COST_RATIO = 0.150, 0.500, 0.4, 0.9, 1.3
DETECTORS, SEGMENTS = (1, 2, 4, 8, 16, 32), (10, 100, 1000, 5000)
OPTIONS = {
    "LIFTLINE_NATS_ACK_WAIT_S": "30",
    "LIFTLINE_GATEWAY_RECONCILE_S": "10",
    "LIFTLINE_GATEWAY_STALE_S": "30",
    "LIFTLINE_WORKER_STALL_S": "120",
    "LIFTLINE_GATEWAY_MAX_PARALLEL_SEGMENTS": "128",
    "LIFTLINE_TELEMETRY_LOG_LEVEL": "warning",
}
BUSY = {**OPTIONS, "LIFTLINE_WORKER_TASKS_AT_ONCE": "8"}


def main() -> int:
    """Measure, print, save; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.orchestration", description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="small numbers: shows that it works, proves nothing")
    parser.add_argument("--only", nargs="+", choices=list(MEASURE), default=list(MEASURE))
    options = parser.parse_args()
    missed = [name for name in options.only if not MEASURE[name](options.quick)]
    if missed:
        print(f"targets missed: {', '.join(missed)}")
    return 1 if missed else 0


def _latency(quick: bool) -> bool:
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), options=OPTIONS) as running:
        found: Latency = latency(running, Path(name), jobs=20 if quick else 300)
    rows = {"p50": f"{found.p50_s * 1000:.0f} ms", "p99": f"{found.p99_s * 1000:.0f} ms"}
    _show(f"a job of one segment, end to end, {found.jobs} times", rows, target="p50 <= 150 ms, p99 <= 500 ms")
    save_results("orchestration_latency", asdict(found))
    return found.p50_s <= P50_S and found.p99_s <= P99_S


def _throughput(quick: bool) -> bool:
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), detectors=2, renderers=2, options=BUSY) as running:
        found: Throughput = throughput(running, Path(name), segments=200 if quick else 4000)
    rows = {
        "detect": f"{found.detect_per_s:.0f}",
        "render": f"{found.render_per_s:.0f}",
        "bare loop": f"{found.bare_per_s:.0f}",
        "ratio": f"{found.ratio:.2f}",
    }
    _show("segment tasks per second", rows, target=f"ratio >= {THROUGHPUT_RATIO}")
    save_results("orchestration_throughput", {**asdict(found), "ratio": found.ratio})
    return found.ratio >= THROUGHPUT_RATIO


def _scaling(quick: bool) -> bool:
    counts = DETECTORS[:2] if quick else DETECTORS
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), detectors=counts[-1], options=OPTIONS) as running:
        found: Scaling = scaling(
            running, Path(name), detectors=counts, segments=5 if quick else 20, seconds=0.2 if quick else 1.0
        )
    shares = {count: found.speed_up(count) / count for count in counts}
    rows = {f"{n} detectors": f"{found.seconds[n]:.1f} s, {shares[n]:.3f} of {n} times as fast" for n in counts}
    _show(f"detect phase, {found.segments} segments a detector", rows, target=f"share >= {SPEED_UP_SHARE}")
    save_results("orchestration_scaling", {"seconds": found.seconds, "shares": shares})
    return min(shares.values()) >= SPEED_UP_SHARE


def _coordinator(quick: bool) -> bool:
    counts = SEGMENTS[:2] if quick else SEGMENTS
    with tempfile.TemporaryDirectory() as name, cluster(Path(name), detectors=2, renderers=2, options=BUSY) as running:
        found = coordinator_ms(running, Path(name), segments=counts, least=100 if quick else 2000)
    ratio = found[counts[-1]] / found[counts[0]]
    rows = {f"jobs of {n} segments": f"{found[n]:.2f} ms" for n in counts}
    _show("CPU time of the gateway per segment", rows, target=f"last / first <= {COST_RATIO}, is {ratio:.2f}")
    save_results("orchestration_coordinator", {"cpu_ms_per_segment": found, "ratio": ratio})
    return ratio <= COST_RATIO


def _show(title: str, rows: dict[str, str], *, target: str) -> None:
    print_table(f"{title}; target: {target}", [{"": name, "measured": value} for name, value in rows.items()])


MEASURE = {"latency": _latency, "throughput": _throughput, "scaling": _scaling, "coordinator": _coordinator}

if __name__ == "__main__":
    sys.exit(main())
