"""`python -m liftline.service.grpc.probe`: ends with 0 if this container's service takes work. For HEALTHCHECK.

It asks the port of LIFTLINE_GRPC_HEALTH_LISTEN on loopback. Kubernetes asks by itself and needs no probe (ADR 0013).
Protocol: https://grpc.io/docs/guides/health-checking/.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from liftline.errors import ExitCode, UsageError
from liftline.net.addresses import split_address

_VARIABLE = "LIFTLINE_GRPC_HEALTH_LISTEN"
SERVING = "SERVING"
_ANSWER_S = 4.0


def main(environment: Mapping[str, str]) -> NoReturn:
    """Ask once, say what came back, end the process."""
    try:
        _, port = split_address(_VARIABLE, environment.get(_VARIABLE, ""))
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(error.exit_code)
    said = ask(f"127.0.0.1:{port}", answer_s=_ANSWER_S)
    sys.stdout.write(f"{said}\n")
    sys.exit(ExitCode.DONE if said == SERVING else ExitCode.FAILED)


def ask(address: str, *, answer_s: float) -> str:
    """What the service at this address of this machine says of itself, or why it can't be asked."""
    with grpc.insecure_channel(address, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            stub = health_pb2_grpc.HealthStub(channel)
            answer = stub.Check(health_pb2.HealthCheckRequest(), timeout=answer_s)  # type: ignore[attr-defined]
        except grpc.RpcError as error:
            return str(error.code().name)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


if __name__ == "__main__":
    main(os.environ)
