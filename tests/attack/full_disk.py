"""A worker whose scratch disk is small: what it keeps for later makes room, and what can't fit holds up nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from liftline.client import JobState
from tests.attack.ground import Ground, ended_in_time
from tests.attack.surroundings import DISK_MB, need_small_disk
from tests.attack.trials import Trial, hold

NAME = "standin-segments=2.mp4"


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """Many videos, then one that is larger than the disk."""
    yield "many videos fill it", partial(_many, ground, 5 if few else 20)
    yield "a video that is larger", partial(_larger, ground)


def _many(ground: Ground, count: int) -> None:
    need_small_disk(ground.folder)
    for number in range(count):
        content = ground.dice.randbytes(DISK_MB * 300_000)
        tenant = (ground.a, ground.b)[number % 2]
        ground.check_done(tenant, ground.submitted(tenant, NAME, content), NAME, content)


def _larger(ground: Ground) -> None:
    need_small_disk(ground.folder)
    large = ground.submitted(ground.b, NAME, bytes(DISK_MB * 1_500_000))
    for _ in range(3):
        ground.check_done(ground.a, ground.submitted(ground.a, NAME), NAME)
    ground.b.client.cancel(large)
    state = ended_in_time(ground.b, large).state
    hold(state is JobState.CANCELLED, f"it ended {state}")
