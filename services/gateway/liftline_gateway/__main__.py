"""The gateway as a process: `python -m liftline_gateway`.

`python -m liftline_gateway setup` makes streams, consumers and the bucket, which gateways wait for, and ends.
"""

from __future__ import annotations

if __name__ == "__main__":
    import liftline.service.early_sigterm  # noqa: F401

import asyncio
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import NoReturn

import structlog

from liftline import __version__
from liftline.adapters.nats import topology
from liftline.adapters.nats.bus import NatsBus
from liftline.adapters.nats.connection import Connection
from liftline.adapters.nats.records import NatsRecords
from liftline.adapters.s3.store import S3Store
from liftline.adapters.s3.upload_probe import probe_uploads
from liftline.net.retrying import SERVER_START, retry_async
from liftline.service.bootstrap import Process, connected_with_retries, run_process, until
from liftline.service.grpc.server import GrpcServer, running_server
from liftline.settings import environment
from liftline.settings.machine import load_settings
from liftline.settings.services import GatewaySettings, GrpcSettings, NatsSettings, S3Settings
from liftline.telemetry.metrics import GatewayMetrics
from liftline_gateway.api.grpc.job_service import job_service
from liftline_gateway.api.wiring import Api
from liftline_gateway.coordination.wiring import Coordination
from liftline_gateway.webhooks.sender import WebhookSender

log = structlog.get_logger(__name__)


def main(arguments: Sequence[str]) -> NoReturn:
    """Serve until SIGTERM or SIGINT, or set up; then end the process."""
    if list(arguments) not in ([], ["setup"]):
        sys.stderr.write(f"{__doc__}\n")
        sys.exit(2)
    run_process("gateway", _set_up if arguments else _serve)


async def _set_up(process: Process) -> None:
    nats, s3 = environment.load(NatsSettings), environment.load(S3Settings)
    store = S3Store(s3)
    async with connected_with_retries(nats, process) as connection:
        await until(process.stop, _make_places(connection, store, s3))


async def _make_places(connection: Connection, store: S3Store, s3: S3Settings) -> None:
    """Streams, consumers, records and bucket, once the servers are there.

    Raises UsageError where the bucket can't be had, or uploads to it would do more than upload.
    """

    async def make() -> None:
        await topology.ensure(connection)
        await asyncio.to_thread(store.ensure_bucket)

    await _once_there(make)
    await _check_uploads(s3)


async def _find_places(connection: Connection, s3: S3Settings) -> None:
    """The same where `setup` makes them: a gateway needs no right to. Raises UsageError as `_make_places`."""
    await topology.wait_until_there(connection, events=True)
    await _check_uploads(s3)


async def _check_uploads(s3: S3Settings) -> None:
    await _once_there(lambda: asyncio.to_thread(probe_uploads, s3))


async def _once_there(make: Callable[[], Awaitable[object]]) -> None:
    await retry_async(
        SERVER_START, make, failed=lambda error: log.warning("waiting_for_servers", error=str(error))
    )  # fmt: skip


async def _serve(process: Process) -> None:
    nats, settings = environment.load(NatsSettings), environment.load(GatewaySettings)
    grpc, s3 = environment.load(GrpcSettings), environment.load(S3Settings)
    store = S3Store(s3)
    webhooks, segment_s = WebhookSender(settings), load_settings().segment_s
    async with connected_with_retries(nats, process) as connection:
        bus, records = NatsBus(connection), NatsRecords(connection)
        coordination = Coordination(
            bus, records, store, settings, GatewayMetrics(process.registry),
            send_webhook=webhooks.send, holder=process.name,
        )  # fmt: skip
        api = Api(coordination, bus, store, settings, segment_s=segment_s)
        async with running_server(grpc, job_service(api), registry=process.registry) as server:
            await until(process.stop, _find_places(connection, s3))
            if not process.stop.is_set():
                await _run_jobs(process, coordination, api, server)


async def _run_jobs(process: Process, coordination: Coordination, api: Api, server: GrpcServer) -> None:
    running = asyncio.create_task(coordination.run(process.stop))
    await server.healthy()
    log.info("serving", version=__version__, port=server.port)
    await until(process.stop, asyncio.shield(running))
    await server.leaving()
    await api.watches.close()
    await running
    log.info("ended")


if __name__ == "__main__":
    main(sys.argv[1:])
