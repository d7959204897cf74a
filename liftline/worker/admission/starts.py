"""When a task may start: when it is its turn, and it isn't done or given up after earlier starts."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from liftline.ports import Bus, Records
from liftline.v1.events_pb2 import TaskResult
from liftline.worker.admission.attempts import Attempt, Earlier
from liftline.worker.admission.slots import Turns
from liftline.worker.running_task import Running
from liftline.worker.task_files.results import read_result

_ALONE_WAITS = 10
"""Who must be alone waits so much longer: nothing else starts meanwhile, so the worker will be free for it."""


class AlreadyDone(Exception):  # noqa: N818 - an outcome, not a failure
    """Somebody entered a result, and didn't get to tell."""

    def __init__(self, result: TaskResult) -> None:
        """With that result."""
        super().__init__("The task is done already.")
        self.result = result


class DiedTooOften(Exception):  # noqa: N818 - an outcome
    """So many workers died of the task that it is given up."""

    def __init__(self, workers: Sequence[str]) -> None:
        """These workers."""
        super().__init__(f"{len(workers)} workers died of the task.")
        self.workers = workers


class Postponed(Exception):  # noqa: N818 - an outcome
    """As many workers as may die of it began it, and some still work on it: time will tell."""

    def __init__(self, *, delay_s: float) -> None:
        """Nobody needs to look again before `delay_s`."""
        super().__init__("Others still work on the task.")
        self.delay_s = delay_s


class Starts:
    """Starts of tasks in this process."""

    def __init__(
        self, records: Records, bus: Bus, turns: Turns, *, worker: str, max_attempts: int, ack_wait_s: float
    ) -> None:
        """A task is given up after `max_attempts` deaths, and goes back where its turn doesn't come in `ack_wait_s`."""
        self._records, self._bus, self._turns = records, bus, turns
        self._worker, self._max_attempts, self._ack_wait_s = worker, max_attempts, ack_wait_s
        self._numbers = itertools.count(1)

    @asynccontextmanager
    async def started(self, running: Running) -> AsyncIterator[bool]:
        """While the context lasts the task has its turn, and is entered as begun; gives whether it is alone.

        A task that somebody else began and didn't end has its turn alone: it may have killed them.
        Raises AlreadyDone, DiedTooOften, Postponed, TurnIsLate, NoMoreTurns.
        """
        attempt = Attempt(self._records, self._bus, running.key, worker=self._worker, number=next(self._numbers))
        async with self._turns.turn(within_s=self._ack_wait_s):
            running.attempt = attempt  # from here on it may be entered, whatever comes of the answer
            if await running.retry(attempt.begin_first):
                yield False
                return
        earlier = await self._look(running, attempt)
        alone = bool(earlier.unended)
        async with self._turns.turn(alone=alone, within_s=self._ack_wait_s * (_ALONE_WAITS if alone else 1)):
            await self._look(running, attempt)
            await running.retry(attempt.begin)
            yield alone

    async def _look(self, running: Running, attempt: Attempt) -> Earlier:
        result = await running.retry(lambda: read_result(self._records, running.key))
        if result is not None:
            raise AlreadyDone(result)
        earlier = await running.retry(lambda: attempt.earlier(limit=self._max_attempts))
        if len(earlier.dead) >= self._max_attempts:
            raise DiedTooOften(earlier.unended)
        if len(earlier.unended) >= self._max_attempts:
            raise Postponed(delay_s=self._ack_wait_s)
        return earlier
