"""Tasks that are done but still in the stream.

nats-server forgets a done task in memory first and on disk seconds later. After a crash in between the consumer knows
that the task is done and never delivers it, but the stream has it again, for good with servers before 2.10. What a
consumer has behind its ack floor is done, so it can go.
"""

from __future__ import annotations

from itertools import product

from liftline.naming import Priority, Stage, consumer
from liftline.nats.connection import ApiError, Connection
from liftline.nats.topology import TASKS, consumed

_NO_MESSAGE, _GONE = 10037, (400, 404)


async def remove_done(connection: Connection) -> None:
    """Remove what every consumer has done. Raises UnavailableError."""
    for stage, priority in product(Stage, Priority):
        await _remove_behind_floor(connection, consumer(stage, priority), consumed(stage, priority))


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


async def _remove_behind_floor(connection: Connection, name: str, subject_filter: str) -> None:
    try:
        info = await connection.api(f"CONSUMER.INFO.{TASKS}.{name}")
    except ApiError as error:
        raise connection.unavailable(f"consumer {name}, {error}") from error
    floor = int(info["ack_floor"]["stream_seq"])
    sequence = await next_task(connection, subject_filter, after=0)
    while sequence is not None and sequence <= floor:
        await remove_task(connection, sequence)
        sequence = await next_task(connection, subject_filter, after=sequence)
