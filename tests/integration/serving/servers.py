"""gRPC servers and channels to them, with certificates and keys made for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from prometheus_client import CollectorRegistry

from liftline.naming import Stage
from liftline.service_settings import GrpcSettings
from liftline.serving.server import GrpcServer, running_server
from liftline.serving.status import WorkerBoard
from liftline.serving.worker_service import worker_service
from liftline.telemetry.metrics import WorkerMetrics


@dataclass(frozen=True)
class Serving:
    """A worker's server over a board nobody works for."""

    server: GrpcServer
    board: WorkerBoard
    registry: CollectorRegistry

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server.port}"


def new_board() -> tuple[WorkerBoard, CollectorRegistry]:
    registry = CollectorRegistry()
    board = WorkerBoard(worker="detector-1", stages=[Stage.PLAN, Stage.DETECT], metrics=WorkerMetrics(registry))
    return board, registry


@asynccontextmanager
async def serving(settings: GrpcSettings | None = None) -> AsyncIterator[Serving]:
    """Serve WorkerService on a free port."""
    board, registry = new_board()
    settings = settings or GrpcSettings(listen="127.0.0.1:0")
    async with running_server(settings, worker_service(board), registry=registry) as server:
        yield Serving(server, board, registry)


def bearer(token: str) -> grpc.aio.Metadata:
    return grpc.aio.Metadata(("authorization", f"Bearer {token}"))
