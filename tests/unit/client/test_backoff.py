"""How long to try again."""

from __future__ import annotations

import pytest

from liftline.client.backoff import Backoff
from liftline.errors import UnavailableError


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_pauses_grow_and_end_in_time() -> None:
    clock = Clock()
    backoff = Backoff(10.0, clock_s=clock)
    pauses: list[float] = []
    with pytest.raises(UnavailableError, match="gone"):
        _wait_forever(backoff, clock, pauses)
    assert 7.0 < sum(pauses) <= 10.0
    assert pauses[0] <= 0.1
    assert max(pauses) <= 3.0


def test_success_renews_it() -> None:
    clock = Clock()
    backoff = Backoff(1.0, clock_s=clock)
    clock.now_s = 5.0
    backoff.reset()
    assert backoff.pause_after(UnavailableError("gone")) > 0
    clock.now_s = 6.5
    with pytest.raises(UnavailableError):
        backoff.pause_after(UnavailableError("gone"))


def _wait_forever(backoff: Backoff, clock: Clock, pauses: list[float]) -> None:
    while True:
        pauses.append(backoff.pause_after(UnavailableError("gone")))
        clock.now_s += pauses[-1]
