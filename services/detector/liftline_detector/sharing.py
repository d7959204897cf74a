"""One loaded detector shared by several tasks: a semaphore bounds how many detect at once, while others decode."""

from __future__ import annotations

from collections.abc import Sequence
from threading import BoundedSemaphore

from liftline.detections import People
from liftline.frames import Frame
from liftline.ports import Detector, DetectorSession, ModelInfo, StopToken
from liftline.processors import processors

_STOP_CHECK_S = 0.2


def tasks_at_once(detector: Detector) -> int:
    """How many tasks to run at once: one per processor, or one more than may detect, so that a GPU never waits."""
    return processors() if detector.max_sessions is None else detector.max_sessions + 1


def detection_slots(detector: Detector) -> BoundedSemaphore:
    """A semaphore with as many slots as sessions of this detector may be in `detect` at once."""
    return BoundedSemaphore(detector.max_sessions or tasks_at_once(detector))


class SharedDetector(Detector):
    """A detector that several tasks share, as one of them uses it: `detect` waits for a slot."""

    def __init__(self, detector: Detector, slots: BoundedSemaphore, stop: StopToken) -> None:
        """Share `detector` by `slots`, the same for all tasks; `stop` is asked while waiting."""
        self._detector, self._slots, self._stop = detector, slots, stop

    @property
    def model(self) -> ModelInfo:
        """The shared detector's model."""
        return self._detector.model

    @property
    def batch_size(self) -> int:
        """The shared detector's batch size."""
        return self._detector.batch_size

    @property
    def max_sessions(self) -> int | None:
        """The shared detector's bound."""
        return self._detector.max_sessions

    def start(self) -> DetectorSession:
        """A session whose `detect` waits for a slot."""
        return _Session(self._detector.start(), self._slots, self._stop)


class _Session(DetectorSession):
    def __init__(self, session: DetectorSession, slots: BoundedSemaphore, stop: StopToken) -> None:
        self._session, self._slots, self._stop = session, slots, stop

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each of the next frames. Raises what the session raises, and Cancelled."""
        while not self._slots.acquire(timeout=_STOP_CHECK_S):
            self._stop.raise_if_stopped()
        try:
            return self._session.detect(frames)
        finally:
            self._slots.release()
