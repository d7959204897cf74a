"""One policy on one workload: jobs come, the model scales real processes, and what came of it is counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from benchmarks.autoscaling.figures import Figures
from benchmarks.autoscaling.keda import Autoscaler
from benchmarks.autoscaling.lag import lags
from benchmarks.autoscaling.pods import Pods, pods_of
from benchmarks.autoscaling.policy import Policy
from benchmarks.autoscaling.workload import Arrival, Workload
from benchmarks.orchestration.jobs import client_of
from liftline.adapters.access.roles import Role
from liftline.client import Client
from liftline.client.views import Job, JobState
from liftline.errors import LiftlineError
from liftline.jobs.naming import consumers_of
from tests.chaos.leftovers import dead_jobs
from tests.cluster import DETECTOR, Cluster, cluster
from tests.standin_services import HANDLERS, expected_outputs

_LOOK_S, _ASK_S, _WITHIN_S = 0.05, 0.3, 600.0
_SUBMITTED_AT_ONCE = 4


def simulate(policy: Policy, workload: Workload, folder: Path) -> Figures:
    """Run it. Raises LiftlineError where jobs or pods don't come to an end."""
    folder.mkdir(parents=True, exist_ok=True)
    with cluster(folder, detectors=0, options=workload.options()) as running, client_of(running) as client:
        arrivals = workload.arrivals(folder)
        pods_in = pods_of(
            folder / "pods", running.environment(Role.DETECTOR), at_most=policy.max_replicas,
            ready_after_s=workload.pod_start_s / workload.speed,
        )  # fmt: skip
        with pods_in as pods:
            course = _Course(policy, workload, pods, running)
            jobs = course.run(client, arrivals)
            return _figures(course, running, client, [arrival.wave for arrival in arrivals], jobs, folder)


class _Course:
    """A simulation as it runs."""

    def __init__(self, policy: Policy, workload: Workload, pods: Pods, cluster: Cluster) -> None:
        self.policy, self.workload, self.pods = policy, workload, pods
        self.at_once, self.drained_s, self.ended_at_s = 0, 0.0, 0.0
        self._autoscaler = Autoscaler(policy)
        assert cluster.nats.monitoring_port is not None
        self._read = partial(lags, cluster.nats.monitoring_port, consumers_of(list(HANDLERS[DETECTOR])))
        self._begun_s = time.monotonic()

    @property
    def now_s(self) -> float:
        """Simulated."""
        return (time.monotonic() - self._begun_s) * self.workload.speed

    def run(self, client: Client, arrivals: Sequence[Arrival]) -> list[Job]:
        """Until all jobs have ended and the policy's last pods are gone; the jobs as they ended."""
        with _submitting(client, arrivals, self) as submitted:
            ended = _Ended(client, submitted)
            while not ended.all():
                self._look()
            self.drained_s = self.now_s
            while len(self.pods.running) > self.policy.min_replicas:
                self._look()
        self.ended_at_s = time.monotonic()
        return ended.jobs

    def _look(self) -> None:
        if time.monotonic() - self._begun_s > _WITHIN_S:
            raise LiftlineError(f"{self.policy.name}: not at its end after {_WITHIN_S:.0f} s.")
        self.pods.look()
        self.pods.scale(self._autoscaler.tick(self.now_s, self._read))
        self.at_once = max(self.at_once, len(self.pods.running))
        time.sleep(_LOOK_S)


@contextmanager
def _submitting(client: Client, arrivals: Sequence[Arrival], course: _Course) -> Iterator[list[Future[Job]]]:
    """Submit each when it comes; they are given in that order."""

    def submit(arrival: Arrival) -> Job:
        time.sleep(max(0.0, (arrival.after_s - course.now_s) / course.workload.speed))
        return client.submit(arrival.video)

    with ExitStack() as stack:
        pool = ThreadPoolExecutor(_SUBMITTED_AT_ONCE)
        stack.callback(pool.shutdown, cancel_futures=True)
        yield [pool.submit(submit, arrival) for arrival in arrivals]


class _Ended:
    """Asks after jobs, one question at a time."""

    def __init__(self, client: Client, submitted: Sequence[Future[Job]]) -> None:
        self._client, self._waited = client, list(submitted)
        self._ask_s = 0.0
        self.jobs: list[Job] = []

    def all(self) -> bool:
        """Whether all have ended. Raises what submitting raised."""
        if time.monotonic() < self._ask_s:
            return not self._waited
        while self._waited and self._waited[0].done():
            job = self._client.get(self._waited[0].result())
            if not job.state.ended:
                break
            self.jobs.append(job)
            del self._waited[0]
        self._ask_s = time.monotonic() + _ASK_S
        return not self._waited


def _figures(
    course: _Course, running: Cluster, client: Client, waves: Sequence[str], jobs: Sequence[Job], folder: Path
) -> Figures:
    latency: dict[str, list[float]] = {wave: [] for wave in waves}
    for wave, job in zip(waves, jobs, strict=True):
        if job.end_time is not None:
            latency[wave].append((job.end_time - job.create_time).total_seconds() * course.workload.speed)
    pods = course.pods
    logs = "".join(path.read_text("utf-8", errors="replace") for path in pods.folder.glob("*.log"))
    return Figures(
        jobs=len(jobs),
        lost=sum(not _is_whole(client, job, folder) for job in jobs),
        dead=len(dead_jobs(running)),
        latency_s=latency,
        drained_s=course.drained_s,
        pods_started=len(pods.created),
        pods_at_once=course.at_once,
        pods_left=len(pods.running),
        pod_s=sum(pod.paid_s(course.ended_at_s) for pod in pods.created) * course.workload.speed,
        work_s=course.workload.work_s,
        given_back=logs.count('"message": "task_given_back"'),
        exit_codes=[code for pod in pods.created if (code := pod.exit_code) is not None],
    )


def _is_whole(client: Client, job: Job, folder: Path) -> bool:
    """Whether it succeeded and left what an undisturbed job leaves."""
    if job.state is not JobState.SUCCEEDED:
        return False
    found = client.download(job, folder / "outputs" / job.id)
    expected = expected_outputs(job.video_name, (folder / job.video_name).read_bytes())
    return all(path in found and found[path].read_bytes() == content for path, content in expected.items())
