"""How many threads the network trains with."""

from __future__ import annotations

import numpy as np
import torch


class Threads:
    """Chooses the number of threads by trial, now and then: on a busy machine fewer are faster."""

    _ROUND = 150
    _TRIAL = 5

    def __init__(self, most: int) -> None:
        self._most = most
        self._times: dict[int, list[float]] = {}

    def before_step(self, step: int) -> None:
        """Set the number of threads for this step."""
        trial = step % self._ROUND // self._TRIAL
        if step % self._ROUND == 0:
            self._times = {}
        if trial < self._most:
            torch.set_num_threads(trial + 1)
        elif self._times:
            torch.set_num_threads(min(self._times, key=lambda n: float(np.median(self._times[n]))))
            self._times = {}

    def after_step(self, seconds: float) -> None:
        """Note how long the step took."""
        self._times.setdefault(torch.get_num_threads(), []).append(seconds)
