"""Real NATS and S3 servers for tests, each started once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from liftline.settings.services import NatsSettings, S3Settings
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import free_ports
from liftline_cli.up.s3_server import S3Server


@contextmanager
def running_nats(folder: Path, *, extra: str = "", monitored: bool = False) -> Iterator[NatsServer]:
    """A nats-server that ends with the context."""
    port, monitoring = free_ports(2)
    server = NatsServer(folder, port, extra=extra, monitoring_port=monitoring if monitored else None)
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


def nats_settings(server: NatsServer, *, ack_wait_s: float = 2.0) -> NatsSettings:
    """To reach it; tasks of dead workers go on soon."""
    return NatsSettings(url=server.url, ack_wait_s=ack_wait_s)


def other_s3() -> S3Settings | None:
    """The S3 server that `LIFTLINE_CONTRACT_S3_ENDPOINT`, `_ACCESS_KEY`, `_SECRET_KEY` and so on name, if they do.

    The tests of what Liftline asks of any S3 server (tests/contract/test_store.py) then ask it.
    """
    settings = S3Settings(_env_prefix="LIFTLINE_CONTRACT_S3_")
    return settings if settings.access_key else None


def s3_settings(server: S3Server, *, bucket: str) -> S3Settings:
    """To reach it, in a bucket of the test's own."""
    keys = server.keys
    return S3Settings(
        endpoint=server.endpoint, access_key=keys.access_key, secret_key=SecretStr(keys.secret_key), bucket=bucket
    )  # fmt: skip
