"""Implementations of the ports StopToken and Progress: a stop flag, a heartbeat, a frame counter."""

from __future__ import annotations

import threading
from collections.abc import Callable

from liftline.errors import Cancelled
from liftline.ports import Progress, StopToken


class StopFlag:
    """A StopToken that another thread or a signal handler can set."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def stop(self) -> None:
        """Tell the work to stop at its next check."""
        self._event.set()

    @property
    def stopped(self) -> bool:
        """Whether `stop` was called."""
        return self._event.is_set()

    def raise_if_stopped(self) -> None:
        """Raise Cancelled once `stop` was called."""
        if self._event.is_set():
            raise Cancelled("Stopped before the end; finished steps are kept and won't be run again.")


class SignOfLife:
    """A StopToken that is a heartbeat as well: each check of `stop` reports 0 frames to `progress`.

    For long stretches that finish no frame: planning, decoding up to a segment, joining tracks, one person of a long
    video.
    """

    def __init__(self, stop: StopToken, progress: Progress) -> None:
        self._stop, self._progress = stop, progress

    def raise_if_stopped(self) -> None:
        """Raise Cancelled where the work is to stop."""
        self._stop.raise_if_stopped()
        self._progress.advance(0)


class FrameCounter:
    """A Progress that counts, safely from several threads, and tells `listener` the total after each advance."""

    def __init__(self, listener: Callable[[int], None] | None = None) -> None:
        self._lock = threading.Lock()
        self._listener = listener
        self._frames = 0

    @property
    def frames(self) -> int:
        """Frames done so far."""
        return self._frames

    def advance(self, frames: int = 1) -> None:
        """Count frames as done and tell the listener the total. Safe from several threads."""
        with self._lock:
            self._frames += frames
            total = self._frames
        if self._listener is not None:
            self._listener(total)
