"""The same course without processes or servers, in virtual time: what a machine that does nothing else would show.

Pods take tasks as workers do: one in work and one fetched ahead, segments before videos to plan, and when told to end
they finish what they work on within their grace, or give it back. Only detecting takes time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.autoscaling.figures import Figures
from benchmarks.autoscaling.keda import Autoscaler
from benchmarks.autoscaling.policy import Policy
from benchmarks.autoscaling.workload import Workload
from liftline.settings.services import GatewaySettings

_STEP_S, _HELD, _WITHIN_S = 0.25, 2, 24 * 3600.0
PLAN, DETECT = "plan-normal", "detect-normal"


@dataclass
class _Job:
    wave: str
    created_s: float
    segments: int
    released: int = 0
    done: int = 0


@dataclass
class _Task:
    consumer: str
    job: _Job
    left_s: float


@dataclass
class _Pod:
    created_s: float
    ready_s: float
    told_to_end_s: float | None = None
    ended_s: float | None = None
    held: deque[_Task] = field(default_factory=deque)


class Course:
    """One policy on one workload. `run` it once."""

    def __init__(self, policy: Policy, workload: Workload) -> None:
        """Nothing has come yet."""
        self._policy, self._workload = policy, workload
        self._autoscaler = Autoscaler(policy)
        self._queues: dict[str, deque[_Task]] = {DETECT: deque(), PLAN: deque()}
        self._pods: list[_Pod] = []
        self._parallel = GatewaySettings.model_fields["max_parallel_segments"].default
        self._latency: dict[str, list[float]] = {wave.name: [] for wave in workload.waves}
        self._at_once = self._given_back = self._ended = 0
        self._now_s = 0.0

    def run(self) -> Figures:
        """Until all jobs have ended and the policy's last pods are gone."""
        coming = deque(sorted(self._workload.jobs(), key=lambda job: job[1]))
        jobs, drained_s = len(coming), 0.0
        while self._ended < jobs or len(self._running) > self._policy.min_replicas:
            while coming and coming[0][1] <= self._now_s:
                job = _Job(*coming.popleft())
                self._queues[PLAN].append(_Task(PLAN, job, 0.0))
            self._scale(self._autoscaler.tick(self._now_s, self._lags))
            for pod in self._running:
                self._work(pod)
            self._now_s += _STEP_S
            drained_s = drained_s if self._ended == jobs and drained_s else self._now_s
            if self._now_s > _WITHIN_S:
                raise RuntimeError(f"{self._policy.name}: jobs don't end.")
        return self._figures(jobs, drained_s)

    @property
    def _running(self) -> list[_Pod]:
        return [pod for pod in self._pods if pod.ended_s is None]

    def _lags(self) -> dict[str, int]:
        tasks = [task for queue in self._queues.values() for task in queue]
        tasks += [task for pod in self._running for task in pod.held]
        return {name: sum(task.consumer == name for task in tasks) for name in self._queues}

    def _scale(self, replicas: int) -> None:
        wanted = sorted((pod for pod in self._running if pod.told_to_end_s is None), key=lambda pod: pod.ready_s)
        for _ in range(replicas - len(wanted)):
            self._pods.append(_Pod(self._now_s, self._now_s + self._workload.pod_start_s))
        for pod in wanted[replicas:]:
            pod.told_to_end_s = self._now_s
            while len(pod.held) > 1:
                self._give_back(pod.held.pop())
        self._at_once = max(self._at_once, len(self._running))

    def _give_back(self, task: _Task) -> None:
        task.left_s = self._workload.detect_s if task.consumer == DETECT else 0.0
        self._queues[task.consumer].appendleft(task)
        self._given_back += 1

    def _work(self, pod: _Pod) -> None:
        if pod.told_to_end_s is not None:
            if pod.held and self._now_s > pod.told_to_end_s + self._workload.grace_s:
                self._give_back(pod.held.pop())
            if not pod.held:
                pod.ended_s = self._now_s
                return
        elif self._now_s >= pod.ready_s:
            self._take(pod)
        if pod.held:
            pod.held[0].left_s -= _STEP_S
            if pod.held[0].left_s <= 0:
                self._done(pod.held.popleft())

    def _take(self, pod: _Pod) -> None:
        for queue in self._queues.values():
            while queue and len(pod.held) < _HELD:
                pod.held.append(queue.popleft())

    def _done(self, task: _Task) -> None:
        job = task.job
        if task.consumer == DETECT:
            job.done += 1
            if job.done == job.segments:
                self._latency[job.wave].append(self._now_s + _STEP_S - job.created_s)
                self._ended += 1
        while job.released < min(job.segments, job.done + self._parallel):
            job.released += 1
            self._queues[DETECT].append(_Task(DETECT, job, self._workload.detect_s))

    def _figures(self, jobs: int, drained_s: float) -> Figures:
        return Figures(
            jobs=jobs,
            lost=0,
            dead=0,
            latency_s=self._latency,
            drained_s=drained_s,
            pods_started=len(self._pods),
            pods_at_once=self._at_once,
            pods_left=len(self._running),
            pod_s=sum((pod.ended_s or self._now_s) - pod.created_s for pod in self._pods),
            work_s=self._workload.work_s,
            given_back=self._given_back,
            exit_codes=[],
        )


def simulate_virtually(policy: Policy, workload: Workload, _: Path) -> Figures:
    """As `simulate`, in a moment."""
    return Course(policy, workload).run()
