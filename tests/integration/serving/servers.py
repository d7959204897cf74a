"""gRPC servers of a worker that has nothing to do, and channels to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from liftline.jobs.naming import Stage
from liftline.service.grpc.server import GrpcServer, running_server
from liftline.service.grpc.worker_service import worker_service
from liftline.settings.services import GrpcSettings
from liftline.telemetry.metrics import WorkerMetrics
from liftline.worker.board import WorkerBoard

Result = TypeVar("Result")


@dataclass(frozen=True)
class Serving:
    """A server over a board nobody works for."""

    server: GrpcServer
    board: WorkerBoard
    registry: CollectorRegistry

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"


@asynccontextmanager
async def serving(settings: GrpcSettings | None = None) -> AsyncIterator[Serving]:
    """Serve WorkerService on a free port."""
    registry = CollectorRegistry()
    board = WorkerBoard(worker="detector-1", stages=[Stage.PLAN, Stage.DETECT], metrics=WorkerMetrics(registry))
    settings = settings or GrpcSettings(listen="127.0.0.1:0")
    async with running_server(settings, worker_service(board), registry=registry) as server:
        yield Serving(server, board, registry)


async def with_server(
    use: Callable[[Serving], Awaitable[Result]], settings: GrpcSettings | None = None
) -> Result:  # fmt: skip
    """What `use` gives with a server, which it must be done with in half a minute."""
    async with asyncio.timeout(30), serving(settings) as served:
        return await use(served)


def own_connection(served: Serving) -> grpc.aio.Channel:
    """A channel that shares its connection with no other."""
    return grpc.aio.insecure_channel(served.address, options=[("grpc.use_local_subchannel_pool", 1)])


def bearer(token: str) -> grpc.aio.Metadata:
    return grpc.aio.Metadata(("authorization", f"Bearer {token}"))


async def refusal(call: Awaitable[object]) -> tuple[grpc.StatusCode, str]:
    """Code and reason of a call that is refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert info.domain == "liftline"
    return caught.value.code(), info.reason
