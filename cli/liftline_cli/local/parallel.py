"""Independent segments at the same time: the work happens in libraries that let go of Python's lock."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from typing import TypeVar

from liftline.processors import processors
from liftline.progress import StopFlag

T = TypeVar("T")
R = TypeVar("R")


def in_threads(work: Callable[[T], R], items: Sequence[T], stop: StopFlag, *, at_once: int | None = None) -> list[R]:
    """Run `work` on all items, `at_once` or as many as there are processors; the first error stops the others."""
    with ThreadPoolExecutor(max_workers=min(len(items), at_once or processors())) as pool:
        futures: list[Future[R]] = [pool.submit(work, item) for item in items]
        try:
            for future in as_completed(futures):
                future.result()
        except BaseException:
            stop.stop()
            for future in futures:
                future.cancel()
            raise
    return [future.result() for future in futures]
