"""Which processes `liftline up` runs besides the servers, and the environment that connects them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from liftline.adapters.access.roles import Role
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.s3_server import S3Server

GRACE_S = 5.0
_OURS = ("LIFTLINE_NATS_", "LIFTLINE_S3_", "LIFTLINE_GRPC_", "LIFTLINE_TELEMETRY_METRICS_")


@dataclass(frozen=True)
class ServiceProcess:
    """A service's process, `python -m MODULE`; `port` is where its gRPC is, None for a free one at each start."""

    name: str
    module: str
    role: Role
    port: int | None = None


def service_processes(*, detectors: int, renderers: int, gateway_port: int) -> list[ServiceProcess]:
    """All processes that `liftline up` runs besides the servers, the gateway first."""
    detector, renderer = (("liftline_detector", Role.DETECTOR), ("liftline_renderer", Role.RENDERER))
    return [
        ServiceProcess("gateway", "liftline_gateway", Role.GATEWAY, gateway_port),
        *(ServiceProcess(f"detector-{number}", *detector) for number in range(1, detectors + 1)),
        ServiceProcess("lifter", "liftline_lifter", Role.LIFTER),
        *(ServiceProcess(f"renderer-{number}", *renderer) for number in range(1, renderers + 1)),
    ]


def environment(
    role: Role, nats: NatsServer, s3: S3Server, inherited: Mapping[str, str] = os.environ
) -> dict[str, str]:
    """Environment of a service: variables that connect it are set here, all others are the user's."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(_OURS)}
    return {
        "LIFTLINE_WORKER_GRACE_S": str(GRACE_S),
        "LIFTLINE_TELEMETRY_LOG_FORMAT": "console",
        **kept,
        "LIFTLINE_NATS_URL": nats.url,
        "LIFTLINE_S3_ENDPOINT": s3.endpoint,
        **credentials(role, nats, s3),
    }


def credentials(role: Role, nats: NatsServer, s3: S3Server) -> dict[str, str]:
    """Settings by which a service is this user of the servers. Raises UsageError where their secrets are damaged."""
    access_key, secret_key = s3.keys(role)
    return {
        "LIFTLINE_NATS_USER": role, "LIFTLINE_NATS_PASSWORD": nats.password(role),
        "LIFTLINE_S3_ACCESS_KEY": access_key, "LIFTLINE_S3_SECRET_KEY": secret_key,
    }  # fmt: skip
