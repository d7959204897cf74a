"""What a policy gave on a workload."""

from __future__ import annotations

import statistics
from dataclasses import dataclass


@dataclass(frozen=True)
class Figures:
    """What a policy gave. Times are simulated seconds.

    Attributes:
        jobs, lost: jobs that came; those that didn't succeed, or with other outputs than an undisturbed job's.
        dead: jobs with a task among the dead letters.
        latency_s: by wave, from a job's creation to its end, one entry per job.
        drained_s: when the last job had ended.
        pods_started, pods_at_once, pods_left: how many there were, at most at a time, in the end.
        pod_s: what is paid for, from creations to ends.
        work_s: what it would have been without starting and waiting.
        given_back: tasks that ending pods gave to others.
        exit_codes: of pods that ended.
    """

    jobs: int
    lost: int
    dead: int
    latency_s: dict[str, list[float]]
    drained_s: float
    pods_started: int
    pods_at_once: int
    pods_left: int
    pod_s: float
    work_s: float
    given_back: int
    exit_codes: list[int]

    def quantile_s(self, share: float, *waves: str) -> float:
        """Of the latency of these waves' jobs, or all."""
        values = [value for wave in waves or self.latency_s for value in self.latency_s[wave]]
        return statistics.quantiles(values, n=100, method="inclusive")[round(share * 100) - 1]

    @property
    def busy(self) -> float:
        """Share of the paid time in which a segment was worked on."""
        return self.work_s / self.pod_s
