"""Fixtures every test folder may use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from liftline_cli.up import children
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.s3_server import S3Server
from tests.servers import running_nats, running_s3

SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


def pytest_configure() -> None:
    """Give each process of pytest-xdist ports of its own: those given out aren't listened on for seconds."""
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    children._ports = children.in_random_order(children.LISTENING_PORTS[number::processes])


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real videos and motion capture beside the checkout; skips where it is absent."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"the shared data folder is not beside the checkout ({SHARED_DATA})")
    return SHARED_DATA


@pytest.fixture(autouse=True)
def _logging_as_at_the_start() -> Iterator[None]:
    """The command line configures logging for its process, which here is that of all tests."""
    yield
    structlog.reset_defaults()


@pytest.fixture(scope="session")
def nats_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    """A nats-server that all tests share; one that is to be killed is the test's own (`tests.servers`)."""
    with running_nats(tmp_path_factory.mktemp("nats"), monitored=True) as server:
        yield server


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server that all tests share; each takes a bucket of its own."""
    with running_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server
