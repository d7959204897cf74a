"""Streams, consumers and the bucket that Liftline needs, made where they are missing.

See docs/architecture.md, section 3. JetStream's API: https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

import structlog

from liftline.adapters.nats.connection import ApiError, Connection
from liftline.errors import UnavailableError, UsageError
from liftline.jobs.naming import Priority, Stage, consumer, consumers_of
from liftline.net.retrying import NATS_CONFLICT, SERVER_START, first_only, retry_async

TASKS, EVENTS, DEAD = "LIFTLINE_TASKS", "LIFTLINE_EVENTS", "LIFTLINE_DEAD"
COORDINATOR = "coordinator"
_WORK, _KEPT = "liftline", "liftline_jobs"
"""KV buckets: what goes with a job's end, and what stays. Listing takes longer the more a bucket holds."""
RECORDS = tuple(f"KV_{bucket}" for bucket in (_WORK, _KEPT))
"""Their streams."""

_DUPLICATES_S, _DAY_S, _DEAD_DAYS = 120.0, 86400.0, 90
_MOST_AT_ONCE = 100_000
_NOT_FOUND, _STREAM_DIFFERS = 404, 10058
_log = structlog.get_logger(__name__)


async def ensure(connection: Connection) -> None:
    """Make or update everything; several processes may do so at once.

    Raises UnavailableError where the server can't, UsageError where something else has these names.
    """
    for stream in _streams(connection):
        await _settle(connection, partial(_ensure_stream, connection, stream))
    for stream_name, config in _consumers(connection):
        request = {"stream_name": stream_name, "config": config}
        subject = f"CONSUMER.DURABLE.CREATE.{stream_name}.{config['durable_name']}"
        await _settle(connection, partial(connection.api, subject, request))


async def wait_until_there(connection: Connection, stages: Iterable[Stage] = Stage, *, events: bool = False) -> None:
    """Wait, however long, until `setup` has made everything.

    Consumers are made last, so asked for are those of `stages`, and with `events` the coordinator's.
    """
    consumers = [(TASKS, name) for name in consumers_of(stages)] + ([(EVENTS, COORDINATOR)] if events else [])
    await retry_async(
        SERVER_START, lambda: _check(connection, consumers), on=(ApiError, UnavailableError),
        failed=first_only(lambda error: _log.info("waiting_for_setup", missing=str(error))),
    )  # fmt: skip


def consumed(stage: Stage, priority: Priority) -> str:
    """The filter subject of the consumer of one stage and priority."""
    return f"liftline.tasks.{stage}.{priority}.>"


def record_stream(key: str) -> str:
    """The stream of the KV bucket that holds a record's key."""
    return f"KV_{_bucket(key)}"


def record_subject(key: str) -> str:
    """The subject of a record's key."""
    return f"$KV.{_bucket(key)}.{key}"


def _bucket(key: str) -> str:
    return _KEPT if key.startswith(("jobs.", "requests.")) else _WORK


def _streams(connection: Connection) -> list[dict[str, Any]]:
    settings = connection.settings
    every = {"storage": "file", "num_replicas": settings.replicas, "duplicate_window": _ns(_DUPLICATES_S)}
    return [
        {"name": TASKS, "subjects": ["liftline.tasks.>"], "retention": "workqueue", **every},
        {
            "name": EVENTS, "subjects": ["liftline.events.>"], "retention": "limits",
            "max_age": _ns(settings.events_days * _DAY_S), **every,
        },
        {
            "name": DEAD, "subjects": ["liftline.dead.>"], "retention": "limits",
            "max_age": _ns(_DEAD_DAYS * _DAY_S), **every,
        },
        *(
            {
                "name": f"KV_{bucket}", "subjects": [f"$KV.{bucket}.>"], "retention": "limits", "discard": "new",
                # One more than there is after each write: see liftline.adapters.nats.records.
                "max_msgs_per_subject": 2, "allow_rollup_hdrs": True,
                # Any replica answers a direct get, an old one too; with one replica there is no other.
                "allow_direct": settings.replicas == 1, **every,
            }
            for bucket in (_WORK, _KEPT)
        ),
    ]  # fmt: skip


def _consumers(connection: Connection) -> list[tuple[str, dict[str, Any]]]:
    every = {
        "deliver_policy": "all", "ack_policy": "explicit", "ack_wait": _ns(connection.settings.ack_wait_s),
        "max_deliver": -1, "max_ack_pending": _MOST_AT_ONCE, "max_waiting": 4096, "replay_policy": "instant",
    }  # fmt: skip
    tasks = [
        {"durable_name": consumer(stage, priority), "filter_subject": consumed(stage, priority), **every}
        for stage, priority in product(Stage, Priority)
    ]
    return [(TASKS, one) for one in tasks] + [(EVENTS, {"durable_name": COORDINATOR, **every})]


async def _ensure_stream(connection: Connection, config: Mapping[str, Any]) -> None:
    name = config["name"]
    try:
        await connection.api(f"STREAM.CREATE.{name}", config)
    except ApiError as error:
        if error.number != _STREAM_DIFFERS:
            raise
        await connection.api(f"STREAM.UPDATE.{name}", config)


async def _settle(connection: Connection, make: Callable[[], Awaitable[object]]) -> None:
    """Retry: another process that makes the same at the same time may get in the way."""
    try:
        await retry_async(NATS_CONFLICT, lambda: connection.retry(make), on=ApiError)
    except ApiError as error:
        raise UsageError(
            f"NATS at {connection.address}: streams or consumers can't be made as they are needed ({error}); "
            "remove those of the same name, or use another NATS account."
        ) from error


async def _check(connection: Connection, consumers: Iterable[tuple[str, str]]) -> None:
    """Raises UnavailableError or ApiError where anything is missing."""
    for stream in RECORDS:
        await connection.api(f"STREAM.INFO.{stream}")
    for stream, name in consumers:
        await connection.api(f"CONSUMER.INFO.{stream}.{name}")


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
