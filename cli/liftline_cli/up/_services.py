"""Which processes `liftline up` runs besides the servers, and the environment that connects them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from liftline_cli.up._keys import S3Keys
from liftline_cli.up.ports import Ports

GRACE_S = 5.0
_OURS = ("LIFTLINE_NATS_", "LIFTLINE_S3_", "LIFTLINE_GRPC_", "LIFTLINE_TELEMETRY_METRICS_")


@dataclass(frozen=True)
class ServiceProcess:
    """A service's process, `python -m MODULE`; `port` is where its gRPC is, None for a free one at each start."""

    name: str
    module: str
    port: int | None = None


def service_processes(*, detectors: int, renderers: int, gateway_port: int) -> list[ServiceProcess]:
    """All processes that `liftline up` runs besides the servers, the gateway first."""
    return [
        ServiceProcess("gateway", "liftline_gateway", gateway_port),
        *(ServiceProcess(f"detector-{number}", "liftline_detector") for number in range(1, detectors + 1)),
        ServiceProcess("lifter", "liftline_lifter"),
        *(ServiceProcess(f"renderer-{number}", "liftline_renderer") for number in range(1, renderers + 1)),
    ]


def environment(ports: Ports, keys: S3Keys, inherited: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Environment of all services: variables that connect them are set here, all others are the user's."""
    kept = {name: value for name, value in inherited.items() if not name.startswith(_OURS)}
    return {
        "LIFTLINE_WORKER_GRACE_S": str(GRACE_S),
        "LIFTLINE_TELEMETRY_LOG_FORMAT": "console",
        **kept,
        "LIFTLINE_NATS_URL": f"nats://127.0.0.1:{ports.nats}",
        "LIFTLINE_S3_ENDPOINT": f"http://127.0.0.1:{ports.s3}",
        "LIFTLINE_S3_ACCESS_KEY": keys.access_key,
        "LIFTLINE_S3_SECRET_KEY": keys.secret_key,
    }
