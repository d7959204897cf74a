"""HTTP connections to an S3 server that goes away and comes back: each request is repeated for some seconds.

Repeating is safe: every request sets, reads or removes something by name. Requests are signed by whoever sends them,
once; a signature is good for 15 minutes, much longer than anyone is patient here.
"""

from __future__ import annotations

import ssl
from functools import partial
from typing import Any

import structlog
import urllib3
from urllib3.exceptions import HTTPError
from urllib3.response import BaseHTTPResponse
from urllib3.util import Timeout

from liftline.net.retrying import S3_REQUEST, retry

log = structlog.get_logger(__name__)
_AWAY = frozenset((429, 500, 502, 503, 504))
_OK = 200
_CONNECT_S = 3.0
_SLOW_ANSWER_S = 300.0
"""For what the server does with gigabytes before it answers: copying, putting parts together."""

_CONNECTIONS = 128
"""Kept open; more threads than that open and close their own."""


class AwayError(HTTPError):
    """The server answers that it can't just now."""


class RetryingPool(urllib3.PoolManager):
    """Repeats requests that fail for want of a server until `retry_s` have passed; follows no redirects.

    Raises urllib3.exceptions.HTTPError, of the last try.
    """

    def __init__(self, *, retry_s: float, answer_s: float, tls: ssl.SSLContext) -> None:
        """`answer_s`: a server that is silent for so long is taken for gone. `tls`: how https is checked."""
        super().__init__(
            maxsize=_CONNECTIONS, timeout=Timeout(connect=_CONNECT_S, read=answer_s), retries=False, ssl_context=tls
        )
        self._retry_s = retry_s

    def urlopen(self, method: str, url: str, *_: Any, **options: Any) -> BaseHTTPResponse:
        """One answer that is the server's word on the matter."""
        options |= {"redirect": False, "retries": False}
        if _is_slow(method, options):
            options["timeout"] = Timeout(connect=_CONNECT_S, read=_SLOW_ANSWER_S)
        return retry(
            S3_REQUEST.within(self._retry_s),
            partial(self._once, method, url, options),
            on=lambda error: _may_pass(error) and not _is_tidying(method, url),
            failed=lambda error: log.warning("store_away", error=str(error)),
        )

    def _once(self, method: str, url: str, options: dict[str, Any]) -> BaseHTTPResponse:
        response = super().urlopen(method, url, **options)
        if response.status in _AWAY:
            response.drain_conn()
            raise AwayError(f"it answers {response.status} {response.reason or ''}".rstrip())
        if method == "DELETE" and response.status == _OK:  # S3 has nothing to say then, somebody else has
            response.drain_conn()
            raise AwayError("it answers a removal with a page")
        return response


def _may_pass(error: Exception) -> bool:
    """Whether the same may work a little later; a certificate that isn't trusted stays so."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return False
        cause = cause.__cause__ or cause.__context__
    return isinstance(error, HTTPError)


def _is_slow(method: str, options: dict[str, Any]) -> bool:
    return method == "POST" or "x-amz-copy-source" in (options.get("headers") or ())


def _is_tidying(method: str, url: str) -> bool:
    """The end of an upload that is given up, which has been waited for already."""
    return method == "DELETE" and "uploadId=" in url
