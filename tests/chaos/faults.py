"""What goes wrong, drawn from a seed: the same seed gives the same faults in the same order at the same times."""

from __future__ import annotations

import random
import signal
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import MappingProxyType

from tests.chaos.repeats import repeat_messages
from tests.cluster import GATEWAY, WORKERS, Cluster, Part
from tests.integration.s3.lying import CORRUPTIONS

_GAP_S = (0.2, 1.6)


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong `gap_s` after the one before, and ends after `lasts_s`.

    pick (0 to 1) chooses among those it can happen to when it happens.
    """

    number: int
    kind: str
    gap_s: float
    pick: float
    lasts_s: float

    def __str__(self) -> str:
        return f"{self.number}: {self.kind} after {self.gap_s:.2f} s, for {self.lasts_s:.1f} s (pick {self.pick:.3f})"


def _pick(parts: list[Part], fault: Fault) -> Part:
    return parts[int(fault.pick * len(parts))]


def _kill_worker(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    cluster.kill(_pick(cluster.of(*WORKERS), fault))


def _kill(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    cluster.kill(_pick(cluster.of(GATEWAY), fault))


def _freeze(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    """Longer than a task waits for its worker: it goes to another, and then there are two."""
    part = _pick(cluster.of(*WORKERS, GATEWAY), fault)
    frozen = part.child
    part.signal(signal.SIGSTOP)
    until.callback(lambda: part.signal(signal.SIGCONT) if part.child is frozen else None)


def _scale_down(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    part = _pick(cluster.of(*WORKERS), fault)
    cluster.scale_down(part)
    until.callback(cluster.scale_up, part)


def _scale_to_zero(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    for part in cluster.of(WORKERS[int(fault.pick * len(WORKERS))]):
        cluster.scale_down(part)
        until.callback(cluster.scale_up, part)


def _stop_nats(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    until.enter_context(cluster.without_nats())


def _stop_s3(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    until.enter_context(cluster.without_s3())


def _corrupt(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    """A third of what S3 answers to the services is wrong."""
    assert cluster.proxy is not None
    until.enter_context(cluster.proxy.disordered(CORRUPTIONS.values(), share=0.3, seed=fault.pick))


def _repeat(cluster: Cluster, fault: Fault, until: ExitStack) -> None:
    repeat_messages(cluster, pick=fault.pick, count=20)


@dataclass(frozen=True)
class Kind:
    """How a fault is made, how often it is drawn, and how long it lasts."""

    make: Callable[[Cluster, Fault, ExitStack], None]
    weight: float
    lasts_s: tuple[float, float] = (0.0, 0.0)


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "kill worker": Kind(_kill_worker, 30),
        "kill gateway": Kind(_kill, 12),
        "freeze process": Kind(_freeze, 12, (0.5, 5.0)),
        "scale down": Kind(_scale_down, 12, (0.5, 3.0)),
        "scale to zero": Kind(_scale_to_zero, 5, (1.0, 4.0)),
        "repeat messages": Kind(_repeat, 15),
        "NATS away": Kind(_stop_nats, 7, (0.1, 3.0)),
        "S3 away": Kind(_stop_s3, 7, (0.1, 4.0)),
        "S3 answers wrongly": Kind(_corrupt, 12, (0.5, 4.0)),
    }
)


def draw(seed: int, count: int) -> list[Fault]:
    """The faults of a seed."""
    dice = random.Random(seed)
    names, weights = list(KINDS), [kind.weight for kind in KINDS.values()]
    faults = []
    for number in range(count):
        name = dice.choices(names, weights)[0]
        faults.append(Fault(number, name, dice.uniform(*_GAP_S), dice.random(), dice.uniform(*KINDS[name].lasts_s)))
    return faults
