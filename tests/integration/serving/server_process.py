"""A gRPC server in a process of its own, so that its memory and its time can be measured.

`python -m tests.integration.serving.server_process KEY_FILE` says its port and serves until its input ends.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from liftline.settings.services import GrpcSettings
from tests.integration.serving.servers import serving


@dataclass(frozen=True)
class ServerProcess:
    """Where it listens, and what it takes."""

    port: int
    process: psutil.Process

    @property
    def memory_mib(self) -> float:
        return float(self.process.memory_info().rss) / 2**20

    @property
    def cpu_s(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


@contextmanager
def server_process(key_file: Path) -> Iterator[ServerProcess]:
    """Serve WorkerService to those with tokens while the context lasts."""
    command = [sys.executable, "-m", __name__, str(key_file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield ServerProcess(int(process.stdout.readline()), psutil.Process(process.pid))
        finally:
            process.stdin.close()


async def _serve(key_file: Path) -> None:
    async with serving(GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key_file)) as served:
        sys.stdout.write(f"{served.server.port}\n")
        sys.stdout.flush()
        await asyncio.to_thread(sys.stdin.read)
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_serve(Path(sys.argv[1])))
