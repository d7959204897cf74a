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
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC

import structlog
import urllib3
from google.protobuf.json_format import MessageToDict

from liftline.errors import UnavailableError, UsageError
from liftline.net.retrying import WEBHOOK, RetryPolicy, retry_async
from liftline.settings.services import GatewaySettings
from liftline.v1.job_service_pb2 import Job
from liftline.v1.records_pb2 import JobRecord
from liftline_gateway.webhooks.address import address_problem

log = structlog.get_logger(__name__)

_LEAST_KEY_BYTES = 24
_CONCURRENCY = 8
_GONE = 410


class WebhookSender:
    """Posts to hosts that the deployment allows, and to no others."""

    def __init__(self, settings: GatewaySettings, *, answer_s: float = 10.0, policy: RetryPolicy = WEBHOOK) -> None:
        """A receiver has `answer_s` to answer one attempt.

        Raises UsageError where webhooks are allowed but the key is missing, too short or no base64.
        """
        self._hosts, self._policy = settings.webhook_hosts, policy
        self._key = signing_key(settings.webhook_secret.get_secret_value()) if self._hosts else b""
        ca_file = str(settings.webhook_ca_file) if settings.webhook_ca_file else None
        timeout = urllib3.Timeout(connect=answer_s, read=answer_s)
        self._client = urllib3.PoolManager(num_pools=_CONCURRENCY, timeout=timeout, retries=False, ca_certs=ca_file)
        self._threads = ThreadPoolExecutor(_CONCURRENCY, thread_name_prefix="webhook")

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
        """Close connections; what wasn't answered is sent again by the gateway that takes over."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.clear()

    async def _attempt(self, record: JobRecord) -> str | None:
        """POST once; None if answered, else why a retry is of no use. Raises UnavailableError where it may be."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._post, record)

    def _post(self, record: JobRecord) -> str | None:
        body = payload_of(record)
        try:
            answer = self._client.request(
                "POST",
                record.webhook_uri,
                body=body,
                headers={
                    "content-type": "application/json",
                    "user-agent": "liftline",
                    **signature_headers(self._key, identity=record.job, time_s=int(time.time()), body=body),
                },
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            raise UnavailableError(f"{_host(record)} can't be reached: {error}") from error
        answer.close()
        if 200 <= answer.status < 300:
            return None
        if 300 <= answer.status < 400:
            return f"It answered {answer.status}, and webhooks follow no redirects."
        if answer.status == _GONE:
            return "It answered that it is gone (410)."
        raise UnavailableError(f"{_host(record)} answered {answer.status}.")


def _host(record: JobRecord) -> str:
    """What may be shown of the address: with many receivers the rest of it is a key."""
    return urllib3.util.parse_url(record.webhook_uri).netloc or ""


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
