"""All kinds of attacks in turn, within bounds of time, memory and processes."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.attack import addresses, clocks, full_disk, ground, kills, requests, store_faults, streams, tokens, videos
from tests.attack.ground import Ground
from tests.attack.trials import Result, Trial, run

Trials = Callable[..., Iterator[Trial]]
KINDS: dict[str, Trials] = {
    "addresses": addresses.trials,
    "tokens": tokens.trials,
    "requests": requests.trials,
    "streams": streams.trials,
    "store": store_faults.trials,
    "clock": clocks.trials,
    "disk": full_disk.trials,
    "kills": kills.trials,
    "videos": videos.trials,
}
REAL = ("videos",)
"""Kinds that need real stages."""


@dataclass(frozen=True)
class Bounds:
    """Of the attack and all that it attacks."""

    minutes: float = 40.0
    memory_mib: int = 8192
    processes: int = 100


def attack(
    folder: Path, *, only: Sequence[str], seed: int, few: bool, say: Callable[[str], None], bounds: Bounds | None = None
) -> list[Result]:
    """What came of every trial. Logs of services stay in the folder."""
    results: list[Result] = []
    with _bounded(bounds or Bounds(), say):
        for is_real in (False, True):
            kinds = [kind for kind in KINDS if kind in only and (kind in REAL) == is_real]
            if kinds:
                with _grounds(folder, seed, real=is_real) as attacked:
                    for kind in kinds:
                        results += _all_of(kind, attacked, few=few, say=say)
    return results


def _all_of(kind: str, attacked: Ground, *, few: bool, say: Callable[[str], None]) -> Iterator[Result]:
    for trial in KINDS[kind](attacked, few=few):
        result = run(kind, trial)
        say(
            f"{kind}: {result.name}: {'held' if result.held else result.fell or result.skipped}, {result.seconds:.1f} s"
        )
        yield result


@contextmanager
def _grounds(folder: Path, seed: int, *, real: bool) -> Iterator[Ground]:
    with ExitStack() as stack:
        if real:
            yield stack.enter_context(ground.real(folder / "real", seed, videos.honest(folder / "videos")))
        else:
            yield stack.enter_context(ground.standins(folder / "standins", seed))


@contextmanager
def _bounded(bounds: Bounds, say: Callable[[str], None]) -> Iterator[None]:
    """Beyond them this process ends, and with it, as children of it, all that it started."""
    over, end_s = threading.Event(), time.monotonic() + 60 * bounds.minutes

    def watch() -> None:
        while not over.wait(1.0):
            memory_mib, processes = _taken()
            if time.monotonic() > end_s or memory_mib > bounds.memory_mib or processes > bounds.processes:
                say(f"BEYOND {bounds}: {memory_mib} MiB, {processes} processes; everything ends here")
                sys.stdout.flush()
                os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _taken() -> tuple[int, int]:
    """Memory in MiB, and processes; what is shared counts for each."""
    memory, count = 0, 0
    me = psutil.Process()
    for one in (me, *me.children(recursive=True)):
        try:
            memory += one.memory_info().rss
        except psutil.Error:
            continue
        count += 1
    return memory >> 20, count
