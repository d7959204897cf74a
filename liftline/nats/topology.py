"""Streams, consumers and the bucket that Liftline needs, made where they are missing.

See docs/architecture.md, section 3. JetStream's API: https://docs.nats.io/reference/reference-protocols/nats_api_reference
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import product
from typing import Any

import structlog

from liftline.errors import UnavailableError, UsageError
from liftline.naming import Priority, Stage, consumer
from liftline.nats.connection import ApiError, Connection

TASKS, EVENTS, DEAD = "LIFTLINE_TASKS", "LIFTLINE_EVENTS", "LIFTLINE_DEAD"
COORDINATOR = "coordinator"
_WORK, _KEPT = "liftline", "liftline_jobs"
"""KV buckets: what goes with a job's end, and what stays. Listing takes longer the more a bucket holds."""


_DUPLICATES_S, _DAY_S, _DEAD_DAYS = 120.0, 86400.0, 90
_MOST_AT_ONCE = 100_000
_LOOK_AGAIN_S, _TRIES = 1.0, 5
_NOT_FOUND, _STREAM_DIFFERS = 404, 10058
_log = structlog.get_logger(__name__)


async def ensure(connection: Connection) -> None:
    """Make or update everything; several processes may do so at once.

    Raises UnavailableError where the server can't, UsageError where something else has these names.
    """
    for stream in _streams(connection):
        await _settle(connection, lambda stream=stream: _ensure_stream(connection, stream))
    for stream_name, config in _consumers(connection):
        request = {"stream_name": stream_name, "config": config}
        subject = f"CONSUMER.DURABLE.CREATE.{stream_name}.{config['durable_name']}"
        await _settle(connection, lambda subject=subject, request=request: connection.api(subject, request))


async def wait_until_there(connection: Connection) -> None:
    """Wait, however long, until the gateway has made everything."""
    told = False
    while (missing := await _missing(connection)) is not None:
        if not told:
            _log.info("waiting_for_gateway", missing=missing)
            told = True
        await asyncio.sleep(_LOOK_AGAIN_S)


def consumed(stage: Stage, priority: Priority) -> str:
    """Which subjects the consumer of one stage and priority has."""
    return f"liftline.tasks.{stage}.{priority}.>"


def bucket_of(key: str) -> str:
    """The KV bucket of a record."""
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
                # One more than there is after each write: see liftline.nats.records.
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


async def _settle(connection: Connection, make: Any) -> None:
    """Whoever makes the same at the same time may get in the way: try again."""
    for left in reversed(range(_TRIES)):
        try:
            await connection.patiently(make)
            return
        except ApiError as error:
            if not left:
                raise UsageError(
                    f"NATS at {connection.address}: streams or consumers can't be made as they are needed ({error}); "
                    "remove those of the same name, or use another NATS account."
                ) from error
        await asyncio.sleep(0.1)


async def _missing(connection: Connection) -> str | None:
    try:
        for stream in _streams(connection):
            await connection.api(f"STREAM.INFO.{stream['name']}")
        there = await connection.api(f"CONSUMER.NAMES.{TASKS}")
        for stage, priority in product(Stage, Priority):
            if consumer(stage, priority) not in there["consumers"]:
                return consumer(stage, priority)
        await connection.api(f"CONSUMER.INFO.{EVENTS}.{COORDINATOR}")
    except (ApiError, UnavailableError) as error:
        return str(error)
    return None


def _ns(seconds: float) -> int:
    return round(seconds * 1e9)
