"""Webhooks reach a real server, signed; they are tried again, follow nothing, and go nowhere else."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import hmac
import json
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydantic import SecretStr

from liftline.errors import UsageError
from liftline.net.retrying import RetryPolicy
from liftline.settings.services import GatewaySettings
from liftline.v1.job_service_pb2 import CancelJobRequest, Failure, Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.webhooks.sender import AT_ONCE_OF_TENANT, AT_ONCE_TO_HOST, WebhookSender
from tests.integration.gateway.gateways import Deployment, run, states
from tests.integration.gateway.receivers import Received, receiving

KEY = b"0123456789abcdef0123456789abcdef"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
ANSWER_S, SLOW_S = 2.0, 60.0
QUICK = RetryPolicy(timeout_s=1.0, first_wait_s=0.01, longest_wait_s=0.05)


@contextlib.contextmanager
def webhooks(
    *, ca_file: Path | None = None, hosts: tuple[str, ...] = ("127.0.0.1",), answer_s: float = ANSWER_S
) -> Iterator[WebhookSender]:
    settings = GatewaySettings(webhook_hosts=hosts, webhook_secret=SecretStr(SECRET), webhook_ca_file=ca_file)
    made = WebhookSender(settings, answer_s=answer_s, policy=QUICK)
    try:
        yield made
    finally:
        made.close()


def ended(address: str) -> JobRecord:
    record = JobRecord(
        tenant="a", job="0193", video_name="clip.mp4", state=Job.STATE_FAILED, webhook_uri=address,
        failure=Failure(reason=Failure.REASON_INVALID_VIDEO, message="clip.mp4: no video stream."),
    )  # fmt: skip
    record.create_time.FromSeconds(1_700_000_000)
    record.end_time.FromSeconds(1_700_000_060)
    return record


def tell(address: str, **options: object) -> bool:
    with webhooks(**options) as sender:  # type: ignore[arg-type]
        return asyncio.run(sender.send(ended(address)))


def signature(received: Received, key: bytes) -> str:
    """As a receiver works it out, from the specification."""
    content = b".".join(
        (received.headers["webhook-id"].encode(), received.headers["webhook-timestamp"].encode(), received.body)
    )
    return "v1," + base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()


def test_the_word_is_signed_and_says_how_the_job_ended() -> None:
    with receiving(204) as receiver:
        assert tell(receiver.url)
    (received,) = receiver.received
    assert received.headers["webhook-signature"] == signature(received, KEY)
    assert received.headers["webhook-signature"] != signature(received, b"another")
    assert abs(int(received.headers["webhook-timestamp"]) - time.time()) < 30
    assert received.headers["content-type"] == "application/json"
    assert json.loads(received.body) == {
        "type": "job.failed",
        "timestamp": "2023-11-14T22:14:20+00:00",
        "data": {
            "name": "jobs/0193",
            "state": "STATE_FAILED",
            "videoName": "clip.mp4",
            "failure": {"reason": "REASON_INVALID_VIDEO", "message": "clip.mp4: no video stream."},
            "createTime": "2023-11-14T22:13:20Z",
            "endTime": "2023-11-14T22:14:20Z",
        },
    }


def test_it_is_sent_again_after_errors_under_the_same_id() -> None:
    with receiving(500, 503, 429, 200) as receiver:
        assert tell(receiver.url)
    assert len(receiver.received) == 4
    assert len({one.headers["webhook-id"] for one in receiver.received}) == 1
    assert all(one.headers["webhook-signature"] == signature(one, KEY) for one in receiver.received)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_lead_nowhere(status: int) -> None:
    with receiving(200) as elsewhere, receiving(status) as receiver:
        receiver.location = elsewhere.url
        assert not tell(receiver.url)
    assert len(receiver.received) == 1
    assert elsewhere.received == []


def test_a_receiver_that_never_answers_well_is_given_up() -> None:
    with receiving(500) as receiver:
        begin = time.monotonic()
        assert not tell(receiver.url)
    assert len(receiver.received) > 1
    assert time.monotonic() - begin < 10


def test_a_receiver_that_is_gone_is_left_alone() -> None:
    with receiving(410) as receiver:
        assert not tell(receiver.url)
    assert len(receiver.received) == 1


def test_nobody_listens_there() -> None:
    with receiving(200) as receiver:
        address = receiver.url
    assert not tell(address)


def test_logs_have_the_host_of_an_address_alone(capfd: pytest.CaptureFixture[str]) -> None:
    with receiving(500) as receiver:
        assert not tell(f"{receiver.url}/a-path-that-is-a-key?token=another")
        host = receiver.url.removeprefix("http://").partition("/")[0]
    assert not tell(f"{receiver.url}/a-path-that-is-a-key?token=another")
    printed = "".join(capfd.readouterr())
    assert host in printed
    assert "a-path-that" not in printed
    assert "token" not in printed


def test_a_host_that_is_no_longer_allowed_gets_nothing() -> None:
    with receiving(200) as receiver:
        assert not tell(receiver.url, hosts=("hooks.example.com",))
    assert receiver.received == []


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    openssl = shutil.which("openssl")
    assert openssl is not None
    where = tmp_path_factory.mktemp("tls") / "certificate.pem"
    command = [openssl, "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=hooks", "-addext", "subjectAltName=IP:127.0.0.1"]
    command += ["-keyout", str(where.with_name("key.pem")), "-out", str(where)]
    subprocess.run(command, check=True, capture_output=True)
    return where


def test_https_is_checked_against_the_deployments_authority(certificate: Path) -> None:
    with receiving(200, certificate=certificate, key=certificate.with_name("key.pem")) as receiver:
        assert tell(receiver.url, ca_file=certificate)
        assert len(receiver.received) == 1
        assert not tell(receiver.url), "the system's authorities don't know it"
    assert len(receiver.received) == 1


@pytest.mark.parametrize("secret", ["", "short", "whsec_", "whsec_!!!", "whsec_c2hvcnQ="])
def test_a_key_that_is_none_is_refused_at_the_start(secret: str) -> None:
    with pytest.raises(UsageError, match="LIFTLINE_GATEWAY_WEBHOOK_SECRET"):
        WebhookSender(GatewaySettings(webhook_hosts=("hooks.example.com",), webhook_secret=SecretStr(secret)))


def test_no_key_is_needed_where_no_webhooks_are_sent() -> None:
    WebhookSender(GatewaySettings()).close()


async def test_the_end_of_a_job_is_told_to_its_webhook(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job(webhook_uri=receiver.url)
        await deployment.work()
        assert (await states(client.watch(job.name)))[-1].state == Job.STATE_SUCCEEDED
        while not (await deployment.record(job)).webhook_done:
            await asyncio.sleep(0.02)
        data = json.loads(receiver.received[-1].body)
        assert (data["type"], data["data"]["name"]) == ("job.succeeded", job.name)
        assert {one.headers["webhook-id"] for one in receiver.received} == {job.name.removeprefix("jobs/")}

    with receiving(500, 204) as receiver, webhooks() as sender:
        await run(use, tmp_path, webhook_hosts=("127.0.0.1",), tell=sender.send)
    assert len(receiver.received) == 2


async def test_a_cancelled_job_is_told_at_once(tmp_path: Path) -> None:
    async def use(deployment: Deployment) -> None:
        client = await deployment.client()
        job = await client.job(webhook_uri=receiver.url)
        await client.call("CancelJob", CancelJobRequest(name=job.name))
        while not receiver.received:
            await asyncio.sleep(0.02)
        assert json.loads(receiver.received[-1].body)["type"] == "job.cancelled"

    with receiving(204) as receiver, webhooks() as sender:
        await run(use, tmp_path, webhook_hosts=("127.0.0.1",), tell=sender.send, coordinating=False)


@contextlib.contextmanager
def trickling(*, before: bytes = b"HTTP/1.1 ") -> Iterator[tuple[str, list[socket.socket]]]:
    """A receiver that answers a byte at a time, for good."""
    taken: list[socket.socket] = []
    stop = threading.Event()

    def trickle() -> None:
        while not stop.wait(0.1):
            with contextlib.suppress(BlockingIOError):
                taken.append(listener.accept()[0])
            for one in taken:
                with contextlib.suppress(OSError):
                    one.send(b"x" if one in begun else before)
                begun.add(one)

    begun = set[socket.socket]()
    with socket.create_server(("127.0.0.1", 0), backlog=128) as listener:
        listener.setblocking(False)
        thread = threading.Thread(target=trickle)
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/jobs", taken
        finally:
            stop.set()
            thread.join()
            for one in taken:
                one.close()


@pytest.mark.parametrize("before", [b"HTTP/1.1 ", b"HTTP/1.1 100 Continue\r\nx: "], ids=["status", "headers"])
def test_a_receiver_that_trickles_has_one_deadline_for_all_of_its_answer(before: bytes) -> None:
    with trickling(before=before) as (address, taken):
        begin_s = time.monotonic()
        assert not tell(address)
        assert time.monotonic() - begin_s < ANSWER_S + QUICK.timeout_s + 20
        assert taken


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SLOW_S / 2):
        while not holds():
            await asyncio.sleep(0.02)


@pytest.mark.parametrize("elsewhere", [True, False], ids=["another host", "another tenant"])
async def test_receivers_that_trickle_hold_up_nobody_else(*, elsewhere: bool) -> None:
    async def use(sender: WebhookSender, slow: str, quick: str) -> None:
        held = [asyncio.create_task(sender.send(ended(slow))) for _ in range(30)]
        await until(lambda: len(taken) == AT_ONCE_OF_TENANT)
        other = ended(quick.replace("127.0.0.1", "localhost") if elsewhere else quick)
        other.tenant = other.tenant if elsewhere else "b"
        async with asyncio.timeout(SLOW_S / 2):
            assert await sender.send(other)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    with trickling() as (slow, taken), receiving(200) as quick, webhooks(
        hosts=("127.0.0.1", "localhost"), answer_s=SLOW_S
    ) as sender:  # fmt: skip
        await use(sender, slow, quick.url)
        assert len(taken) == AT_ONCE_OF_TENANT


async def test_one_host_gets_a_bounded_number_of_webhooks_at_a_time() -> None:
    async def use(sender: WebhookSender, slow: str) -> None:
        records = [ended(slow) for _ in range(30)]
        for number, record in enumerate(records):
            record.tenant = f"t{number}"
        held = [asyncio.create_task(sender.send(record)) for record in records]
        await until(lambda: len(taken) == AT_ONCE_TO_HOST)
        await asyncio.sleep(0.5)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)

    with trickling() as (slow, taken), webhooks(answer_s=SLOW_S) as sender:
        await use(sender, slow)
        assert len(taken) == AT_ONCE_TO_HOST


@pytest.mark.parametrize(
    "answer",
    [
        b"", b"nonsense\r\n\r\n", b"HTTP/2 200\r\n\r\n", b"HTTP/1.1 2000 OK\r\n\r\n", b"x" * 100_000,
        b"HTTP/1.1 100 C\r\n\r\n" * 200,
    ],
    ids=["nothing", "no HTTP", "another version", "no status", "a long line", "interim ones alone"],
)  # fmt: skip
def test_what_is_no_answer_is_none(answer: bytes) -> None:
    with answering(answer) as address:
        assert not tell(address)


@pytest.mark.parametrize(
    "answer",
    [b"HTTP/1.1 204 \r\n\r\n", b"HTTP/1.0 200 \r\n\r\n", b"HTTP/1.1 103 E\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"],
)  # fmt: skip
def test_plain_answers_and_those_after_interim_ones_count(answer: bytes) -> None:
    with answering(answer) as address:
        assert tell(address)


@contextlib.contextmanager
def answering(answer: bytes) -> Iterator[str]:
    """A receiver that answers with these bytes."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.connection.recv(1 << 16)
            with contextlib.suppress(OSError):
                self.wfile.write(answer)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/jobs"
        finally:
            server.shutdown()
            thread.join()


def test_an_authority_that_cant_be_read_is_refused_at_the_start(tmp_path: Path) -> None:
    settings = GatewaySettings(webhook_hosts=("a",), webhook_secret=SecretStr(SECRET), webhook_ca_file=tmp_path / "no")
    with pytest.raises(UsageError, match="LIFTLINE_GATEWAY_WEBHOOK_CA_FILE"):
        WebhookSender(settings)
