"""One detector for several segments at a time: they take turns, so that a GPU never waits for one's decoding."""

from __future__ import annotations

from collections.abc import Sequence
from threading import BoundedSemaphore

from liftline.detections import People
from liftline.frames import Frame
from liftline.ports import Detector, DetectorSession, ModelInfo, StopToken
from liftline.processors import processors

_LOOK_S = 0.2


def tasks_at_once(detector: Detector) -> int:
    """How many segments suit a detector: one per processor, or one more than it works on at a time."""
    return processors() if detector.max_sessions is None else detector.max_sessions + 1


def turns_of(detector: Detector) -> BoundedSemaphore:
    """What sessions of a detector that threads share take turns by."""
    return BoundedSemaphore(detector.max_sessions or tasks_at_once(detector))


class InTurn(Detector):
    """A detector that several tasks share, as one of them uses it."""

    def __init__(self, detector: Detector, turns: BoundedSemaphore, stop: StopToken) -> None:
        """Take turns by `turns`; while waiting, `stop` is asked."""
        self._detector, self._turns, self._stop = detector, turns, stop

    @property
    def model(self) -> ModelInfo:
        """The detector's."""
        return self._detector.model

    @property
    def batch_size(self) -> int:
        """The detector's."""
        return self._detector.batch_size

    @property
    def max_sessions(self) -> int | None:
        """The detector's."""
        return self._detector.max_sessions

    def start(self) -> DetectorSession:
        """A session of the detector that waits for its turn."""
        return _Session(self._detector.start(), self._turns, self._stop)


class _Session(DetectorSession):
    def __init__(self, session: DetectorSession, turns: BoundedSemaphore, stop: StopToken) -> None:
        self._session, self._turns, self._stop = session, turns, stop

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each of the next frames. Raises what the session raises, and Cancelled."""
        while not self._turns.acquire(timeout=_LOOK_S):
            self._stop.raise_if_stopped()
        try:
            return self._session.detect(frames)
        finally:
            self._turns.release()
