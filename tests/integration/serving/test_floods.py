"""Who has no token, or only half a request, or takes requests back, takes neither memory nor time from the others."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest
from grpc_health.v1.health_pb2_grpc import HealthStub

from liftline.service.grpc import interceptors
from liftline.service.grpc.cutting_off import FORGIVEN_PER_S, shut_down
from liftline.service.grpc.server import STREAMS_OF_CONNECTION
from liftline.service.tokens import OPERATOR, mint_token
from liftline.settings.services import GrpcSettings
from liftline.v1.worker_service_pb2 import GetStatusRequest, WorkerStatus
from liftline.v1.worker_service_pb2_grpc import WorkerServiceStub
from tests.integration.serving.raw_http2 import RawConnection
from tests.integration.serving.server_process import server_process
from tests.integration.serving.servers import Serving, bearer, own_connection, refusal, with_server

PATH = "/liftline.v1.WorkerService/GetStatus"
MIB = 1 << 20
Code = grpc.StatusCode


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_text("k" * 48)
    return tmp_path / "key"


def token(key: Path) -> str:
    return mint_token(key, tenant="ops", audience="liftline", lifetime=timedelta(minutes=5), scopes=[OPERATOR])


def answers(port: int, key: Path) -> bool:
    """Whether an honest client is answered, and soon."""
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        metadata = (("authorization", f"Bearer {token(key)}"),)
        status = WorkerServiceStub(channel).GetStatus(GetStatusRequest(), metadata=metadata, timeout=5)
    return isinstance(status, WorkerStatus)


def served_with(key: Path, use: Callable[[Serving], object], **settings: int) -> None:
    """Attack a server of this process from another thread."""
    with_token = GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key, **settings)
    asyncio.run(with_server(lambda served: asyncio.to_thread(use, served), with_token))


def counted(served: Serving, code: str, times: int) -> bool:
    """Whether so many requests have ended so; they are counted a moment after they are answered."""
    labels, end_s = {"method": PATH, "code": code}, time.monotonic() + 5
    while served.registry.get_sample_value("liftline_grpc_requests_total", labels) != times:
        if time.monotonic() > end_s:
            return False
        time.sleep(0.01)
    return True


def test_a_request_without_a_token_ends_before_its_message_has_come(key: Path) -> None:
    def attack(served: Serving) -> None:
        with RawConnection(served.server.port) as connection:
            connection.begin(1, PATH)
            connection.message(1, 1000, b"x" * 999)
            assert connection.read(lambda: 1 in connection.ended, within_s=30)
        assert counted(served, "UNAUTHENTICATED", 1)

    served_with(key, attack)


@pytest.mark.parametrize("has_token", [False, True], ids=["no token", "a token"])
def test_600_requests_of_which_the_last_byte_is_missing_fill_nothing(key: Path, *, has_token: bool) -> None:
    with server_process(key) as server:
        assert answers(server.port, key)
        before_mib = server.memory_mib
        connections = [RawConnection(server.port) for _ in range(4)]
        for connection in connections:
            for stream in range(1, 300, 2):
                connection.begin(stream, PATH, token=token(key) if has_token else None)
                connection.message(stream, MIB, b"x" * (MIB - 1))
            connection.read(lambda: False, within_s=0.2)
        assert server.memory_mib < before_mib + 40
        assert answers(server.port, key)
        for connection in connections:
            streams = set(range(1, 300, 2))
            assert connection.read(lambda: connection.closed or streams <= connection.ended, within_s=30)  # noqa: B023
            with connection:
                pass
        assert server.memory_mib < before_mib + 40


def test_a_message_that_doesnt_come_in_time_ends_its_request(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interceptors, "MESSAGE_WITHIN_S", 0.3)

    def attack(served: Serving) -> None:
        with RawConnection(served.server.port) as connection:
            for stream in (1, 3):
                connection.begin(stream, PATH, token=token(key))
            connection.message(3, 1000, b"x" * 999)
            assert connection.read(lambda: {1, 3} <= connection.ended, within_s=30)
            assert counted(served, "CANCELLED", 2)
            assert answers(served.server.port, key)

    served_with(key, attack)


def test_a_request_that_ends_without_a_message_is_answered(key: Path) -> None:
    def attack(served: Serving) -> None:
        with RawConnection(served.server.port) as connection:
            connection.begin(1, PATH, token=token(key))
            connection.end(1)
            assert connection.read(lambda: 1 in connection.ended, within_s=30)
        assert counted(served, "CANCELLED", 1)

    served_with(key, attack)


@pytest.mark.parametrize("has_token", [False, True], ids=["no token", "a token"])
def test_rapid_resets_cost_the_connection(key: Path, *, has_token: bool) -> None:
    with server_process(key) as server, RawConnection(server.port) as connection:
        mine = token(key) if has_token else None
        begin_s, begin_mib = server.cpu_s, server.memory_mib
        for number in range(40_000):
            if connection.closed:
                break
            connection.begin(2 * number + 1, PATH, token=mine)
            connection.reset(2 * number + 1)
            if number % 100 == 0:
                connection.read(lambda: False, within_s=0.01)
        assert connection.read(lambda: connection.closed, within_s=30)
        assert number < 30_000
        assert server.cpu_s - begin_s < 1.0
        assert server.memory_mib - begin_mib < 20
        assert answers(server.port, key)


async def refused(channel: grpc.aio.Channel, times: int, metadata: grpc.aio.Metadata | None = None) -> set[Code]:
    codes = set()
    for _ in range(times):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(PATH)(b"", metadata=metadata, timeout=5)
        codes.add(caught.value.code())
    return codes


@pytest.mark.parametrize("path", [PATH, "/liftline.v1.WorkerService/None"], ids=["no token", "no method"])
async def test_who_is_refused_again_and_again_loses_the_connection(key: Path, path: str) -> None:
    async def use(served: Serving) -> None:
        def ask() -> bool:
            with RawConnection(served.server.port) as connection:
                for number in range(60):
                    connection.begin(2 * number + 1, path)
                    connection.end(2 * number + 1)
                return connection.read(lambda: connection.closed, within_s=30)

        assert await asyncio.to_thread(ask)

    settings = GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key, max_refusals=20)
    await with_server(use, settings)


async def test_who_is_refused_now_and_then_keeps_the_connection_and_so_do_others(key: Path) -> None:
    async def use(served: Serving) -> None:
        async with own_connection(served) as wrong, own_connection(served) as right:
            good = bearer(token(key))
            watching = WorkerServiceStub(right).WatchStatus(GetStatusRequest(), metadata=good)
            await watching.read()
            for _ in range(3):
                assert await refused(wrong, 20) == {Code.UNAUTHENTICATED}
                await asyncio.sleep(20 / FORGIVEN_PER_S)
            await WorkerServiceStub(wrong).GetStatus(GetStatusRequest(), metadata=good)

            def flood() -> bool:
                with RawConnection(served.server.port) as connection:
                    for number in range(60):
                        connection.begin(2 * number + 1, PATH)
                    return connection.read(lambda: connection.closed, within_s=30)

            assert await asyncio.to_thread(flood)
            assert not watching.done()
            await WorkerServiceStub(right).GetStatus(GetStatusRequest(), metadata=good)

    await with_server(use, GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key, max_refusals=25))


async def test_behind_a_proxy_that_joins_clients_nobody_is_cut_off(key: Path) -> None:
    async def use(served: Serving) -> None:
        async with own_connection(served) as channel:
            assert await refused(channel, 100) == {Code.UNAUTHENTICATED}

    await with_server(use, GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key, max_refusals=0))


async def test_one_connection_has_a_bounded_number_of_requests_and_the_next_waits(key: Path) -> None:
    async def use(served: Serving) -> None:
        async with own_connection(served) as channel, own_connection(served) as another:
            good = bearer(token(key))
            worker = WorkerServiceStub(channel)
            running = [worker.WatchStatus(GetStatusRequest(), metadata=good) for _ in range(STREAMS_OF_CONNECTION)]
            await asyncio.gather(*(stream.read() for stream in running))
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await worker.GetStatus(GetStatusRequest(), metadata=good, timeout=0.5)
            assert caught.value.code() is Code.DEADLINE_EXCEEDED
            await WorkerServiceStub(another).GetStatus(GetStatusRequest(), metadata=good, timeout=5)
            running[0].cancel()
            await worker.GetStatus(GetStatusRequest(), metadata=good, timeout=5)

    await with_server(use, GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key))


async def test_more_connections_than_allowed_are_closed(key: Path) -> None:
    def attack(served: Serving) -> None:
        held = [RawConnection(served.server.port) for _ in range(3)]
        for connection in held:
            assert connection.read(lambda: connection.greeted, within_s=30)  # noqa: B023
        with RawConnection(served.server.port) as one_more:
            assert one_more.read(lambda: one_more.closed, within_s=30)
            assert not one_more.greeted
        with held.pop():
            pass
        with grpc.insecure_channel(served.address) as channel:
            HealthStub(channel).Check(HealthCheckRequest(), timeout=10, wait_for_ready=True)
        for connection in held:
            with connection:
                assert not connection.closed

    settings = GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key, max_connections=3)
    await with_server(lambda served: asyncio.to_thread(attack, served), settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1", "::"])
def test_shutting_down_ends_one_connection_and_no_other(host: str) -> None:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family, dualstack_ipv6=host == "::") as listener:
        port = listener.getsockname()[1]
        to = "127.0.0.1" if host in ("::", "127.0.0.1") else host
        with socket.create_connection((to, port)) as first, socket.create_connection((to, port)) as second:
            there = [listener.accept()[0] for _ in range(2)]
            name = "ipv6:%5B::1%5D" if to == "::1" else "ipv4:127.0.0.1"
            assert not shut_down(f"{name}:{first.getsockname()[1]}", own_port=port + 1)
            assert shut_down(f"{name}:{first.getsockname()[1]}", own_port=port)
            assert first.recv(1) == b""
            second.sendall(b"x")
            assert there[1].recv(1) == b"x"
            assert not shut_down(f"{name}:1", own_port=port)
            assert not shut_down("unix:/run/x", own_port=port)
            for one in there:
                one.close()


async def test_a_token_of_no_good_says_why_before_anything_is_read(key: Path) -> None:
    async def use(served: Serving) -> None:
        async with own_connection(served) as channel:
            call = channel.unary_unary(PATH)(b"\xff" * 100, metadata=bearer("nonsense"), timeout=5)
            assert await refusal(call) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")

    await with_server(use, GrpcSettings(listen="127.0.0.1:0", jwt_key_file=key))
