"""Attempts at a task that were started and never finished (docs/adr/0010-tasks-that-kill-their-workers.md).

The record of a task names every attempt that has not come to an end. Methods raise UnavailableError.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NoReturn

from google.protobuf.message import DecodeError

from liftline.jobs.naming import TaskKey, worker_subject
from liftline.net.retrying import SERVER_START, retry_async
from liftline.ports import Bus, Records
from liftline.v1.events_pb2 import TaskId
from liftline.v1.records_pb2 import Attempts

_YES, _NO = b"yes", b"no"
_ANSWER_WITHIN_S, _AGAIN_S = 10.0, 0.1
"""After an outage of NATS a busy worker takes seconds to be back; who doesn't answer is taken for dead."""


@dataclass(frozen=True)
class EarlierAttempts:
    """Workers that started the task and haven't finished it, one entry per attempt.

    Attributes:
        unfinished: all of them.
        dead: those that crashed since; known only where `unfinished` has reached the limit.
    """

    unfinished: Sequence[str]
    dead: Sequence[str] = ()


class Attempt:
    """Attempt `number` of this worker at a task. Every method is idempotent."""

    def __init__(self, records: Records, bus: Bus, key: TaskKey, *, worker: str, number: int) -> None:
        self._records, self._bus, self._key, self._worker = records, bus, key, worker
        self._entry = f"{worker}/{number}"

    async def begin_first(self) -> bool:
        """Record it if no other attempt is on record: one create, enough for most tasks. True if it was."""
        value = Attempts(open=[self._entry]).SerializeToString()
        return await self._records.create(self._key.attempts, value) is not None

    async def begin(self) -> None:
        """Record it beside others, by compare-and-set."""
        await self._change(add=True)

    async def end(self) -> None:
        """Remove it: the attempt ended without a crash."""
        await self._change(add=False)

    async def earlier(self, *, limit: int) -> EarlierAttempts:
        """Other attempts. Where there are `limit` of them, their workers are asked whether they still run the task."""
        entries, _ = await self._read()
        unfinished = [_worker(entry) for entry in entries if entry != self._entry]
        if len(unfinished) < limit:
            return EarlierAttempts(unfinished)
        names = sorted(set(unfinished))
        answers = await asyncio.gather(*map(self._works_on_it, names))
        silent = {name for name, yes in zip(names, answers, strict=True) if not yes}
        entries, _ = await self._read()  # who has ended it meanwhile has removed its entry, then says no
        unfinished = [_worker(entry) for entry in entries if entry != self._entry]
        return EarlierAttempts(unfinished, [name for name in unfinished if name in silent])

    async def _works_on_it(self, worker: str) -> bool:
        if worker == self._worker:
            return False
        question, clock_s = self._key.wire.SerializeToString(), asyncio.get_running_loop().time
        end_s = clock_s() + _ANSWER_WITHIN_S
        while (left_s := end_s - clock_s()) > 0:
            answer = await self._bus.ask(worker_subject(worker), question, wait_s=left_s)
            if answer is not None:
                return answer == _YES
            await asyncio.sleep(_AGAIN_S)
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
            if await _write(self._records, self._key, entries, revision):
                return

    async def _read(self) -> tuple[list[str], int | None]:
        return await _read(self._records, self._key)


async def forget_attempts(records: Records, key: TaskKey) -> None:
    """End all attempts at a task that is over, crashed ones too.

    The record stays, empty, until the gateway removes it: workers may remove nothing from streams.
    """
    while True:
        entries, revision = await _read(records, key)
        if not entries or await _write(records, key, [], revision):
            return


async def _read(records: Records, key: TaskKey) -> tuple[list[str], int | None]:
    entry = await records.get(key.attempts)
    return ([], None) if entry is None else (list(Attempts.FromString(entry.value).open), entry.revision)


async def _write(records: Records, key: TaskKey, entries: Sequence[str], revision: int | None) -> bool:
    """Whether it was written: nobody else changed it since it was read."""
    value = Attempts(open=entries).SerializeToString()
    if revision is None:
        return await records.create(key.attempts, value) is not None
    return await records.update(key.attempts, value, revision=revision) is not None


def _worker(entry: str) -> str:
    return entry.partition("/")[0]


async def answer_liveness(bus: Bus, worker: str, works_on: Callable[[TaskKey], bool]) -> NoReturn:
    """Answer other workers' questions whether this one still runs a task; returns never."""

    async def answer(question: bytes) -> bytes:
        try:
            key = TaskKey.of(TaskId.FromString(question))
        except (DecodeError, ValueError):
            return _NO
        return _YES if works_on(key) else _NO

    async def listen() -> NoReturn:
        async with bus.answering(worker_subject(worker), answer):
            await asyncio.Future()
        raise AssertionError("it is only ever cancelled")

    await retry_async(SERVER_START, listen)
