"""What an image's HEALTHCHECK runs, against real servers."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from liftline.settings.services import GrpcSettings
from liftline_cli.up.children import free_ports
from tests.integration.serving.servers import Serving, with_server


async def probed(listen: str | None) -> tuple[int, str]:
    """How `python -m liftline.service.grpc.probe` ends, and what it prints."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LIFTLINE_")}
    if listen is not None:
        environment["LIFTLINE_GRPC_HEALTH_LISTEN"] = listen
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "liftline.service.grpc.probe", env=environment, stdout=pipe, stderr=pipe
    )
    out, err = await process.communicate()
    return process.returncode or 0, (out + err).decode().strip()


async def test_a_container_is_healthy_from_when_its_service_takes_work_until_it_leaves() -> None:
    (port,) = free_ports(1)
    listen = f"0.0.0.0:{port}"

    async def use(served: Serving) -> list[tuple[int, str]]:
        seen = [await probed(listen)]
        await served.server.healthy()
        seen.append(await probed(listen))
        await served.server.leaving()
        return [*seen, await probed(listen)]

    settings = GrpcSettings(listen="127.0.0.1:0", health_listen=f"127.0.0.1:{port}")
    assert await with_server(use, settings) == [(1, "NOT_SERVING"), (0, "SERVING"), (1, "NOT_SERVING")]


async def test_a_container_whose_service_does_not_answer_is_not_healthy() -> None:
    assert await probed(f"0.0.0.0:{free_ports(1)[0]}") == (1, "UNAVAILABLE")


@pytest.mark.parametrize("listen", [None, "50052"])
async def test_a_probe_without_an_address_says_which_variable_is_wrong(listen: str | None) -> None:
    code, said = await probed(listen)
    assert code == 2
    assert "LIFTLINE_GRPC_HEALTH_LISTEN" in said
