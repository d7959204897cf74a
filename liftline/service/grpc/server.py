"""A gRPC server as all services have it: TLS, tokens, health, reflection, limits, errors told in one way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection
from prometheus_client import CollectorRegistry

from liftline.errors import UsageError
from liftline.net.addresses import is_loopback, split_address
from liftline.service.grpc._certificates import server_credentials
from liftline.service.grpc.authentication import Authenticating
from liftline.service.grpc.cutting_off import CuttingOff
from liftline.service.grpc.interceptors import Counting, Tracing, TranslatingErrors
from liftline.service.tokens import TokenChecker
from liftline.settings.services import GrpcSettings
from liftline.telemetry.metrics import RequestMetrics

Services = Mapping[str, Callable[[grpc.aio.Server], None]]
"""By full name (`liftline.v1.JobService`): what adds the service to a server."""

_LISTEN, _HEALTH_LISTEN = "LIFTLINE_GRPC_LISTEN", "LIFTLINE_GRPC_HEALTH_LISTEN"
_REQUESTS_AT_ONCE, _PROBES_AT_ONCE = 4096, 64
_STOP_WITHIN_S = 1.0
STREAMS_OF_CONNECTION = 256
"""Requests at a time over one connection; a client that wants more opens another."""
_LARGEST_REQUEST = 16 << 10
_OPTIONS: Sequence[tuple[str, int]] = (
    # The largest that can be meant is a CreateJob of 4 KB. As much is taken in before the token is looked at.
    ("grpc.max_receive_message_length", _LARGEST_REQUEST),
    ("grpc.http2.lookahead_bytes", _LARGEST_REQUEST),
    ("grpc.http2.bdp_probe", 0),
    ("grpc.max_concurrent_streams", STREAMS_OF_CONNECTION),
    ("grpc.max_connection_idle_ms", 120_000),
    ("grpc.server_handshake_timeout_ms", 10_000),
    ("grpc.max_send_message_length", 64 << 20),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 20_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Two servers on one port would share its requests without anyone noticing.
    ("grpc.so_reuseport", 0),
)


class GrpcServer:
    """A server that answers; what it says of its health is told here."""

    def __init__(
        self, server: grpc.aio.Server, health_service: health.aio.HealthServicer, names: Sequence[str], port: int
    ) -> None:
        """See `running_server`."""
        self.port = port
        self._server, self._health, self._names = server, health_service, names

    async def healthy(self) -> None:
        """From now on it says SERVING."""
        for name in self._names:
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def leaving(self) -> None:
        """From now on, for good, it says NOT_SERVING; requests are still answered."""
        await self._health.enter_graceful_shutdown()


@asynccontextmanager
async def running_server(
    settings: GrpcSettings, services: Services, *, registry: CollectorRegistry
) -> AsyncIterator[GrpcServer]:
    """Serve while the context lasts, NOT_SERVING until `healthy`; what isn't answered a second after it is cut off.

    Raises UsageError for settings that are wrong or that would let in anyone from elsewhere.
    """
    checker = _checker(settings)
    cutting_off = CuttingOff(most=settings.max_refusals)
    interceptors = [
        cutting_off, Counting(RequestMetrics(registry)), Tracing(), TranslatingErrors(), Authenticating(checker),
    ]  # fmt: skip
    server = grpc.aio.server(
        interceptors=interceptors,
        options=(*_OPTIONS, ("grpc.max_allowed_incoming_connections", settings.max_connections)),
        maximum_concurrent_rpcs=_REQUESTS_AT_ONCE,
    )
    names = ("", *services)
    health_service = health.aio.HealthServicer()
    for name in names:
        await health_service.set(name, health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    for add in services.values():
        add(server)
    reflection.enable_server_reflection((*services, health.SERVICE_NAME, reflection.SERVICE_NAME), server)
    cutting_off.port = _listen(server, settings)
    running = GrpcServer(server, health_service, names, cutting_off.port)
    await server.start()
    try:
        async with _answering_probes(settings.health_listen, health_service):
            yield running
    finally:
        await running.leaving()
        await server.stop(_STOP_WITHIN_S)


@asynccontextmanager
async def _answering_probes(listen: str | None, health_service: health.aio.HealthServicer) -> AsyncIterator[None]:
    """Health on a port of its own, in plaintext: Kubernetes' gRPC probes know no TLS (ADR 0013)."""
    if listen is None:
        yield
        return
    split_address(_HEALTH_LISTEN, listen)
    server = grpc.aio.server(options=_OPTIONS, maximum_concurrent_rpcs=_PROBES_AT_ONCE)
    health_pb2_grpc.add_HealthServicer_to_server(health_service, server)
    _add_port(server, _HEALTH_LISTEN, listen, credentials=None)
    await server.start()
    try:
        yield
    finally:
        await server.stop(_STOP_WITHIN_S)


def unprotected(settings: GrpcSettings) -> list[str]:
    """Names of the settings without which such a server isn't to be; none on loopback. Raises UsageError."""
    host, _ = split_address(_LISTEN, settings.listen)
    if is_loopback(host):
        return []
    return [name for name in ("tls_cert_file", "tls_key_file", "jwt_key_file") if getattr(settings, name) is None]


def _checker(settings: GrpcSettings) -> TokenChecker | None:
    if missing := unprotected(settings):
        raise UsageError(
            f"{_LISTEN}: {settings.listen} can be reached from other machines; set "
            f"{', '.join(f'LIFTLINE_GRPC_{name.upper()}' for name in missing)} too, or listen on 127.0.0.1."
        )
    if settings.jwt_key_file is None:
        return None
    return TokenChecker(settings.jwt_key_file, audience=settings.jwt_audience)


def _listen(server: grpc.aio.Server, settings: GrpcSettings) -> int:
    return _add_port(server, _LISTEN, settings.listen, credentials=server_credentials(settings))


def _add_port(
    server: grpc.aio.Server, variable: str, listen: str, *, credentials: grpc.ServerCredentials | None
) -> int:
    try:
        if credentials is None:
            return server.add_insecure_port(listen)
        return server.add_secure_port(listen, credentials)
    except RuntimeError as error:
        raise UsageError(f"{variable}: can't listen on {listen}; is another process there?") from error
