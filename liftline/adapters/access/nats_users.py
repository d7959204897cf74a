"""What each user of NATS may publish and hear.

Requests of JetStream are messages too, so this also says who may pull, acknowledge, read and purge what. NATS looks at
subjects alone: docs/adr/0021 lists what it therefore can't keep apart.
Format: https://docs.nats.io/running-a-nats-service/configuration/securing_nats/authorization.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

from liftline.adapters.access.roles import STAGES, Role, ServerVariables
from liftline.adapters.nats.topology import COORDINATOR, DEAD, EVENTS, RECORDS, TASKS, record_stream, record_subject
from liftline.jobs.messages import FAILED, FINISHED
from liftline.jobs.naming import JobKey, Priority, Stage, consumer, worker_subject
from liftline.settings.services import inbox_of

_ANY = JobKey("*", "*")
_RESULTS, _ATTEMPTS = f"{_ANY.results}*", f"{_ANY.attempts}*"
_CONSUMED = [(TASKS, consumer(stage, priority)) for stage, priority in product(Stage, Priority)]


@dataclass(frozen=True)
class Permissions:
    """Subjects that a user may publish to and subscribe to, with `*` and `>` as in NATS; no others."""

    publish: Sequence[str]
    subscribe: Sequence[str]


def permissions(role: Role, *, replicas: int = 1) -> Permissions | None:
    """What the role may do; None for everything. `replicas`: LIFTLINE_NATS_REPLICAS."""
    if role is Role.OPERATOR:
        return None
    inbox = f"{inbox_of(role)}.>"
    if role is Role.SETUP:
        return Permissions([*_making(), inbox], [inbox])
    if role is Role.GATEWAY:
        return Permissions([*_coordinating(), *_reading_all(), inbox], [inbox, _ANY.progress_subject])
    return Permissions([*_working(STAGES[role]), *_reading(replicas), inbox], [inbox, worker_subject("*")])


def users_conf(*, replicas: int = 1) -> str:
    """All users, as a file that nats-server's configuration includes; passwords come from its environment."""
    users = "".join(_user(role, permissions(role, replicas=replicas)) for role in Role)
    return (
        f"# Written by `python -m deploy.access`: liftline/adapters/access.\nauthorization {{ users: [\n{users}] }}\n"
    )


def _user(role: Role, allowed: Permissions | None) -> str:
    who = f"user: {role}, password: ${ServerVariables(role).nats_password}"
    if allowed is None:
        return f"  {{ {who} }}\n"
    publish, subscribe = (
        "".join(f"      {json.dumps(one)}\n" for one in some) for some in (allowed.publish, allowed.subscribe)
    )
    return f"  {{ {who}, permissions: {{\n    publish: [\n{publish}    ]\n    subscribe: [\n{subscribe}    ]\n  }} }}\n"


def _making() -> list[str]:
    streams = [
        f"$JS.API.STREAM.{verb}.{stream}"
        for verb, stream in product(("CREATE", "UPDATE"), (TASKS, EVENTS, DEAD, *RECORDS))
    ]
    consumers = [
        f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{name}" for stream, name in (*_CONSUMED, (EVENTS, COORDINATOR))
    ]
    return streams + consumers


def _coordinating() -> list[str]:
    writes = (_ANY.record, _ANY.active, "requests.*.*", "uploads.*.*", "leases.*")
    return [
        *(f"$JS.API.CONSUMER.INFO.{stream}.{name}" for stream, name in (*_CONSUMED, (EVENTS, COORDINATOR))),
        *_pulling(EVENTS, COORDINATOR),
        "liftline.tasks.>", _ANY.progress_subject,
        *(f"$JS.API.STREAM.{verb}.{TASKS}" for verb in ("INFO", "MSG.GET", "MSG.DELETE")),
        *(record_subject(key) for key in writes),
        *(f"$JS.API.STREAM.PURGE.{stream}" for stream in RECORDS),
    ]  # fmt: skip


def _working(stages: Sequence[Stage]) -> list[str]:
    consumers = [consumer(stage, priority) for stage, priority in product(stages, Priority)]
    return [
        *(f"$JS.API.CONSUMER.INFO.{TASKS}.{name}" for name in consumers),
        *(subject for name in consumers for subject in _pulling(TASKS, name)),
        *(_ANY.event_subject(kind) for kind in (FINISHED, FAILED)),
        _ANY.progress_subject,
        *(f"liftline.dead.{stage}.*.*.*" for stage in stages),
        *(record_subject(key) for key in (_RESULTS, _ATTEMPTS)),
        worker_subject("*"),
    ]  # fmt: skip


def _pulling(stream: str, name: str) -> list[str]:
    """Pull and acknowledge; acknowledgements of a server with a domain have its name and the account's in them."""
    return [
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{name}", f"$JS.ACK.{stream}.{name}.>", f"$JS.ACK.*.*.{stream}.{name}.>",
    ]  # fmt: skip


def _reading_all() -> list[str]:
    """Records, whether any replica may answer or the leader alone."""
    return [
        subject
        for stream in RECORDS
        for subject in (
            f"$JS.API.STREAM.INFO.{stream}", f"$JS.API.STREAM.MSG.GET.{stream}",
            f"$JS.API.DIRECT.GET.{stream}", f"$JS.API.DIRECT.GET.{stream}.>",
        )
    ]  # fmt: skip


def _reading(replicas: int) -> list[str]:
    """Records of jobs and tasks. The leader alone is asked by a request that names the record in its body."""
    read = (_ANY.record, _RESULTS, _ATTEMPTS)
    direct = [f"$JS.API.DIRECT.GET.{record_stream(key)}.{record_subject(key)}" for key in read]
    leaders = [f"$JS.API.STREAM.MSG.GET.{stream}" for stream in RECORDS]
    return [*(f"$JS.API.STREAM.INFO.{stream}" for stream in RECORDS), *(direct if replicas == 1 else leaders)]
