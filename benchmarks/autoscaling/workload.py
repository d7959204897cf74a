"""Which jobs come when, in simulated seconds, and the videos that say so to stand-in stages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.orchestration.jobs import stand_in


@dataclass(frozen=True)
class Wave:
    """Jobs of one kind: `jobs` of them from `after_s` on, one `every_s`, each with so many segments."""

    name: str
    after_s: float
    jobs: int
    segments: int
    every_s: float = 0.0


@dataclass(frozen=True)
class Workload:
    """What comes, how long it takes, and how much faster than the real clock all of it is done.

    Attributes:
        waves: of jobs.
        detect_s: of one segment on one detector.
        pod_start_s: from a pod's creation until it takes work: node, image, model.
        grace_s: `LIFTLINE_WORKER_GRACE_S`.
        speed: simulated seconds per second.
    """

    waves: Sequence[Wave]
    detect_s: float
    pod_start_s: float
    speed: float
    grace_s: float = 60.0

    @property
    def work_s(self) -> float:
        """Of all detectors together."""
        return sum(wave.jobs * wave.segments for wave in self.waves) * self.detect_s

    def arrivals(self, folder: Path) -> list[Arrival]:
        """All jobs in the order in which they come."""
        coming = [Arrival(wave, after_s, self._video(folder, segments)) for wave, after_s, segments in self.jobs()]
        return sorted(coming, key=lambda arrival: arrival.after_s)

    def jobs(self) -> list[tuple[str, float, int]]:
        """Wave, time and segments of every job."""
        return [
            (wave.name, wave.after_s + number * wave.every_s, wave.segments)
            for wave in self.waves
            for number in range(wave.jobs)
        ]

    def options(self) -> dict[str, str]:
        """Settings of the services, with their clocks as much faster."""
        seconds = {
            "LIFTLINE_NATS_ACK_WAIT_S": 30.0,
            "LIFTLINE_GATEWAY_RECONCILE_S": 10.0,
            "LIFTLINE_GATEWAY_STALE_S": 30.0,
            "LIFTLINE_WORKER_STALL_S": 120.0,
            "LIFTLINE_WORKER_GRACE_S": self.grace_s,
        }
        return {name: f"{value / self.speed:.3f}" for name, value in seconds.items()}

    def _video(self, folder: Path, segments: int) -> Path:
        return stand_in(folder, segments=segments, detect=f"{self.detect_s / self.speed:.3f}")


@dataclass(frozen=True)
class Arrival:
    """One job to be."""

    wave: str
    after_s: float
    video: Path


BURST, LONG, TRICKLE = "burst", "long video", "single clips"
DAY = Workload(
    [Wave(BURST, 0, 24, 4), Wave(LONG, 240, 1, 60), Wave(TRICKLE, 420, 6, 1, every_s=75)],
    detect_s=8.0,
    pod_start_s=30.0,
    speed=8.0,
)
"""A burst of 24 clips of 40 seconds, a video of ten minutes, then single clips with pauses: 22 minutes in all."""
SHORT = Workload([Wave(BURST, 0, 6, 3), Wave(TRICKLE, 60, 1, 1)], detect_s=15, pod_start_s=15, speed=15, grace_s=3)
"""Of half a minute. Its grace is shorter than a segment takes, so pods that end give tasks back."""
