"""What a gateway does, and whose a token is, can be asked in any protocol: only the border knows gRPC."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import liftline_gateway

ROOT = Path(liftline_gateway.__file__).parent
CHILD = """
import importlib, sys

for name in ("grpc", "grpc_health", "grpc_reflection", "grpc_status", "google.rpc"):
    sys.modules[name] = None
for name in sys.argv[1:]:
    importlib.import_module(name)
"""


def load(*modules: str) -> subprocess.CompletedProcess[str]:
    """Import them where there is no gRPC."""
    return subprocess.run(
        [sys.executable, "-c", CHILD, *modules], capture_output=True, text=True, timeout=60, check=False
    )  # fmt: skip


def test_the_domain_of_the_gateway_loads_without_grpc() -> None:
    rooms = ("api", "coordination", "records", "webhooks")
    paths = [path.relative_to(ROOT) for room in rooms for path in sorted((ROOT / room).rglob("*.py"))]
    modules = [
        ".".join((ROOT.name, *path.with_suffix("").parts)).removesuffix(".__init__")
        for path in paths
        if path.parts[:2] != ("api", "grpc")
    ]
    assert len(modules) > 25
    ended = load(*modules, "liftline.service.tokens", "liftline.service.api_errors")
    assert ended.returncode == 0, ended.stderr


def test_the_border_does_not() -> None:
    assert "grpc" in load("liftline_gateway.api.grpc.job_service").stderr
