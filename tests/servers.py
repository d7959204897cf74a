"""Real NATS and S3 servers for tests, each started once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from liftline.settings.services import NatsSettings, S3Settings
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.ceph import ACCESS_KEY, SECRET_KEY, CephServer
from liftline_cli.up.children import free_ports


@contextmanager
def running_nats(folder: Path, *, extra: str = "") -> Iterator[NatsServer]:
    """A nats-server that ends with the context."""
    port, monitoring = free_ports(2)
    server = NatsServer(folder, port, monitoring, extra=extra)
    server.start()
    try:
        yield server
    finally:
        server.kill()


@contextmanager
def running_s3(folder: Path, *, certificate: Path | None = None) -> Iterator[CephServer]:
    """An S3 server in memory that ends with the context."""
    monitor, port = free_ports(2)
    server = CephServer(folder, monitor, port, in_memory=True, certificate=certificate)
    server.start()
    try:
        yield server
    finally:
        server.kill()


def nats_settings(server: NatsServer, *, ack_wait_s: float = 2.0) -> NatsSettings:
    """To reach it; tasks of dead workers go on soon."""
    return NatsSettings(url=server.url, ack_wait_s=ack_wait_s)


def s3_settings(server: CephServer, *, bucket: str) -> S3Settings:
    """To reach it, in a bucket of the test's own."""
    return S3Settings(endpoint=server.endpoint, access_key=ACCESS_KEY, secret_key=SecretStr(SECRET_KEY), bucket=bucket)
