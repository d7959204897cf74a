"""Many cases over several workers, until they are done or the time is up."""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from tests.fuzz.cases import Case, Result, make_case
from tests.fuzz.runner import Decoding, run_pipeline

DECODING_LIMIT_S, PIPELINE_LIMIT_S = 60.0, 300.0


def decode_all(
    sources: Sequence[Path], folder: Path, *, seed: int, numbers: Sequence[int], jobs: int, deadline: float
) -> list[Result]:
    """Plan and decode; files of findings stay in the folder."""
    with ExitStack() as stack:
        workers = [stack.enter_context(Decoding(limit_s=DECODING_LIMIT_S)) for _ in range(jobs)]
        return _run([w.run for w in workers], sources, folder, seed, numbers, deadline)


def process_all(
    sources: Sequence[Path], folder: Path, *, seed: int, numbers: Sequence[int], deadline: float
) -> list[Result]:
    """The whole pipeline, one at a time: it takes all cores."""

    def run(case: Case) -> Result:
        return run_pipeline(case, limit_s=PIPELINE_LIMIT_S)

    return _run([run], sources, folder, seed, numbers, deadline)


def _run(
    runs: Sequence[Callable[[Case], Result]],
    sources: Sequence[Path],
    folder: Path,
    seed: int,
    numbers: Sequence[int],
    deadline: float,
) -> list[Result]:
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    results: list[Result] = []

    def work(run: Callable[[Case], Result]) -> None:
        while time.monotonic() < deadline:
            try:
                number = waiting.get_nowait()
            except queue.Empty:
                return
            result = run(make_case(sources, folder, seed=seed, number=number))
            if result.outcome == "finding":
                sys.stderr.write(f"finding {result.case.label} {result.case.source}: {result.what[-200:]}\n")
            else:
                result.case.path.unlink()
            results.append(result)

    threads = [threading.Thread(target=work, args=(run,)) for run in runs]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(results, key=lambda r: r.case.number)
