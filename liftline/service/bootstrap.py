"""Turns a `Service` into a process: `python -m liftline_detector` and its siblings are this and nothing more.

Everything is wired here: settings from the environment, logs, metrics, traces, the gRPC server, NATS, S3, the worker
loop. `run_process` and `connected_with_retries` are for the gateway too, whose process has more in it.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn, TypeVar

import structlog
from prometheus_client import CollectorRegistry

from liftline import __version__
from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import Connection, opened
from liftline.adapters.nats.records import NatsRecords
from liftline.adapters.s3.store import S3Store
from liftline.errors import Cancelled, ExitCode, LiftlineError, UsageError
from liftline.jobs.naming import Stage
from liftline.net.retrying import SERVER_START, first_only, retry_async
from liftline.pipeline.handler import LoadedService, Service
from liftline.service.grpc.server import running_server
from liftline.service.grpc.worker_service import worker_service
from liftline.settings import environment
from liftline.settings.services import GrpcSettings, NatsSettings, S3Settings, TelemetrySettings, WorkerSettings
from liftline.telemetry.logs import configure_logging
from liftline.telemetry.metrics import WorkerMetrics, serving_metrics
from liftline.telemetry.traces import exporting_traces
from liftline.worker.board import WorkerBoard, worker_name
from liftline.worker.loop import Worker
from liftline.worker.threads import HandlerThreads

T = TypeVar("T")
log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Process:
    """What every service process has.

    Attributes:
        name: of this process, unlike that of any other.
        registry: its metrics.
        stop: set once the process is told to end.
    """

    name: str
    registry: CollectorRegistry
    stop: asyncio.Event


def run_worker(service: Service) -> NoReturn:
    """Work until SIGTERM or SIGINT, then end the process.

    It says SERVING once its models are loaded and NATS is there, NOT_SERVING before and from the signal on.
    """
    run_process(service.name, lambda process: _work(service, process))


def run_process(service: str, serve: Callable[[Process], Awaitable[None]]) -> NoReturn:
    """Run a service with logs, metrics and traces, then end the process: with 0, or its error's line and exit code."""
    name = worker_name(service)
    code = ExitCode.FAILED
    try:
        telemetry = environment.load(TelemetrySettings)
        configure_logging(telemetry, service=service, worker=name)
        with exporting_traces(service=service, worker=name):
            loop = asyncio.new_event_loop()
            loop.run_until_complete(_run(serve, name, telemetry))
        code = ExitCode.DONE
    except Cancelled:
        code = ExitCode.DONE
    except LiftlineError as error:
        sys.stderr.write(f"liftline {service}: {error}\n")
        code = error.exit_code
    except Exception as error:
        log.exception("service_failed", error=str(error))
    finally:
        _end(code)


@asynccontextmanager
async def connected_with_retries(settings: NatsSettings, process: Process) -> AsyncIterator[Connection]:
    """A connection to NATS, however long that takes to be there.

    Raises UsageError where the settings are wrong, Cancelled where the process is told to end meanwhile.
    """
    waiting = first_only(lambda error: log.warning("waiting_for_nats", error=str(error)))
    opening = retry_async(SERVER_START, lambda: opened(settings, name=process.name), failed=waiting)
    connection = await until(process.stop, opening)
    if connection is None:
        raise Cancelled("Told to end before NATS was there.")
    try:
        yield connection
    finally:
        await connection.close()


async def until(stop: asyncio.Event, work: Awaitable[T]) -> T | None:
    """What `work` gives, or None where `stop` is set first; then it is cancelled."""
    working, stopping = asyncio.ensure_future(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait((working, stopping), return_when=asyncio.FIRST_COMPLETED)
        return working.result() if working.done() else None
    finally:
        working.cancel()
        stopping.cancel()


async def _run(serve: Callable[[Process], Awaitable[None]], name: str, telemetry: TelemetrySettings) -> None:
    process = Process(name, CollectorRegistry(), asyncio.Event())
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, process.stop.set)
    with serving_metrics(process.registry, telemetry.metrics_listen):
        await serve(process)


def _end(code: ExitCode) -> NoReturn:
    """Not as Python ends: that waits for threads, and one that loads a model or hangs in a library can't be told."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


async def _work(service: Service, process: Process) -> None:
    nats, settings = environment.load(NatsSettings), environment.load(WorkerSettings)
    grpc, store = environment.load(GrpcSettings), S3Store(environment.load(S3Settings))
    stages = _stages(service, settings)
    board = WorkerBoard(worker=process.name, stages=stages, metrics=WorkerMetrics(process.registry))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(
            running_server(grpc, worker_service(board), registry=process.registry)
        )  # fmt: skip
        log.info("warming_up", version=__version__, port=server.port)
        started = await until(process.stop, _start(service, stages, nats, process, stack))
        if started is None:
            return
        connection, loaded = started
        worker = Worker(
            stages, bus=NatsBus(connection), records=NatsRecords(connection), store=store, board=board,
            settings=settings, ack_wait_s=nats.ack_wait_s,
        )  # fmt: skip
        board.serving(loaded)
        await server.healthy()
        log.info("serving", device=loaded.device, models=[(model.name, model.sha256) for model in loaded.models])
        working = asyncio.create_task(worker.run(loaded))
        await until(process.stop, asyncio.shield(working))
        board.draining()
        await server.leaving()
        log.info("draining")
        worker.drain()
        await working
        log.info("ended")


def _stages(service: Service, settings: WorkerSettings) -> Sequence[Stage]:
    """Those of the service, in its order, that the settings name. Raises UsageError for others."""
    strange = [stage for stage in settings.stages if stage not in service.stages]
    if strange:
        raise UsageError(
            f"LIFTLINE_WORKER_STAGES: the {service.name} doesn't work on {strange[0]}; choose from: "
            f"{', '.join(service.stages)}."
        )
    return service.working_on(settings.stages)


async def _start(
    service: Service, stages: Sequence[Stage], nats: NatsSettings, process: Process, stack: AsyncExitStack
) -> tuple[Connection, LoadedService]:
    """Load the models and find NATS with all that `setup` makes there, both at once."""

    async def connect() -> Connection:
        connection = await stack.enter_async_context(connected_with_retries(nats, process))
        await topology.wait_until_there(connection, stages)
        return connection

    return await asyncio.gather(connect(), HandlerThreads().run(service.load))
