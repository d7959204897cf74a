"""Exponential backoff with jitter, for what may work a little later."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

from liftline.errors import LiftlineError

_FIRST_S, _LONGEST_S = 0.1, 3.0


class Backoff:
    """Pauses between attempts, longer each time, until the next one would end more than `total_s` after the first."""

    def __init__(self, total_s: float, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """`clock_s` is read at the beginning and before each attempt."""
        self._total_s, self._clock_s = total_s, clock_s
        self.reset()

    def reset(self) -> None:
        """After an attempt that worked: begin again with the shortest pause and all of the time."""
        self._end_s = self._clock_s() + self._total_s
        self.attempts = 0

    def pause_after(self, error: LiftlineError) -> float:
        """Seconds to wait before the next attempt. Raises `error` where there is to be none."""
        pause_s: float = min(_LONGEST_S, _FIRST_S * 2**self.attempts) * random.uniform(0.5, 1.0)  # noqa: S311 - no secret
        if self._clock_s() + pause_s > self._end_s:
            raise error
        self.attempts += 1
        return pause_s
