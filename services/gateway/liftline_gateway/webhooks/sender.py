"""The webhook that tells a client's server that its job has ended: a signed POST, retried until it is answered.

Headers and signature are those of Standard Webhooks (https://www.standardwebhooks.com). The id is that of the job, so a
receiver can tell when it gets one twice, after a crash here.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import json
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

import httpx
import structlog
from google.protobuf.json_format import MessageToDict
from urllib3.util import Url, parse_url

from liftline.errors import UnavailableError, UsageError
from liftline.net.retrying import WEBHOOK, RetryPolicy, retry_async
from liftline.settings.services import GatewaySettings
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.turns import Turns
from liftline_gateway.webhooks.address import address_problem

log = structlog.get_logger(__name__)

_LEAST_KEY_BYTES = 24
AT_ONCE_OF_TENANT, AT_ONCE_TO_HOST, _AT_ONCE = 2, 8, 64
"""Attempts at a time: of one tenant to one host, of all to one host, of all to all."""
_RESOLVING = 8
_GONE = 410


class WebhookSender:
    """Posts to hosts that the deployment allows, and to no others."""

    def __init__(self, settings: GatewaySettings, *, answer_s: float = 10.0, policy: RetryPolicy = WEBHOOK) -> None:
        """A receiver has `answer_s` for all of one attempt, from the look-up of its name to its answer's last header.

        Raises UsageError where webhooks are allowed but the key is missing, too short or no base64, or the file of
        authorities can't be read.
        """
        self._hosts, self._answer_s, self._policy = settings.webhook_hosts, answer_s, policy
        self._key = signing_key(settings.webhook_secret.get_secret_value()) if self._hosts else b""
        self._tls = _tls(settings) if self._hosts else ssl.create_default_context()
        self._resolver = ThreadPoolExecutor(_RESOLVING, thread_name_prefix="webhook")
        self._of_tenant = Turns(of_one=AT_ONCE_OF_TENANT, of_all=_AT_ONCE)
        self._of_host = Turns(of_one=AT_ONCE_TO_HOST, of_all=_AT_ONCE)

    async def send(self, record: JobRecord) -> bool:
        """Tell of a job's end. Returns, perhaps after minutes, whether it was answered; if not, it was given up."""
        logger = log.bind(tenant=record.tenant, job=record.job)
        problem = address_problem(record.webhook_uri, hosts=self._hosts)
        if problem is not None:
            logger.warning("webhook_refused", problem=problem)
            return False
        logger = logger.bind(webhook_host=_host(record))
        try:
            problem = await retry_async(self._policy, lambda: self._attempt(record))
        except UnavailableError as error:
            problem = str(error)
        if problem is not None:
            logger.warning("webhook_given_up", problem=problem)
            return False
        logger.info("webhook_answered")
        return True

    def close(self) -> None:
        """What wasn't answered is sent again by the gateway that takes over."""
        self._resolver.shutdown(wait=False, cancel_futures=True)

    async def _attempt(self, record: JobRecord) -> str | None:
        """POST once; None if answered, else why a retry is of no use. Raises UnavailableError where it may be."""
        url = parse_url(record.webhook_uri)
        async with self._of_tenant.turn((record.tenant, url.host)), self._of_host.turn(url.host):
            try:
                async with asyncio.timeout(self._answer_s):
                    status = await self._post(url, record)
            except TimeoutError as error:
                raise UnavailableError(f"{url.netloc} didn't answer within {self._answer_s:g} s.") from error
            except (OSError, httpx.HTTPError) as error:
                raise UnavailableError(f"{url.netloc} can't be reached: {error}") from error
        if 200 <= status < 300:
            return None
        if 300 <= status < 400:
            return f"It answered {status}, and webhooks follow no redirects."
        if status == _GONE:
            return "It answered that it is gone (410)."
        raise UnavailableError(f"{url.netloc} answered {status}.")

    async def _post(self, url: Url, record: JobRecord) -> int:
        """The status; the rest of the answer isn't read. Raises OSError and httpx.HTTPError."""
        body = payload_of(record)
        headers = {
            "content-type": "application/json",
            "user-agent": "liftline",
            **signature_headers(self._key, identity=record.job, time_s=int(time.time()), body=body),
        }
        await self._resolve(url)
        address = httpx.URL(scheme=url.scheme or "", host=url.host or "", port=url.port, raw_path=_path(url))
        async with (
            httpx.AsyncClient(verify=self._tls, trust_env=False, timeout=self._answer_s) as client,
            client.stream("POST", address, content=body, headers=headers) as answer,
        ):
            return answer.status_code

    async def _resolve(self, url: Url) -> None:
        """Look the name up in threads of our own: a name server that is slow must not hold those that all share."""
        host = (url.host or "").strip("[]")
        await asyncio.get_running_loop().run_in_executor(self._resolver, socket.getaddrinfo, host, None)


def _path(url: Url) -> bytes:
    """The parser of `address_problem` has said what the host is; here the address isn't parsed a second time."""
    return url.request_uri.encode("ascii")


def _tls(settings: GatewaySettings) -> ssl.SSLContext:
    """Raises UsageError for a file that holds no authority."""
    try:
        return ssl.create_default_context(cafile=settings.webhook_ca_file)
    except OSError as error:
        problem = f"{settings.webhook_ca_file}: no certificates can be read there ({error}); name another file."
        raise UsageError(f"LIFTLINE_GATEWAY_WEBHOOK_CA_FILE: {problem}") from error


def _host(record: JobRecord) -> str:
    """What may be shown of the address: with many receivers the rest of it is a key."""
    return parse_url(record.webhook_uri).netloc or ""


def payload_of(record: JobRecord) -> bytes:
    """Body of the webhook, JSON: type `job.<state>`, time of the end, the job."""
    job = Job(name=f"jobs/{record.job}", state=record.state, video_name=record.video_name)
    for field in ("failure", "create_time", "end_time"):
        if record.HasField(field):
            getattr(job, field).CopyFrom(getattr(record, field))
    kind = Job.State.Name(record.state).removeprefix("STATE_").lower()
    moment = record.end_time.ToDatetime(tzinfo=UTC).isoformat()
    return json.dumps({"type": f"job.{kind}", "timestamp": moment, "data": MessageToDict(job)}).encode()


def signature_headers(key: bytes, *, identity: str, time_s: int, body: bytes) -> dict[str, str]:
    """Headers that let the receiver know the sender, and that nothing was changed or sent again later."""
    digest = hmac.digest(key, f"{identity}.{time_s}.".encode() + body, hashlib.sha256)
    return {
        "webhook-id": identity,
        "webhook-timestamp": str(time_s),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def signing_key(secret: str) -> bytes:
    """The bytes behind `whsec_<base64>`, or those of any other text. Raises UsageError where they are no good."""
    prefix = "whsec_"
    try:
        key = (
            base64.b64decode(secret.removeprefix(prefix), validate=True)
            if secret.startswith(prefix)
            else secret.encode()
        )
    except binascii.Error as error:
        raise UsageError("LIFTLINE_GATEWAY_WEBHOOK_SECRET: after whsec_ comes base64, and this is none.") from error
    if len(key) < _LEAST_KEY_BYTES:
        raise UsageError(
            f"LIFTLINE_GATEWAY_WEBHOOK_SECRET: webhooks need a key of at least {_LEAST_KEY_BYTES} bytes; "
            "make one with `openssl rand -base64 32` and put whsec_ before it."
        )
    return key
