"""Real NATS and S3 servers for tests, each started once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from liftline.adapters.access.roles import Role
from liftline.settings.services import NatsSettings, S3Settings
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import free_ports
from liftline_cli.up.s3_server import S3Server


@contextmanager
def running_nats(
    folder: Path, *, extra: str = "", monitored: bool = False, has_users: bool = False
) -> Iterator[NatsServer]:
    """A nats-server that ends with the context."""
    port, monitoring = free_ports(2)
    server = NatsServer(
        folder, port, extra=extra, monitoring_port=monitoring if monitored else None, has_users=has_users
    )
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def running_s3(folder: Path, *, certificate: Path | None = None) -> Iterator[S3Server]:
    """An S3 server that ends with the context."""
    (port,) = free_ports(1)
    server = S3Server(folder, port, certificate=certificate)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def nats_settings(server: NatsServer, *, ack_wait_s: float = 2.0, role: Role = Role.OPERATOR) -> NatsSettings:
    """To reach it, as this user where it has users; tasks of dead workers go on soon."""
    if not server.has_users:
        return NatsSettings(url=server.url, ack_wait_s=ack_wait_s)
    password = SecretStr(server.password(role))
    return NatsSettings(url=server.url, ack_wait_s=ack_wait_s, user=role, password=password)


def other_s3() -> S3Settings | None:
    """The S3 server that `LIFTLINE_CONTRACT_S3_ENDPOINT`, `_ACCESS_KEY`, `_SECRET_KEY` and so on name, if they do.

    The tests of what Liftline asks of any S3 server (tests/contract/test_store.py) then ask it.
    """
    settings = S3Settings(_env_prefix="LIFTLINE_CONTRACT_S3_")
    return settings if settings.access_key else None


def s3_settings(server: S3Server, *, bucket: str, role: Role = Role.OPERATOR) -> S3Settings:
    """To reach it as this user; an operator in a bucket of the test's own."""
    access_key, secret_key = server.keys(role)
    return S3Settings(
        endpoint=server.endpoint, access_key=access_key, secret_key=SecretStr(secret_key), bucket=bucket
    )  # fmt: skip
