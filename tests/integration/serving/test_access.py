"""Who is let in: TLS, mutual TLS, tokens, and what a server refuses to start with."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from itertools import cycle
from pathlib import Path

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from liftline.errors import UsageError
from liftline.service.grpc.authentication import REQUESTS_OF_ANYONE, REQUESTS_OF_ONE
from liftline.service.tokens import OPERATOR, mint_token
from liftline.settings.services import GrpcSettings
from liftline.v1.worker_service_pb2 import GetStatusRequest, WatchStatusRequest
from liftline.v1.worker_service_pb2_grpc import WorkerServiceStub
from liftline_cli.up.children import free_ports
from tests.certificates import Authority
from tests.integration.serving.servers import Serving, bearer, own_connection, refusal, serving, with_server
from tests.unit.serving.keys import KeyFiles, forged, key_files

Code = grpc.StatusCode


@pytest.fixture
def keys(tmp_path: Path) -> KeyFiles:
    return key_files(tmp_path, "ed25519")


def with_tokens(keys: KeyFiles) -> GrpcSettings:
    return GrpcSettings(listen="127.0.0.1:0", jwt_key_file=keys.checking)


def operator_token(keys: KeyFiles, *, audience: str = "liftline", lifetime_s: float = 60, scope: str = OPERATOR) -> str:
    lifetime = timedelta(seconds=lifetime_s)
    return mint_token(keys.signing, tenant="ops", audience=audience, lifetime=lifetime, scopes=[scope])


async def both_refused(served: Serving, metadata: grpc.aio.Metadata | None) -> tuple[Code, str]:
    """How a unary and a streaming request with that metadata are refused."""
    async with grpc.aio.insecure_channel(served.address) as channel:
        worker = WorkerServiceStub(channel)
        unary = await refusal(worker.GetStatus(GetStatusRequest(), metadata=metadata))
        streaming = await refusal(worker.WatchStatus(WatchStatusRequest(), metadata=metadata).read())
    assert unary == streaming
    return unary


async def refused_with(keys: KeyFiles, token: str) -> tuple[Code, str]:
    return await with_server(lambda served: both_refused(served, bearer(token)), with_tokens(keys))


async def test_an_operators_token_is_let_in(keys: KeyFiles) -> None:
    async def use(served: Serving) -> str:
        async with grpc.aio.insecure_channel(served.address) as channel:
            metadata = bearer(operator_token(keys))
            status = await WorkerServiceStub(channel).GetStatus(GetStatusRequest(), metadata=metadata)
            return str(status.worker)

    assert await with_server(use, with_tokens(keys)) == "detector-1"


async def test_a_tenants_token_doesnt_show_workers(keys: KeyFiles) -> None:
    assert await refused_with(keys, operator_token(keys, scope="other")) == (Code.PERMISSION_DENIED, "OPERATOR_ONLY")


async def test_expired_and_foreign_tokens_are_refused(keys: KeyFiles) -> None:
    assert await refused_with(keys, operator_token(keys, lifetime_s=-60)) == (Code.UNAUTHENTICATED, "TOKEN_EXPIRED")
    assert await refused_with(keys, operator_token(keys, audience="x")) == (Code.UNAUTHENTICATED, "TOKEN_AUDIENCE")


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
async def test_unsigned_tokens_and_those_signed_with_the_public_key_are_refused(keys: KeyFiles, algorithm: str) -> None:
    claims: dict[str, object] = {"sub": "ops", "aud": "liftline", "exp": time.time() + 60, "scope": OPERATOR}
    secret = None if algorithm == "none" else keys.checking.read_bytes()
    token = forged({"alg": algorithm, "typ": "JWT"}, claims, secret=secret)
    assert await refused_with(keys, token) == (Code.UNAUTHENTICATED, "TOKEN_INVALID")


@pytest.mark.parametrize("values", [[], [""], ["Bearer"], ["Bearer "], ["Basic eDp5"], ["Bearer a", "Bearer b"]])
async def test_requests_without_one_token_are_refused(keys: KeyFiles, values: list[str]) -> None:
    metadata = grpc.aio.Metadata(*(("authorization", value) for value in values))
    answer = await with_server(lambda served: both_refused(served, metadata), with_tokens(keys))
    assert answer == (Code.UNAUTHENTICATED, "TOKEN_MISSING")


async def test_an_unknown_caller_isnt_told_what_is_wrong_with_its_request(keys: KeyFiles) -> None:
    async def use(served: Serving) -> tuple[Code, str]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            return await refusal(channel.unary_unary("/liftline.v1.WorkerService/GetStatus")(b"\xff"))

    assert await with_server(use, with_tokens(keys)) == (Code.UNAUTHENTICATED, "TOKEN_MISSING")


async def test_probes_need_no_token_but_reflection_does(keys: KeyFiles) -> None:
    async def use(served: Serving) -> tuple[Code, str]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            answer = await HealthStub(channel).Check(HealthCheckRequest())
            assert answer.status == HealthCheckResponse.NOT_SERVING
            reflect = channel.stream_stream("/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo")
            return await refusal(reflect(iter([b""])).read())

    assert await with_server(use, with_tokens(keys)) == (Code.UNAUTHENTICATED, "TOKEN_MISSING")


async def test_a_stream_ends_when_its_token_does(keys: KeyFiles) -> None:
    async def use(served: Serving) -> tuple[Code, str]:
        async with grpc.aio.insecure_channel(served.address) as channel:
            nearly_over = bearer(operator_token(keys, lifetime_s=-8))  # clocks may differ by ten seconds
            stream = WorkerServiceStub(channel).WatchStatus(WatchStatusRequest(), metadata=nearly_over)
            assert (await stream.read()).worker == "detector-1"
            return await refusal(stream.read())

    assert await with_server(use, with_tokens(keys)) == (Code.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_nobody_fills_the_server_alone(keys: KeyFiles) -> None:
    async def streams(open_one: Callable[[], grpc.aio.UnaryStreamCall], count: int) -> list[grpc.aio.UnaryStreamCall]:
        """Opened a few at a time: of more than a thousand at once gRPC itself cancelled some, now and then."""
        opened = []
        for first in range(0, count, 128):
            some = [open_one() for _ in range(min(128, count - first))]
            await asyncio.gather(*(stream.read() for stream in some))
            opened += some
        return opened

    async def use(served: Serving) -> None:
        async with AsyncExitStack() as stack:
            channels = cycle([await stack.enter_async_context(own_connection(served)) for _ in range(6)])
            again = bearer(operator_token(keys))

            def watch() -> grpc.aio.UnaryStreamCall:
                return WorkerServiceStub(next(channels)).WatchStatus(WatchStatusRequest(), metadata=again)

            running = await streams(watch, REQUESTS_OF_ONE)
            running += await streams(lambda: HealthStub(next(channels)).Watch(HealthCheckRequest()), REQUESTS_OF_ANYONE)
            worker, health = WorkerServiceStub(next(channels)), HealthStub(next(channels))
            full = Code.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS"
            assert await refusal(worker.GetStatus(GetStatusRequest(), metadata=again)) == full
            assert await refusal(health.Watch(HealthCheckRequest()).read()) == full
            await health.Check(HealthCheckRequest(), timeout=5)
            other = mint_token(keys.signing, tenant="other", audience="liftline", lifetime=timedelta(minutes=1))
            refused = await refusal(worker.GetStatus(GetStatusRequest(), metadata=bearer(other), timeout=5))
            assert refused == (Code.PERMISSION_DENIED, "OPERATOR_ONLY")
            running[0].cancel()
            await asyncio.sleep(0.2)
            await worker.GetStatus(GetStatusRequest(), metadata=again)

    await with_server(use, with_tokens(keys))


async def status_over_tls(served: Serving, credentials: grpc.ChannelCredentials) -> str:
    async with grpc.aio.secure_channel(served.address, credentials) as channel:
        status = await WorkerServiceStub(channel).GetStatus(GetStatusRequest(), timeout=10)
        return str(status.worker)


async def test_over_tls_a_client_that_knows_the_authority_is_let_in_and_no_other(tmp_path: Path) -> None:
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    issued = authority.issue("server")
    settings = GrpcSettings(listen="127.0.0.1:0", tls_cert_file=issued.certificate, tls_key_file=issued.key)

    async def use(served: Serving) -> str:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await status_over_tls(served, grpc.ssl_channel_credentials(other.file.read_bytes()))
        assert caught.value.code() is Code.UNAVAILABLE
        async with grpc.aio.insecure_channel(served.address) as channel:
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await WorkerServiceStub(channel).GetStatus(GetStatusRequest(), timeout=10)
            assert caught.value.code() is Code.UNAVAILABLE
        return await status_over_tls(served, grpc.ssl_channel_credentials(authority.file.read_bytes()))

    assert await with_server(use, settings) == "detector-1"


async def test_a_renewed_certificate_is_used_without_a_restart_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    first, second = Authority(tmp_path, "first"), Authority(tmp_path, "second")
    issued, renewed = first.issue("server"), second.issue("renewed")
    settings = GrpcSettings(listen="127.0.0.1:0", tls_cert_file=issued.certificate, tls_key_file=issued.key)

    def known_to(authority: Authority) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(authority.file.read_bytes())

    async def use(served: Serving) -> list[str]:
        answers = [await status_over_tls(served, known_to(first))]
        issued.certificate.write_text("damaged")
        answers.append(await status_over_tls(served, known_to(first)))
        issued.certificate.write_bytes(renewed.certificate.read_bytes())
        issued.key.write_bytes(renewed.key.read_bytes())
        answers.append(await status_over_tls(served, known_to(second)))
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await status_over_tls(served, known_to(first))
        return [*answers, str(refused.value.code())]

    assert await with_server(use, settings) == ["detector-1"] * 3 + [str(Code.UNAVAILABLE)]


async def test_with_mutual_tls_a_client_needs_a_certificate_of_the_right_authority(tmp_path: Path) -> None:
    authority, clients = Authority(tmp_path), Authority(tmp_path, "clients")
    issued = authority.issue("server")
    settings = GrpcSettings(
        listen="127.0.0.1:0", tls_cert_file=issued.certificate, tls_key_file=issued.key, tls_client_ca_file=clients.file
    )

    def credentials(signer: Authority | None) -> grpc.ChannelCredentials:
        trusted = authority.file.read_bytes()
        if signer is None:
            return grpc.ssl_channel_credentials(trusted)
        client = signer.issue("client")
        return grpc.ssl_channel_credentials(trusted, client.key.read_bytes(), client.certificate.read_bytes())

    async def use(served: Serving) -> str:
        for signer in (None, authority):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await status_over_tls(served, credentials(signer))
            assert caught.value.code() is Code.UNAVAILABLE
        return await status_over_tls(served, credentials(clients))

    assert await with_server(use, settings) == "detector-1"


def refused_to_start(settings: GrpcSettings) -> str:
    async def start() -> None:
        async with serving(settings):
            pass

    with pytest.raises(UsageError) as caught:
        asyncio.run(start())
    return str(caught.value)


@pytest.mark.parametrize("listen", ["0.0.0.0:0", "[::]:0", "10.1.2.3:50051", "example.org:50051"])
def test_an_address_that_others_reach_needs_tls_and_tokens(tmp_path: Path, keys: KeyFiles, listen: str) -> None:
    issued = Authority(tmp_path).issue("server")
    tls = {"tls_cert_file": issued.certificate, "tls_key_file": issued.key}
    assert "LIFTLINE_GRPC_TLS_CERT_FILE, LIFTLINE_GRPC_TLS_KEY_FILE, LIFTLINE_GRPC_JWT_KEY_FILE" in refused_to_start(
        GrpcSettings(listen=listen)
    )
    assert "set LIFTLINE_GRPC_JWT_KEY_FILE too" in refused_to_start(GrpcSettings(listen=listen, **tls))
    message = refused_to_start(GrpcSettings(listen=listen, jwt_key_file=keys.checking))
    assert "set LIFTLINE_GRPC_TLS_CERT_FILE, LIFTLINE_GRPC_TLS_KEY_FILE too" in message


async def test_with_tls_and_tokens_it_listens_for_others(tmp_path: Path, keys: KeyFiles) -> None:
    authority = Authority(tmp_path)
    issued = authority.issue("server")
    settings = GrpcSettings(
        listen="0.0.0.0:0", tls_cert_file=issued.certificate, tls_key_file=issued.key, jwt_key_file=keys.checking
    )

    async def use(served: Serving) -> tuple[Code, str]:
        credentials = grpc.ssl_channel_credentials(authority.file.read_bytes())
        async with grpc.aio.secure_channel(served.address, credentials) as channel:
            worker = WorkerServiceStub(channel)
            await worker.GetStatus(GetStatusRequest(), metadata=bearer(operator_token(keys)))
            return await refusal(worker.GetStatus(GetStatusRequest()))

    assert await with_server(use, settings) == (Code.UNAUTHENTICATED, "TOKEN_MISSING")


def test_files_that_dont_fit_are_told_at_the_start(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    one, other = authority.issue("one"), authority.issue("other")
    assert "set both" in refused_to_start(GrpcSettings(listen="127.0.0.1:0", tls_cert_file=one.certificate))
    assert "set both" in refused_to_start(GrpcSettings(listen="127.0.0.1:0", tls_client_ca_file=authority.file))
    for wrong in (other.key, one.certificate, tmp_path / "missing"):
        settings = GrpcSettings(listen="127.0.0.1:0", tls_cert_file=one.certificate, tls_key_file=wrong)
        assert str(wrong) in refused_to_start(settings)
    settings = GrpcSettings(
        listen="127.0.0.1:0", tls_cert_file=one.certificate, tls_key_file=one.key, tls_client_ca_file=one.key
    )
    assert str(one.key) in refused_to_start(settings)


async def test_two_servers_dont_share_a_port() -> None:
    async def use(served: Serving) -> None:
        with pytest.raises(UsageError, match="LIFTLINE_GRPC_LISTEN: can't listen"):
            async with serving(GrpcSettings(listen=served.address)):
                pass

    await with_server(use)


async def test_probes_need_neither_certificate_nor_token_and_get_nothing_but_health(
    tmp_path: Path, keys: KeyFiles
) -> None:
    issued, (probes,) = Authority(tmp_path).issue("server"), free_ports(1)
    settings = GrpcSettings(
        listen="127.0.0.1:0", tls_cert_file=issued.certificate, tls_key_file=issued.key, jwt_key_file=keys.checking,
        health_listen=f"127.0.0.1:{probes}",
    )  # fmt: skip

    async def use(served: Serving) -> tuple[list[int], Code]:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{probes}") as channel:
            health, answers = HealthStub(channel), []
            answers.append((await health.Check(HealthCheckRequest())).status)
            await served.server.healthy()
            answers.append((await health.Check(HealthCheckRequest())).status)
            await served.server.leaving()
            answers.append((await health.Check(HealthCheckRequest())).status)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await WorkerServiceStub(channel).GetStatus(GetStatusRequest())
            return answers, refused.value.code()

    serving_s, not_s = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING
    assert await with_server(use, settings) == ([not_s, serving_s, not_s], Code.UNIMPLEMENTED)


@pytest.mark.parametrize("listen", ["50052", "nowhere.invalid:1"])
async def test_a_wrong_address_for_probes_is_told_with_its_variable(listen: str) -> None:
    async def use(_: Serving) -> None:
        pytest.fail("it started")

    with pytest.raises(UsageError, match="LIFTLINE_GRPC_HEALTH_LISTEN"):
        await with_server(use, GrpcSettings(listen="127.0.0.1:0", health_listen=listen))
