"""One loaded detector shared by several tasks: a semaphore bounds how many detect at once, while others decode."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from liftline.ports import Detector, StopToken
from liftline.processors import processors

_STOP_CHECK_S = 0.2


def tasks_at_once(detector: Detector) -> int:
    """How many tasks to run at once: one per processor, or one more than may detect, so that a GPU never waits."""
    return processors() if detector.max_sessions is None else detector.max_sessions + 1


def detection_slots(detector: Detector) -> BoundedSemaphore:
    """A semaphore with as many slots as sessions of this detector may be in `detect` at once."""
    return BoundedSemaphore(detector.max_sessions or tasks_at_once(detector))


@contextmanager
def holding_slot(slots: BoundedSemaphore, stop: StopToken) -> Iterator[None]:
    """Hold one of the slots during the block; `stop` is asked while waiting for it. Raises Cancelled."""
    while not slots.acquire(timeout=_STOP_CHECK_S):
        stop.raise_if_stopped()
    try:
        yield
    finally:
        slots.release()
