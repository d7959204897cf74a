"""The gateway as a process: setting up, probes, its end, and settings it refuses."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from liftline.adapters.access.roles import Role
from liftline.adapters.nats import connection as nats
from liftline.adapters.nats import topology
from liftline.adapters.s3 import S3Store
from liftline.errors import ExitCode
from liftline.jobs.naming import Priority, Stage, consumer
from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2_grpc import JobServiceStub
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up.children import free_ports
from liftline_cli.up.s3_server import S3Server
from tests.integration.gateway.gateways import VIDEO
from tests.integration.gateway.test_real_servers import post
from tests.integration.s3.naive_store import BUCKET as NAIVE_BUCKET
from tests.integration.s3.naive_store import Manners, naive_store
from tests.servers import nats_settings, running_nats, s3_settings
from tests.support import eventually

Code = grpc.StatusCode
BUCKET = "gateway-process"


def environment(nats_server: NatsServer, s3: S3Server | None, port: int) -> dict[str, str]:
    return {
        **os.environ,
        "LIFTLINE_NATS_URL": nats_server.url,
        **({"LIFTLINE_S3_ENDPOINT": s3.endpoint} if s3 else {}),
        "LIFTLINE_S3_ACCESS_KEY": s3.keys(Role.OPERATOR)[0] if s3 else "none",
        "LIFTLINE_S3_SECRET_KEY": s3.keys(Role.OPERATOR)[1] if s3 else "none",
        "LIFTLINE_S3_BUCKET": BUCKET,
        "LIFTLINE_GRPC_LISTEN": f"127.0.0.1:{port}",
    }


def set_up(server: NatsServer, s3: S3Server) -> None:
    assert run(environment(server, s3, 0), "setup").returncode == 0


@contextmanager
def gateway(settings: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("wb") as file:
        process = subprocess.Popen([sys.executable, "-m", "liftline_gateway"], env=dict(settings), stderr=file)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def run(settings: Mapping[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "liftline_gateway", *arguments]
    return subprocess.run(command, env=dict(settings), capture_output=True, text=True, timeout=60)


async def test_setting_up_makes_everything_and_ends(tmp_path: Path, s3_server: S3Server) -> None:
    with running_nats(tmp_path) as server:
        for _ in range(2):
            done = run(environment(server, s3_server, 0), "setup")
            assert done.returncode == 0, done.stderr
        assert await _consumers(server) >= {consumer(stage, Priority.HIGH) for stage in Stage}
    store = S3Store(s3_settings(s3_server, bucket=BUCKET))
    store.put_bytes("a/b", b"there is a bucket")
    store.remove("a/b")


@pytest.mark.parametrize("arguments", [("setup",), ()])
def test_it_refuses_a_store_that_copies_for_whoever_uploads(tmp_path: Path, arguments: Sequence[str]) -> None:
    (port,) = free_ports(1)
    with running_nats(tmp_path) as nats_server, naive_store(Manners(copies_by_header=True)) as naive:
        there = {"LIFTLINE_S3_ENDPOINT": naive.endpoint, "LIFTLINE_S3_BUCKET": NAIVE_BUCKET}
        asyncio.run(_make_streams(nats_server))
        done = run({**environment(nats_server, None, port), **there}, *arguments)
    assert done.returncode == ExitCode.USAGE
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("liftline gateway: ")]
    assert f"the artifact store at {naive.endpoint} can't be used for uploads: after a form with the headers" in told
    assert "Use a store that keeps to POST policies (docs/operations.md" in told
    assert not naive.objects


@pytest.mark.parametrize("manners", [Manners(), Manners(copies_by_header=True)], ids=["good", "bad"])
def test_it_waits_for_a_store_that_is_away_before_it_tries_it(tmp_path: Path, manners: Manners) -> None:
    (port,) = free_ports(1)
    with running_nats(tmp_path / "nats") as nats_server, naive_store(manners) as naive:
        naive.away = True
        asyncio.run(_make_streams(nats_server))
        there = {"LIFTLINE_S3_ENDPOINT": naive.endpoint, "LIFTLINE_S3_BUCKET": NAIVE_BUCKET}
        with gateway({**environment(nats_server, None, port), **there}, tmp_path / "log") as process:
            eventually(lambda: "waiting_for_servers" in (tmp_path / "log").read_text(), within_s=40)
            assert process.poll() is None
            naive.away = False
            if manners.copies_by_header:
                assert process.wait(30) == ExitCode.USAGE
            else:
                eventually(lambda: '"serving"' in (tmp_path / "log").read_text(), within_s=40)


async def _make_streams(server: NatsServer) -> None:
    async with nats.connected(nats_settings(server), name="test") as connection:
        await topology.ensure(connection)


async def _consumers(server: NatsServer) -> set[str]:
    async with nats.connected(nats_settings(server), name="test") as connection:
        return set((await connection.api(f"CONSUMER.NAMES.{topology.TASKS}"))["consumers"])


def test_it_serves_until_it_is_told_to_end(tmp_path: Path, s3_server: S3Server) -> None:
    (port,) = free_ports(1)
    with running_nats(tmp_path / "nats") as server:
        set_up(server, s3_server)
        _serve_until_told(server, s3_server, port, tmp_path)


def _serve_until_told(server: NatsServer, s3_server: S3Server, port: int, tmp_path: Path) -> None:
    with (
        gateway(environment(server, s3_server, port), tmp_path / "log") as process,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub, health = JobServiceStub(channel), HealthStub(channel)
        changes = health.Watch(HealthCheckRequest(service="liftline.v1.JobService"), wait_for_ready=True, timeout=60)
        while next(changes).status != HealthCheckResponse.SERVING:
            pass
        upload = stub.CreateUpload(api.CreateUploadRequest(file_name="clip.mp4", size_bytes=len(VIDEO)))
        assert post(upload, VIDEO) == 204
        job = stub.CreateJob(api.CreateJobRequest(upload=upload.name))
        watching = stub.WatchJob(api.WatchJobRequest(name=job.name), timeout=60)
        assert next(watching).job == job
        process.send_signal(signal.SIGTERM)
        assert next(changes).status == HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            list(watching)
        assert caught.value.code() is Code.UNAVAILABLE  # type: ignore[attr-defined]
        assert process.wait(20) == 0, (tmp_path / "log").read_text()


def test_it_waits_for_servers_that_are_not_there_yet_and_for_the_setup(tmp_path: Path, s3_server: S3Server) -> None:
    port, nats_port = free_ports(2)
    server = NatsServer(tmp_path / "nats", nats_port)
    with gateway(environment(server, s3_server, port), tmp_path / "log") as process:
        while "waiting_for_nats" not in (tmp_path / "log").read_text():
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.05)
        server.start()
        try:
            eventually(lambda: "waiting_for_setup" in (tmp_path / "log").read_text())
            set_up(server, s3_server)
            with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
                request = HealthCheckRequest(service="liftline.v1.JobService")
                changes = HealthStub(channel).Watch(request, wait_for_ready=True, timeout=60)
                while next(changes).status != HealthCheckResponse.SERVING:
                    pass
        finally:
            server.kill()


def test_it_ends_when_told_though_nats_is_away(tmp_path: Path, s3_server: S3Server) -> None:
    (nats_port,) = free_ports(1)
    server = NatsServer(tmp_path / "nats", nats_port)
    with gateway(environment(server, s3_server, 0), tmp_path / "log") as process:
        while "waiting_for_nats" not in (tmp_path / "log").read_text():
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0, (tmp_path / "log").read_text()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"LIFTLINE_GRPC_LISTEN": "0.0.0.0:0"}, "LIFTLINE_GRPC_JWT_KEY_FILE"),
        ({"LIFTLINE_NATS_URL": "nats://nats.example.com:4222"}, "LIFTLINE_NATS_URL"),
        ({"LIFTLINE_S3_ENDPOINT": "http://s3.example.com"}, "LIFTLINE_S3_ENDPOINT"),
        ({"LIFTLINE_GATEWAY_WEBHOOK_HOSTS": '["hooks.example.com"]'}, "LIFTLINE_GATEWAY_WEBHOOK_SECRET"),
        ({"LIFTLINE_GATEWAY_WEBHOOK_HOSTS": "hooks.example.com"}, "webhook_hosts"),
        ({"LIFTLINE_GATEWAY_TENANT_MAX_JOBS": "0"}, "LIFTLINE_GATEWAY_TENANT_MAX_JOBS"),
    ],
)
def test_settings_that_would_let_anyone_in_are_refused(
    changed: dict[str, str], said: str, nats_server: NatsServer, s3_server: S3Server
) -> None:
    done = run({**environment(nats_server, s3_server, 0), **changed})
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_arguments_it_does_not_know(nats_server: NatsServer, s3_server: S3Server) -> None:
    assert run(environment(nats_server, s3_server, 0), "destroy").returncode == 2
