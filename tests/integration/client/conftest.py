"""A gateway of the test's own, and both clients behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from liftline.client import AsyncClient, Client, Connection
from tests.integration.client.fake_gateway import Gateway, running

Use = Callable[..., Any]
"""`use("get", job)`: what that method gives, of an iterator all of it."""


@pytest.fixture
def gateway() -> Iterator[Gateway]:
    """Fresh."""
    with running() as gateway:
        yield gateway


@pytest.fixture
def video(tmp_path: Path) -> Path:
    """Bytes that nobody decodes here."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(range(256)) * 2000)
    return path


@pytest.fixture(params=["sync", "async"])
def use(request: pytest.FixtureRequest, gateway: Gateway) -> Use:
    """Call a method of either client, which connects to `gateway`."""
    return _use_async(gateway) if request.param == "async" else _use_sync(gateway)


def _use_sync(gateway: Gateway) -> Use:
    def use(method: str, *given: Any, connection: Connection | None = None, **named: Any) -> Any:
        with Client(connection or gateway.connection, retry_s=3) as client:
            found = getattr(client, method)(*given, **named)
            return list(found) if isinstance(found, Iterator) else found

    return use


def _use_async(gateway: Gateway) -> Use:
    async def call(method: str, given: Any, connection: Connection | None, named: Any) -> Any:
        async with AsyncClient(connection or gateway.connection, retry_s=3) as client:
            found = getattr(client, method)(*given, **named)
            return [one async for one in found] if hasattr(found, "__aiter__") else await found

    def use(method: str, *given: Any, connection: Connection | None = None, **named: Any) -> Any:
        return asyncio.run(call(method, given, connection, named))

    return use
