"""Who has begun a task and died of it (docs/adr/0010-tasks-that-kill-their-workers.md).

The entry of a task names every start of it that has not come to an end. Methods raise UnavailableError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import NoReturn

from google.protobuf.message import DecodeError

from liftline.errors import UnavailableError
from liftline.naming import TaskKey, worker_subject
from liftline.ports import Bus, Records
from liftline.v1.events_pb2 import TaskId
from liftline.v1.records_pb2 import Attempts

_YES, _NO = b"yes", b"no"
_ANSWER_WITHIN_S, _AGAIN_S, _AWAY_S = 2.0, 0.1, 1.0


@dataclass(frozen=True)
class Earlier:
    """Workers that began a task and haven't come to an end with it, an entry per start.

    Attributes:
        unended: all of them.
        dead: those that don't work on it any more; known only where `unended` has reached the limit.
    """

    unended: Sequence[str]
    dead: Sequence[str] = ()


class Attempt:
    """One start of a task by this worker. Safe to repeat where a server didn't answer."""

    def __init__(self, records: Records, bus: Bus, key: TaskKey, *, worker: str, number: int) -> None:
        """`number` tells the worker's starts apart."""
        self._records, self._bus, self._key, self._worker = records, bus, key, worker
        self._entry = f"{worker}/{number}"

    async def begin_first(self) -> bool:
        """Enter it where nobody ever began the task: one operation, enough for most tasks."""
        value = Attempts(open=[self._entry]).SerializeToString()
        return await self._records.create(self._key.attempts, value) is not None

    async def begin(self) -> None:
        """Enter it beside others."""
        await self._change(add=True)

    async def end(self) -> None:
        """Take it out: it came to an end that isn't death."""
        await self._change(add=False)

    async def earlier(self, *, limit: int) -> Earlier:
        """Other starts. Where there are `limit` of them, their workers are asked whether they still work on it."""
        entries, _ = await self._read()
        unended = [_worker(entry) for entry in entries if entry != self._entry]
        if len(unended) < limit:
            return Earlier(unended)
        names = sorted(set(unended))
        answers = await asyncio.gather(*map(self._works_on_it, names))
        alive = {name for name, yes in zip(names, answers, strict=True) if yes}
        return Earlier(unended, [name for name in unended if name not in alive])

    async def _works_on_it(self, worker: str) -> bool:
        if worker == self._worker:
            return False
        question, clock_s = self._key.wire.SerializeToString(), asyncio.get_running_loop().time
        end_s = clock_s() + _ANSWER_WITHIN_S
        while (left_s := end_s - clock_s()) > 0:
            answer = await self._bus.ask(worker_subject(worker), question, wait_s=left_s)
            if answer is not None:
                return answer == _YES
            await asyncio.sleep(_AGAIN_S)  # after an outage of the server it may only be on its way back
        return False

    async def _change(self, *, add: bool) -> None:
        while True:
            entries, revision = await self._read()
            if (self._entry in entries) == add:
                return
            if add:
                entries.append(self._entry)
            else:
                entries.remove(self._entry)
            value = Attempts(open=entries).SerializeToString()
            if revision is None:
                done = await self._records.create(self._key.attempts, value)
            else:
                done = await self._records.update(self._key.attempts, value, revision=revision)
            if done is not None:
                return

    async def _read(self) -> tuple[list[str], int | None]:
        entry = await self._records.get(self._key.attempts)
        return ([], None) if entry is None else (list(Attempts.FromString(entry.value).open), entry.revision)


def _worker(entry: str) -> str:
    return entry.partition("/")[0]


async def answer_about(bus: Bus, worker: str, works_on: Callable[[TaskKey], bool]) -> NoReturn:
    """Answer other workers for ever."""

    async def answer(question: bytes) -> bytes:
        try:
            key = TaskKey.of(TaskId.FromString(question))
        except (DecodeError, ValueError):
            return _NO
        return _YES if works_on(key) else _NO

    while True:
        with suppress(UnavailableError):
            async with bus.answering(worker_subject(worker), answer):
                await asyncio.Future()
        await asyncio.sleep(_AWAY_S)
