"""TLS, credentials and permissions of a real nats-server."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client
from pydantic import SecretStr, ValidationError

from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import connected
from liftline.adapters.nats.records import NatsRecords
from liftline.errors import LimitExceededError, UnavailableError, UsageError
from liftline.settings.services import NatsSettings
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import free_ports
from tests.certificates import Authority
from tests.servers import running_nats

PASSWORD = "correct horse"
USERS = f"""
authorization {{ users: [
  {{ user: liftline, password: "{PASSWORD}" }}
  {{ user: acme, password: "a", permissions: {{
      publish: [
        "$JS.API.CONSUMER.CREATE.LIFTLINE_EVENTS.acme.liftline.events.acme.>"
        "$JS.API.CONSUMER.MSG.NEXT.LIFTLINE_EVENTS.acme"
        "$JS.ACK.LIFTLINE_EVENTS.acme.>"
      ]
      subscribe: ["liftline.events.acme.>", "_INBOX_acme.>"]
  }} }}
] }}
"""


def settings(server: NatsServer, **others: object) -> NatsSettings:
    return NatsSettings.model_validate(
        {"url": server.url, "user": "liftline", "password": SecretStr(PASSWORD)} | others
    )  # fmt: skip


async def say_something(with_settings: NatsSettings) -> None:
    async with connected(with_settings, name="test") as connection:
        await topology.ensure(connection)
        bus, records = NatsBus(connection), NatsRecords(connection)
        await bus.publish("liftline.tasks.plan.high.t.j.0", b"x", message_id="1")
        assert await bus.pull(["plan-high"], wait_s=2) is not None
        assert await records.create("jobs.t.j", b"x") is not None


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def protected(authority: Authority, tmp_path: Path) -> Iterator[NatsServer]:
    """Mutual TLS and users."""
    own = authority.issue("server")
    tls = f'tls {{ cert_file: "{own.certificate}", key_file: "{own.key}", ca_file: "{authority.file}", verify: true }}'
    with running_nats(tmp_path / "nats", extra=tls + USERS) as server:
        yield server


@pytest.fixture
def with_users(tmp_path: Path) -> Iterator[NatsServer]:
    with running_nats(tmp_path / "nats", extra=USERS) as server:
        yield server


def over_tls(server: NatsServer, authority: Authority) -> dict[str, object]:
    client = authority.issue("client")
    return {
        "url": server.url.replace("nats://", "tls://"),
        "ca_file": authority.file,
        "cert_file": client.certificate,
        "key_file": client.key,
    }


async def test_bus_and_records_work_over_mutual_tls_with_a_password(
    protected: NatsServer, authority: Authority
) -> None:
    await say_something(settings(protected, **over_tls(protected, authority)))


async def test_a_connection_over_tls_survives_a_restart(protected: NatsServer, authority: Authority) -> None:
    async with connected(settings(protected, **over_tls(protected, authority)), name="test") as connection:
        await topology.ensure(connection)
        await asyncio.to_thread(protected.kill)
        await asyncio.to_thread(protected.start)
        assert await NatsRecords(connection).create("jobs.t.j", b"x") is not None


async def test_a_server_of_another_authority_is_refused(
    protected: NatsServer, authority: Authority, tmp_path: Path
) -> None:
    way = over_tls(protected, authority) | {"ca_file": Authority(tmp_path, "other").file}
    with pytest.raises(UsageError, match="LIFTLINE_NATS_CA_FILE"):
        await say_something(settings(protected, **way))


async def test_a_client_without_a_certificate_is_refused(protected: NatsServer, authority: Authority) -> None:
    way = over_tls(protected, authority) | {"cert_file": None, "key_file": None}
    with pytest.raises((UsageError, UnavailableError), match=f"NATS at 127.0.0.1:{protected.port}"):
        await say_something(settings(protected, **way))


async def test_tls_never_falls_back_to_plaintext(with_users: NatsServer, authority: Authority) -> None:
    way = {"url": with_users.url.replace("nats://", "tls://"), "ca_file": authority.file}
    with pytest.raises(UsageError, match="offers no TLS"):
        await say_something(settings(with_users, **way))


async def test_a_wrong_password_is_told_with_what_to_check(with_users: NatsServer) -> None:
    with pytest.raises(UsageError, match=r"refuses these credentials.*LIFTLINE_NATS_PASSWORD") as caught:
        await say_something(settings(with_users, password=SecretStr("wrong-password")))
    assert "wrong-password" not in str(caught.value)


async def test_no_password_is_told_with_what_to_check(with_users: NatsServer) -> None:
    with pytest.raises(UsageError, match="refuses these credentials"):
        await say_something(NatsSettings(url=with_users.url))


async def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    with pytest.raises(UnavailableError, match=f"NATS at 127.0.0.1:{port} can't be used"):
        await say_something(NatsSettings(url=f"nats://127.0.0.1:{port}"))


async def test_a_server_that_says_nothing_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        with pytest.raises(UnavailableError, match=f"NATS at 127.0.0.1:{port} can't be used"):
            await say_something(NatsSettings(url=f"nats://127.0.0.1:{port}"))


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"url": "nats://nats.example:4222"}, "use tls://"),
        ({"url": "nats://10.0.0.7:4222"}, "use tls://"),
        ({"url": "nats://127.0.0.1:4222,nats://10.0.0.7:4222"}, "use tls://"),
        ({"url": "http://127.0.0.1:4222"}, "give addresses as"),
        ({"url": "ws://127.0.0.1:4222"}, "give addresses as"),
        ({"url": ""}, "LIFTLINE_NATS_URL"),
        ({"url": "nats://127.0.0.1:port"}, "LIFTLINE_NATS_URL"),
        ({"url": "nats://user:secret@10.0.0.7:4222"}, "use tls://"),
        ({"creds_file": "/nowhere/nats.creds"}, "LIFTLINE_NATS_CREDS_FILE"),
        ({"url": "tls://127.0.0.1:4222", "ca_file": "/nowhere/ca.pem"}, "/nowhere/ca.pem"),
    ],
)
async def test_settings_that_are_unsafe_or_unusable_are_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(UsageError, match=told) as caught:
        await say_something(NatsSettings.model_validate(changes))
    assert "secret" not in str(caught.value)


async def test_what_the_user_may_not_do_is_told(with_users: NatsServer) -> None:
    await say_something(settings(with_users))
    as_acme = settings(with_users, user="acme", password=SecretStr("a"))
    async with connected(as_acme, name="test") as connection:
        with pytest.raises(UnavailableError, match=r"(?i)permissions violation"):
            await NatsBus(connection).publish("liftline.tasks.plan.high.t.j.1", b"x", message_id="2")


async def test_answers_come_to_subjects_of_the_users_own_or_to_those_of_the_setting(with_users: NatsServer) -> None:
    for changes, prefix in (({}, "_INBOX_liftline."), ({"inbox": "answers.here"}, "answers.here.")):
        async with connected(settings(with_users, **changes), name="test") as connection:
            assert connection.identity.startswith(prefix)
            assert connection.client.new_inbox().startswith(prefix)
            await topology.ensure(connection)
    assert NatsSettings(user="one > two.*").inbox_prefix == "_INBOX_one___two__"
    assert NatsSettings().inbox_prefix == "_INBOX"


@pytest.mark.parametrize("inbox", ["", "a b", "a.>", "a.*", ".a", "a..b"])
def test_an_inbox_that_is_no_subject_is_refused(inbox: str) -> None:
    with pytest.raises(ValidationError, match="inbox"):
        NatsSettings(inbox=inbox)


async def test_a_message_that_is_too_large_is_told(with_users: NatsServer) -> None:
    async with connected(settings(with_users), name="test") as connection:
        await topology.ensure(connection)
        with pytest.raises(LimitExceededError, match="1048576"):
            await NatsRecords(connection).create("jobs.t.j", b"x" * (1 << 20) + b"x")


async def test_a_message_that_is_too_large_with_its_headers_ends_no_connection(with_users: NatsServer) -> None:
    async with connected(settings(with_users), name="test") as connection:
        await topology.ensure(connection)
        lost: list[None] = []
        connection.when_lost(lambda: lost.append(None))
        records, refused = NatsRecords(connection), 0
        for size in range((1 << 20) - 300, (1 << 20) + 1, 20):
            try:
                await records.create(f"jobs.t.{size}", bytes(size))
            except LimitExceededError:
                refused += 1
        assert 1 < refused < 15
        assert not lost


async def events_of(client: Client, tenant: str, name: str, *, wait_s: float) -> list[bytes]:
    """Stored events of a tenant, by a consumer of the reader's own."""
    create = f"$JS.API.CONSUMER.CREATE.LIFTLINE_EVENTS.{name}.liftline.events.{tenant}.>"
    config = {"name": name, "filter_subject": f"liftline.events.{tenant}.>", "ack_policy": "explicit"}
    request = {"stream_name": "LIFTLINE_EVENTS", "config": config}
    await client.request(create, json.dumps(request).encode(), timeout=wait_s)
    inbox = client.new_inbox()
    subscription = await client.subscribe(inbox)
    wanted = {"batch": 10, "no_wait": True}
    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.LIFTLINE_EVENTS.{name}", json.dumps(wanted).encode(), inbox)
    found = []
    while (message := await subscription.next_msg(timeout=10)).reply:
        found.append(message.data)
    return found


async def test_a_tenant_reads_its_own_events_and_no_others(with_users: NatsServer) -> None:
    """The permissions of `USERS`: live events by subject, stored ones by a consumer whose filter is in its name."""

    async def quiet(error: Exception) -> None:
        refusals.append(str(error))

    refusals: list[str] = []

    async def scenario() -> None:
        async with connected(settings(with_users), name="test") as connection:
            await topology.ensure(connection)
            bus = NatsBus(connection)
            client = await nats.connect(
                with_users.url, user="acme", password="a", inbox_prefix="_INBOX_acme", error_cb=quiet
            )  # fmt: skip
            own = await client.subscribe("liftline.events.acme.>")
            everyone = await client.subscribe("liftline.events.>")
            other = await client.subscribe("liftline.events.other.>")
            foreign_inbox = await client.subscribe("_INBOX.>")
            await asyncio.sleep(0.3)  # nats-py's `flush` doesn't wait for subscriptions
            await bus.publish("liftline.events.acme.j.finished", b"acme's", message_id="1")
            await bus.publish("liftline.events.other.j.finished", b"other's", message_id="2")
            assert (await own.next_msg(timeout=10)).data == b"acme's"
            for refused in (everyone, other, foreign_inbox):
                with pytest.raises(nats.errors.TimeoutError):
                    await refused.next_msg(timeout=0.3)
            assert await events_of(client, "acme", "acme", wait_s=10) == [b"acme's"]
            for name in ("acme", "other"):
                with pytest.raises(nats.errors.TimeoutError):
                    await events_of(client, "other", name, wait_s=0.5)
            for call in ("STREAM.MSG.GET.LIFTLINE_EVENTS", "STREAM.PURGE.LIFTLINE_EVENTS", "STREAM.INFO.KV_liftline"):
                with pytest.raises(nats.errors.TimeoutError):
                    await client.request(f"$JS.API.{call}", b'{"seq": 2}', timeout=0.3)
            await client.close()

    await scenario()
    assert len([one for one in refusals if "permissions violation" in one.lower()]) == 8


async def test_a_filter_that_is_not_the_one_in_the_subject_is_refused(with_users: NatsServer) -> None:
    """Else a tenant could ask, on a subject it may use, for a consumer of everyone's events."""

    async with connected(settings(with_users), name="test") as connection:
        await topology.ensure(connection)
        await NatsBus(connection).publish("liftline.events.other.j.finished", b"other's", message_id="2")
        client = await nats.connect(with_users.url, user="acme", password="a", inbox_prefix="_INBOX_acme")
        create = "$JS.API.CONSUMER.CREATE.LIFTLINE_EVENTS.acme.liftline.events.acme.>"
        for wanted in ({"filter_subject": "liftline.events.other.>"}, {}):
            config = {"name": "acme", "ack_policy": "explicit", **wanted}
            request = {"stream_name": "LIFTLINE_EVENTS", "config": config}
            answer = json.loads((await client.request(create, json.dumps(request).encode(), timeout=10)).data)
            assert "error" in answer
        await client.close()
