"""How KEDA would scale the detectors: `python -m benchmarks.autoscaling`, about ten minutes.

A model of KEDA's loop and of the HorizontalPodAutoscaler scales real processes through a burst of jobs, one long video
and single clips. NATS, S3, gateway and the worker loop are the real ones; stages sleep, and all clocks run faster than
the real one, settings of the services included. Exit code 1 if a job is lost, or a pod ends with another code than 0.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

from benchmarks.autoscaling.figures import Figures
from benchmarks.autoscaling.policy import COMPARED, POLICIES, Policy
from benchmarks.autoscaling.simulation import simulate
from benchmarks.autoscaling.virtual import simulate_virtually
from benchmarks.autoscaling.workload import DAY, SHORT, Workload
from benchmarks.common import print_table, save_results


def main() -> int:
    """Simulate, print, save; returns the exit code."""
    options = _options()
    workload = SHORT if options.quick else DAY
    if options.pod_start is not None:
        workload = replace(workload, pod_start_s=options.pod_start)
    names = options.only or [policy.name for policy in (POLICIES.values() if options.virtual else COMPARED)]
    run = simulate_virtually if options.virtual else simulate
    found: dict[str, Figures] = {}
    for name in names:
        with tempfile.TemporaryDirectory() as folder:
            found[name] = run(replace(POLICIES[name], max_replicas=options.most), workload, Path(folder))
        print(f"{name}: {found[name].jobs} jobs, {found[name].lost} lost", flush=True)
    _print(workload, found)
    save_results(
        "autoscaling_virtual" if options.virtual else "autoscaling",
        {"workload": asdict(workload), **{name: asdict(one) for name, one in found.items()}},
    )
    return 1 if any(one.lost or one.dead or any(one.exit_codes) for one in found.values()) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.autoscaling", description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", choices=list(POLICIES), help="these policies; three, or all if virtual")
    parser.add_argument("--quick", action="store_true", help="half a minute each: shows that it works, proves nothing")
    parser.add_argument("--pod-start", type=float, help="seconds until a pod takes work, instead of 30")
    parser.add_argument("--most", type=int, default=8, help="pods at most, 8 if not given; each is a process")
    parser.add_argument("--virtual", action="store_true", help="in virtual time, without processes: a second in all")
    return parser.parse_args()


def _print(workload: Workload, found: dict[str, Figures]) -> None:
    about = (
        f"{workload.detect_s:g} s a segment, {workload.pod_start_s:g} s until a pod takes work; simulated seconds, "
        f"{workload.speed:g} of them a second"
    )
    knobs = [_knobs(POLICIES[name]) for name in found]
    print_table(f"latency of jobs, {about}", [row | _latency(found[row["policy"]]) for row in knobs])
    print_table("what it costs, and whether anything is lost", [_cost(name, one) for name, one in found.items()])


def _knobs(policy: Policy) -> dict[str, str]:
    return {
        "policy": policy.name,
        "lag": f"{policy.lag_threshold}",
        "plan": f"{policy.plan_lag_threshold}",
        "window": f"{policy.scale_down_window_s:g}",
        "cooldown": f"{policy.cooldown_s:g}",
    }


def _latency(found: Figures) -> dict[str, str]:
    worst = {wave: f"{max(latency):.0f}" for wave, latency in found.latency_s.items() if latency}
    return {"p50": f"{found.quantile_s(0.5):.0f}", "p95": f"{found.quantile_s(0.95):.0f}", **worst}


def _cost(name: str, found: Figures) -> dict[str, str]:
    return {
        "policy": name,
        "pods": f"{found.pods_started}",
        "at once": f"{found.pods_at_once}",
        "pod seconds": f"{found.pod_s:.0f}",
        "busy": f"{found.busy:.0%}",
        "given back": f"{found.given_back}",
        "lost": f"{found.lost}",
    }


if __name__ == "__main__":
    sys.exit(main())
