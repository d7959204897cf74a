"""What each user of NATS is refused, by a real nats-server with the users of `liftline.adapters.access`."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import pytest
from structlog.testing import capture_logs

from liftline.adapters.access.nats_users import permissions
from liftline.adapters.access.roles import STAGES, Role
from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import Connection, connected
from liftline.adapters.nats.records import NatsRecords
from liftline.errors import UnavailableError
from liftline.jobs.naming import JobKey, Priority, Stage, TaskKey, consumer, worker_subject
from liftline.net.retrying import NATS_REQUEST
from liftline_cli.up._nats_server import NatsServer
from tests.servers import nats_settings, running_nats

JOB = JobKey("acme", "j1")
WORKERS = tuple(STAGES)
SERVICES = (Role.GATEWAY, *WORKERS)


@pytest.fixture(scope="module")
def nats(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with running_nats(tmp_path_factory.mktemp("nats"), has_users=True) as server:
        asyncio.run(_filled(server))
        yield server


async def _filled(server: NatsServer) -> None:
    async with connected(nats_settings(server, role=Role.SETUP), name="setup") as connection:
        await topology.ensure(connection)
    async with connected(nats_settings(server), name="operator") as connection:
        records = NatsRecords(connection)
        for key in (JOB.record, JOB.active, TaskKey(JOB, Stage.PLAN).result, "requests.acme.r", "uploads.acme.u"):
            await records.create(key, b"x")


def kv(key: str) -> str:
    return topology.record_subject(key)


def read(key: str) -> str:
    return f"$JS.API.DIRECT.GET.{topology.record_stream(key)}.{kv(key)}"


_STREAMS = (topology.TASKS, topology.EVENTS, topology.DEAD, *topology.RECORDS)
_CONSUMERS = [consumer(stage, Priority.HIGH) for stage in Stage]
_MANAGING = [
    *(f"$JS.API.STREAM.{verb}.{stream}" for verb in ("CREATE", "UPDATE", "DELETE", "SNAPSHOT") for stream in _STREAMS),
    "$JS.API.STREAM.CREATE.OTHERS", f"$JS.API.STREAM.PURGE.{topology.TASKS}", f"$JS.API.STREAM.PURGE.{topology.EVENTS}",
    f"$JS.API.CONSUMER.CREATE.{topology.TASKS}.mine", f"$JS.API.CONSUMER.DURABLE.CREATE.{topology.TASKS}.mine",
    f"$JS.API.CONSUMER.DELETE.{topology.TASKS}.plan-high", f"$JS.API.CONSUMER.PAUSE.{topology.TASKS}.plan-high",
    "$JS.API.STREAM.NAMES", "$JS.API.INFO", "$SYS.REQ.SERVER.PING",
]  # fmt: skip
_MINDING = [
    *(f"$JS.API.STREAM.PURGE.{stream}" for stream in topology.RECORDS),
    *(f"$JS.API.STREAM.MSG.{verb}.{stream}" for verb in ("GET", "DELETE") for stream in _STREAMS),
    f"$JS.API.STREAM.INFO.{topology.TASKS}", f"$JS.API.STREAM.INFO.{topology.EVENTS}",
    f"$JS.API.CONSUMER.MSG.NEXT.{topology.EVENTS}.{topology.COORDINATOR}",
    f"$JS.ACK.{topology.EVENTS}.{topology.COORDINATOR}.1.1.1.1.1",
    *(f"liftline.tasks.{stage}.high.acme.j1.0" for stage in Stage),
    *map(kv, (JOB.record, JOB.active, "requests.acme.r", "uploads.acme.u", "leases.reconciler")),
    *map(read, (JOB.active, "requests.acme.r", "uploads.acme.u", "leases.reconciler")),
]  # fmt: skip


def of_others(role: Role) -> list[str]:
    """What workers on other stages do."""
    stages = [stage for stage in Stage if stage not in STAGES[role]]
    consumers = [consumer(stage, priority) for stage in stages for priority in Priority]
    return [
        *(f"$JS.API.CONSUMER.MSG.NEXT.{topology.TASKS}.{name}" for name in consumers),
        *(f"$JS.ACK.{topology.TASKS}.{name}.1.1.1.1.1" for name in consumers),
        *(TaskKey(JOB, stage).dead_subject for stage in stages),
        *(f"_INBOX_{other}.x" for other in Role if other is not role),
    ]


_GATEWAY_ISNT = [
    *(f"$JS.API.CONSUMER.MSG.NEXT.{topology.TASKS}.{name}" for name in _CONSUMERS),
    *(f"$JS.API.STREAM.MSG.DELETE.{stream}" for stream in (topology.EVENTS, topology.DEAD, *topology.RECORDS)),
    *map(kv, (TaskKey(JOB, Stage.PLAN).result, TaskKey(JOB, Stage.PLAN).attempts)),
    JOB.event_subject("finished"), TaskKey(JOB, Stage.PLAN).dead_subject, worker_subject("w"), "_INBOX_detector.x",
]  # fmt: skip
REFUSED: Mapping[Role, Sequence[str]] = {
    Role.SETUP: [
        *_MINDING, *(f"$JS.API.STREAM.{verb}.{stream}" for verb in ("DELETE", "PURGE") for stream in _STREAMS),
        read(JOB.record), JOB.event_subject("finished"), "_INBOX_gateway.x",
    ],
    Role.GATEWAY: [*_MANAGING, *_GATEWAY_ISNT],
    **{role: [*_MANAGING, *_MINDING, *of_others(role)] for role in WORKERS},
}  # fmt: skip
HEARD = ("liftline.>", "liftline.tasks.>", "liftline.events.>", "$KV.>", "$JS.>", "_INBOX.>", "_INBOX_operator.>", ">")


@dataclass
class User:
    """A connection of a role, and what the server said it may not do."""

    connection: Connection
    refusals: list[str] = field(default_factory=list)

    async def is_refused(self, subject: str) -> bool:
        """Whether a message there is, by the server's word."""
        before = len(self.refusals)
        await self.connection.client.publish(subject, b"{}")
        await self.connection._confirm()
        return len(self.refusals) > before and subject.lower() in self.refusals[-1].lower()

    async def cannot_hear(self, subject: str) -> bool:
        """Likewise of a subscription."""
        before = len(self.refusals)
        await self.connection.subscribe(subject, lambda _: None)
        await self.connection._confirm()
        return len(self.refusals) > before and subject.lower() in self.refusals[-1].lower()


async def using(server: NatsServer, role: Role, use: Callable[[User], object]) -> None:
    async with connected(nats_settings(server, role=role), name=role) as connection:
        user = User(connection)
        told = connection.client._error_cb

        async def hear(error: Exception) -> None:
            user.refusals.append(str(error))
            await told(error)

        connection.client._error_cb = hear
        await use(user)  # type: ignore[misc]


@pytest.mark.parametrize("role", REFUSED)
async def test_what_others_do_on_nats_is_refused(nats: NatsServer, role: Role) -> None:
    async def ask(user: User) -> None:
        allowed = [subject for subject in REFUSED[role] if not await user.is_refused(subject)]
        assert allowed == []
        assert len(REFUSED[role]) > 40

    await using(nats, role, ask)


@pytest.mark.parametrize("role", REFUSED)
async def test_nobody_hears_what_is_for_others(nats: NatsServer, role: Role) -> None:
    theirs = [f"_INBOX_{other}.>" for other in Role if other is not role]
    own = permissions(role)
    assert own is not None

    async def ask(user: User) -> None:
        assert [subject for subject in (*HEARD, *theirs) if not await user.cannot_hear(subject)] == []
        assert [subject for subject in own.subscribe if await user.cannot_hear(subject)] == []

    await using(nats, role, ask)


@pytest.mark.parametrize("role", SERVICES)
async def test_a_refusal_names_user_and_subject_and_nothing_hangs(nats: NatsServer, role: Role) -> None:
    async with connected(nats_settings(nats, role=role), name=role) as connection:
        with capture_logs() as logs, pytest.raises(UnavailableError) as refused:
            async with asyncio.timeout(3 * NATS_REQUEST.timeout_s):
                await NatsBus(connection).publish("liftline.dead.other", b"", message_id="1")
    said = str(refused.value).lower()
    assert f'refused the user {role}: permissions violation for publish to "liftline.dead.other"' in said
    assert {(log["event"], log["user"]) for log in logs if log["log_level"] == "error"} == {("nats_refuses", role)}


@pytest.mark.parametrize("role", SERVICES)
async def test_what_is_there_already_is_not_made_by_services(nats: NatsServer, role: Role) -> None:
    async with connected(nats_settings(nats, role=role), name=role) as connection:
        await asyncio.wait_for(topology.wait_until_there(connection, STAGES.get(role, tuple(Stage))), 10)
        with pytest.raises(UnavailableError, match="ermissions"):
            await topology.ensure(connection)


async def test_what_nats_cannot_keep_apart_is_what_the_documents_say(nats: NatsServer) -> None:
    """Should one of these be refused some day, docs/adr/0021 and docs/operations.md say too little of what is held."""

    async def ask(user: User) -> None:
        other = TaskKey(JobKey("other", "j2"), Stage.MUX)
        assert not await user.is_refused(kv(other.result)), "any task's results"
        assert not await user.is_refused(JobKey("other", "j2").event_subject("failed")), "any job's events"
        assert not await user.is_refused(worker_subject("renderer-1")), "questions to any worker"
        client = user.connection.client
        info = await client.request("$JS.API.STREAM.INFO.KV_liftline_jobs", b'{"subjects_filter": ">"}')
        assert kv("requests.acme.r") in json.loads(info.data)["state"]["subjects"], "names of all records"
        # The server sends answers wherever a request says, with its own rights: into a record that isn't the user's.
        smuggled = kv("jobs.acme.smuggled")
        await client.publish(read(TaskKey(JOB, Stage.PLAN).result), b"", smuggled)
        await user.connection._confirm()
        assert (await client.request(read("jobs.acme.smuggled"))).data == b"x", "bytes of its own"
        await client.publish("$JS.API.STREAM.INFO.KV_liftline", b"", "$JS.API.STREAM.DELETE.LIFTLINE_DEAD")
        await user.connection._confirm()

    await using(nats, Role.DETECTOR, ask)
    async with connected(nats_settings(nats), name="operator") as connection:
        await connection.api("STREAM.INFO.LIFTLINE_DEAD")
        await NatsRecords(connection).delete("jobs.acme.smuggled")


async def test_workers_of_a_kind_answer_each_other(nats: NatsServer) -> None:
    asker, answerer = nats_settings(nats, role=Role.LIFTER), nats_settings(nats, role=Role.LIFTER)

    async def answer(question: bytes) -> bytes:
        return question + b"!"

    async with (
        connected(asker, name="a") as one,
        connected(answerer, name="b") as two,
        NatsBus(two).answering(worker_subject("lifter-2"), answer),
    ):
        assert await NatsBus(one).ask(worker_subject("lifter-2"), b"yes", wait_s=5) == b"yes!"
