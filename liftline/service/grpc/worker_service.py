"""WorkerService: what a worker does, for operators."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import grpc

from liftline.service.api_errors import Violation, invalid_request
from liftline.service.grpc.authentication import require_operator
from liftline.service.grpc.interceptors import Context
from liftline.v1 import worker_service_pb2_grpc
from liftline.v1.worker_service_pb2 import (
    DESCRIPTOR,
    GetStatusRequest,
    WatchStatusRequest,
    WorkerStatus,
)
from liftline.worker.board import WorkerBoard

NAME = DESCRIPTOR.services_by_name["WorkerService"].full_name
_LEAST_INTERVAL_S, _MOST_INTERVAL_S = 0.1, 3600.0


def worker_service(board: WorkerBoard) -> dict[str, Callable[[grpc.aio.Server], None]]:
    """For `running_server`: the service over a board."""
    servicer = _WorkerServicer(board)
    return {NAME: lambda server: worker_service_pb2_grpc.add_WorkerServiceServicer_to_server(servicer, server)}


class _WorkerServicer(worker_service_pb2_grpc.WorkerServiceServicer):
    def __init__(self, board: WorkerBoard) -> None:
        self._board = board

    async def GetStatus(  # noqa: N802 - gRPC's
        self, _: GetStatusRequest, __: Context
    ) -> WorkerStatus:
        require_operator()
        return self._board.snapshot()

    async def WatchStatus(  # noqa: N802 - gRPC's
        self, request: WatchStatusRequest, _: Context
    ) -> AsyncIterator[WorkerStatus]:
        require_operator()
        interval_s = _interval_s(request)
        last: WorkerStatus | None = None
        while True:
            status = self._board.snapshot()
            if status != last:
                yield status
                last = status
            await asyncio.sleep(interval_s)


def _interval_s(request: WatchStatusRequest) -> float:
    if not request.HasField("interval"):
        return 1.0
    interval_s = request.interval.seconds + request.interval.nanos / 1e9
    if not _LEAST_INTERVAL_S <= interval_s <= _MOST_INTERVAL_S:
        possible = f"{_LEAST_INTERVAL_S} s to {_MOST_INTERVAL_S:.0f} s are possible."
        raise invalid_request([Violation("interval", possible)])
    return interval_s
