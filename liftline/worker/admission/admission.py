"""Admission of a task: when a slot is free, and it is neither done nor given up after earlier attempts."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from liftline.ports import Bus, Records
from liftline.v1.events_pb2 import TaskResult
from liftline.worker.admission.slots import Slots
from liftline.worker.attempts import Attempt, EarlierAttempts
from liftline.worker.running_task import RunningTask
from liftline.worker.task_files.results import read_result

_ALONE_WAITS = 10
"""Who must be alone waits so much longer: nothing else starts meanwhile, so the worker will be free for it."""


@dataclass(eq=False)
class AlreadyDone(Exception):  # noqa: N818 - an outcome, not a failure
    """A result exists already; its event may not have been published."""

    result: TaskResult


@dataclass(eq=False)
class AttemptsExhausted(Exception):  # noqa: N818 - an outcome
    """`max_attempts` workers crashed on the task: it is given up. `workers`: their names, one per attempt."""

    workers: Sequence[str]


@dataclass(eq=False)
class Postponed(Exception):  # noqa: N818 - an outcome
    """`max_attempts` workers began it and some still work on it: redeliver it after `delay_s` seconds."""

    delay_s: float


class Admission:
    """Decides whether and when tasks start in this process."""

    def __init__(
        self, records: Records, bus: Bus, slots: Slots, *, worker: str, max_attempts: int, ack_wait_s: float
    ) -> None:
        """A task is given up after `max_attempts` crashes, and given back where no slot is free within `ack_wait_s`."""
        self._records, self._bus, self._slots = records, bus, slots
        self._worker, self._max_attempts, self._ack_wait_s = worker, max_attempts, ack_wait_s
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def admitted(self, running: RunningTask) -> AsyncIterator[bool]:
        """While the context lasts the task holds a slot and its attempt is recorded; yields whether it runs alone.

        A task that another worker began and didn't finish runs alone: it may have crashed that worker.
        Raises AlreadyDone, AttemptsExhausted, Postponed, SlotTimeout, SlotsClosed.
        """
        attempt = Attempt(self._records, self._bus, running.key, worker=self._worker, number=next(self._numbers))
        async with self._slots.slot(within_s=self._ack_wait_s):
            running.attempt = attempt  # from here on it may be entered, whatever comes of the answer
            if await running.retry(attempt.begin_first):
                yield False
                return
        earlier = await self._look(running, attempt)
        alone = bool(earlier.unfinished)
        async with self._slots.slot(alone=alone, within_s=self._ack_wait_s * (_ALONE_WAITS if alone else 1)):
            await self._look(running, attempt)
            await running.retry(attempt.begin)
            yield alone

    async def _look(self, running: RunningTask, attempt: Attempt) -> EarlierAttempts:
        await self._check_undone(running)
        earlier = await running.retry(lambda: attempt.earlier(limit=self._max_attempts))
        if len(earlier.dead) >= self._max_attempts:
            await self._check_undone(running)  # who has just done it doesn't work on it any more, and says so
            raise AttemptsExhausted(earlier.unfinished)
        if len(earlier.unfinished) >= self._max_attempts:
            raise Postponed(delay_s=self._ack_wait_s)
        return earlier

    async def _check_undone(self, running: RunningTask) -> None:
        result = await running.retry(lambda: read_result(self._records, running.key))
        if result is not None:
            raise AlreadyDone(result)
