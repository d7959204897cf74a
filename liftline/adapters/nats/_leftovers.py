"""What a crash of nats-server leaves behind in the stream of tasks, and how it goes.

The server forgets a done task in memory first and on disk seconds later, and so does each consumer by itself. After a
crash in between one of them may know more than the other, for good with servers before 2.10:

- the consumer knows that a task is done and never delivers it, the stream has it: what a consumer has behind its ack
  floor is done, and all that it delivered where none is in work, so it is removed;
- the consumer waits for a task that the stream has no more, and its ack floor waits too: that task is acked.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product

from liftline.adapters.nats.connection import ApiError, Connection
from liftline.adapters.nats.topology import TASKS, consumed
from liftline.jobs.naming import Priority, Stage, consumer

_NO_MESSAGE, _GONE = 10037, (400, 404)
_MOST_ACKS = 5000


@dataclass
class Leftovers:
    """Looks after them again and again; a consumer whose ack floor moves between two looks is well."""

    connection: Connection
    floors: dict[str, int] = field(default_factory=dict)
    acked_up_to: dict[str, int] = field(default_factory=dict)

    def begin_again(self) -> None:
        """The server may have crashed."""
        self.floors.clear()
        self.acked_up_to.clear()

    async def remove(self) -> None:
        """Look once. Raises UnavailableError."""
        for stage, priority in product(Stage, Priority):
            await self._look(consumer(stage, priority), consumed(stage, priority))

    async def _look(self, name: str, subject_filter: str) -> None:
        try:
            info = await self.connection.api(f"CONSUMER.INFO.{TASKS}.{name}")
        except ApiError as error:
            raise self.connection.unavailable(f"consumer {name}, {error}") from error
        delivered, in_work = int(info["delivered"]["stream_seq"]), bool(info["num_ack_pending"])
        floor = int(info["ack_floor"]["stream_seq"]) if in_work else delivered
        sequence = await next_task(self.connection, subject_filter, after=0)
        while sequence is not None and sequence <= floor:
            await remove_task(self.connection, sequence)
            sequence = await next_task(self.connection, subject_filter, after=sequence)
        if in_work and self.floors.get(name) == floor:
            await self._ack_missing(name, subject_filter, floor, delivered)
        self.floors[name] = floor

    async def _ack_missing(self, name: str, subject_filter: str, floor: int, delivered: int) -> None:
        """Ack what the consumer has delivered and the stream hasn't. Acks of what isn't waited for do nothing."""
        first = max(floor, self.acked_up_to.get(name, 0)) + 1
        last = min(delivered, first + _MOST_ACKS - 1)
        there = await next_task(self.connection, subject_filter, after=first - 1)
        for sequence in range(first, last + 1):
            if sequence == there:
                there = await next_task(self.connection, subject_filter, after=there)
            else:
                await self.connection.say(f"$JS.ACK.{TASKS}.{name}.1.{sequence}.{sequence}.0.0", b"+ACK")
        self.acked_up_to[name] = max(last, first - 1)


async def next_task(connection: Connection, subject_filter: str, *, after: int) -> int | None:
    """Sequence of the first task after that one which passes the filter. Raises UnavailableError."""
    wanted = {"seq": after + 1, "next_by_subj": subject_filter}
    try:
        found = await connection.api(f"STREAM.MSG.GET.{TASKS}", wanted)
    except ApiError as error:
        if error.number == _NO_MESSAGE:
            return None
        raise connection.unavailable(f"{subject_filter} can't be found, {error}") from error
    return int(found["message"]["seq"])


async def remove_task(connection: Connection, sequence: int) -> None:
    """Remove a task at once and for good; gone already is fine. Raises UnavailableError.

    It is overwritten: a removal without that is forgotten when nats-server 2.9.10 crashes within ten seconds.
    """
    try:
        await connection.api(f"STREAM.MSG.DELETE.{TASKS}", {"seq": sequence})
    except ApiError as error:
        if error.code not in _GONE:
            raise connection.unavailable(f"task {sequence} can't be removed, {error}") from error
