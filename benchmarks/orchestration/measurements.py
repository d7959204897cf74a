"""The four things measured, each on a running cluster of stand-in stages."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.orchestration.bare_loop import loops_per_second
from benchmarks.orchestration.jobs import client_of, finished, stage_seconds, stand_in
from liftline.jobs.naming import Stage
from tests.cluster import DETECTOR, GATEWAY, Cluster


@dataclass(frozen=True)
class Latency:
    """From the first call of a client until it hears that a job of one segment has succeeded, in seconds."""

    jobs: int
    p50_s: float
    p99_s: float


@dataclass(frozen=True)
class Throughput:
    """Tasks of a stage per second through the whole system, against rounds of the bare loop."""

    detect_per_s: float
    render_per_s: float
    bare_per_s: float

    @property
    def ratio(self) -> float:
        """Of the slower stage."""
        return min(self.detect_per_s, self.render_per_s) / self.bare_per_s


@dataclass(frozen=True)
class Scaling:
    """Seconds of the detect phase of one job with `segments` per detector, by number of detectors."""

    segments: int
    seconds: dict[int, float]

    def speed_up(self, detectors: int) -> float:
        """Against one detector on as many segments for each."""
        return detectors * self.seconds[1] / self.seconds[detectors]


def latency(cluster: Cluster, folder: Path, *, jobs: int, warm_up: int = 10) -> Latency:
    """One job after the other."""
    video = stand_in(folder, segments=1)
    taken = []
    with client_of(cluster) as client:
        for _ in range(jobs + warm_up):
            began = time.perf_counter()
            client.wait(client.submit(video)).raise_unless_succeeded()
            taken.append(time.perf_counter() - began)
    taken = taken[warm_up:]
    return Latency(jobs, statistics.median(taken), statistics.quantiles(taken, n=100)[98])


def throughput(cluster: Cluster, folder: Path, *, segments: int) -> Throughput:
    """One job with many segments that take no time; the bare loop before and after it."""
    before = loops_per_second(cluster, count=segments // 4)
    with client_of(cluster) as client:
        record = finished(cluster, client, stand_in(folder, segments=segments))
    after = loops_per_second(cluster, count=segments // 4)
    detect, render = (segments / stage_seconds(record, stage) for stage in (Stage.DETECT, Stage.RENDER))
    return Throughput(detect, render, (before + after) / 2)


def scaling(cluster: Cluster, folder: Path, *, detectors: Sequence[int], segments: int, seconds: float) -> Scaling:
    """The same share of segments for every detector, however many there are."""
    parts, taken = cluster.of(DETECTOR), {}
    with client_of(cluster) as client:
        for count in detectors:
            for part in parts[count:]:
                cluster.scale_down(part)
            for part in parts[:count]:
                cluster.scale_up(part)
            cluster.wait_until_serving(*parts[:count], within_s=120.0)
            _wait_until_ended(cluster, count)
            record = finished(cluster, client, stand_in(folder, segments=segments * count, detect=seconds))
            taken[count] = stage_seconds(record, Stage.DETECT)
    return Scaling(segments, taken)


def coordinator_ms(cluster: Cluster, folder: Path, *, segments: Sequence[int], least: int) -> dict[int, float]:
    """CPU time of the gateway per segment in milliseconds, detect and render together, by segments of a job.

    As many jobs as it takes for `least` segments, one after the other; what each job costs for itself is in it.
    """
    gateway = cluster.of(GATEWAY)[0].child
    if gateway is None:
        raise RuntimeError("the gateway isn't running")
    process = psutil.Process(gateway.process.pid)
    costs = {}
    with client_of(cluster) as client:
        for count in segments:
            jobs = max(1, least // count)
            before = _cpu_s(process)
            for _ in range(jobs):
                finished(cluster, client, stand_in(folder, segments=count))
            costs[count] = 1000 * (_cpu_s(process) - before) / (jobs * count)
    return costs


def _cpu_s(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _wait_until_ended(cluster: Cluster, count: int) -> None:
    while any(part.child is not None for part in cluster.of(DETECTOR)[count:]):
        time.sleep(0.1)
