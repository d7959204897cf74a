"""The pods of one Deployment: real processes, which end on SIGTERM as those of Kubernetes do."""

from __future__ import annotations

import itertools
import signal
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from liftline.errors import LiftlineError
from liftline_cli.up.children import Child, free_ports, start

_LOADED_WITHIN_S, _LOOK_S, _GONE_WITHIN_S = 120.0, 0.05, 30.0


@dataclass
class Pod:
    """A process, loaded and waiting to be created, or more. Times are of the monotonic clock."""

    child: Child
    go: Path
    created_s: float | None = None
    ready_s: float = 0.0
    told_to_end_s: float | None = None
    signalled: bool = False
    ended_s: float | None = None

    @property
    def loaded(self) -> bool:
        """Whether it could be created."""
        return self.go.with_suffix(".loaded").exists()

    def create(self, ready_after_s: float) -> None:
        """It counts from now on, and takes work when it is ready."""
        self.created_s = time.monotonic()
        self.ready_s = self.created_s + ready_after_s
        written = self.go.with_suffix(".new")
        written.write_text(str(self.ready_s), "utf-8")
        written.rename(self.go)

    @property
    def exit_code(self) -> int | None:
        """None while it runs."""
        return self.child.process.poll()

    def paid_s(self, now_s: float) -> float:
        """From its creation until it is gone: what a node is paid for."""
        return 0.0 if self.created_s is None else (self.ended_s or now_s) - self.created_s


@dataclass
class Pods:
    """As many pods as are asked for. `scale` and `look` are called again and again."""

    folder: Path
    environment: Mapping[str, str]
    at_most: int
    ready_after_s: float
    _numbers: Iterator[int] = field(default_factory=itertools.count)
    _spare: list[Pod] = field(default_factory=list)
    created: list[Pod] = field(default_factory=list)

    def warm_up(self) -> None:
        """Load as many processes as there may be pods."""
        self._spare = [self._load() for _ in range(self.at_most)]
        end_s = time.monotonic() + _LOADED_WITHIN_S
        while not all(pod.loaded for pod in self._spare):
            if time.monotonic() > end_s:
                raise LiftlineError(f"pods don't start; {self.folder}/*.log say why.")
            time.sleep(_LOOK_S)

    @property
    def wanted(self) -> list[Pod]:
        """Those that weren't told to end."""
        return [pod for pod in self.created if pod.told_to_end_s is None]

    @property
    def running(self) -> list[Pod]:
        """Those that aren't gone."""
        return [pod for pod in self.created if pod.ended_s is None]

    def scale(self, replicas: int) -> None:
        """Create pods, or tell the youngest to end: a ReplicaSet begins with those that aren't ready yet."""
        for _ in range(replicas - len(self.wanted)):
            pod = self._spare.pop(0) if self._spare else self._load()
            pod.create(self.ready_after_s)
            self.created.append(pod)
        for pod in sorted(self.wanted, key=lambda pod: pod.ready_s)[replicas:]:
            pod.told_to_end_s = time.monotonic()

    def look(self) -> None:
        """Signal those that are to end, note which are gone, and load a process for the next one, one after the other.

        A process that Python has yet to start in would end with the signal itself.
        """
        for pod in self.running:
            if pod.told_to_end_s is not None and pod.loaded and not pod.signalled:
                pod.child.process.send_signal(signal.SIGTERM)
                pod.signalled = True
            if pod.exit_code is not None:
                pod.ended_s = time.monotonic()
        if len(self._spare) < self.at_most - len(self.wanted) and all(pod.loaded for pod in self._spare):
            self._spare.append(self._load())

    def end(self) -> None:
        """End all that are left."""
        for pod in (*self._spare, *self.running):
            pod.child.kill()

    def _load(self) -> Pod:
        (port,) = free_ports(1)
        name = f"pod-{next(self._numbers)}"
        go = self.folder / f"{name}.go"
        arguments = [sys.executable, "-m", "benchmarks.autoscaling.pod", str(go)]
        environment = {**self.environment, "LIFTLINE_GRPC_LISTEN": f"127.0.0.1:{port}"}
        return Pod(start(name, arguments, folder=self.folder, environment=environment), go)


@contextmanager
def pods_of(
    folder: Path, environment: Mapping[str, str], *, at_most: int, ready_after_s: float
) -> Iterator[Pods]:  # fmt: skip
    """Pods that end with the context."""
    folder.mkdir(parents=True)
    pods = Pods(folder, environment, at_most=at_most, ready_after_s=ready_after_s)
    try:
        pods.warm_up()
        yield pods
    finally:
        pods.end()
