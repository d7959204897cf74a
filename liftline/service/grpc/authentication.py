"""Who sent the request that is being handled. Tokens themselves are checked in `liftline.service.tokens`."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from contextvars import ContextVar

from liftline.service.api_errors import ApiError, ErrorKind
from liftline.service.grpc.interceptors import Around, Context, is_open
from liftline.service.tokens import LOCAL, OPERATOR, Caller, TokenChecker, expired

_ANYONE = Caller("")
_PROBE = "/grpc.health.v1.Health/Check"
REQUESTS_OF_ONE, REQUESTS_OF_ANYONE = 1024, 256
"""At a time, of one tenant and of all without a token: nobody fills the server alone, and probes get through."""

_caller: ContextVar[Caller] = ContextVar("liftline_caller")


def caller() -> Caller:
    """The sender of the request that this task handles. Raises LookupError outside of requests."""
    return _caller.get()


def require_operator() -> None:
    """Raise ApiError (PERMISSION_DENIED) unless the sender runs the deployment."""
    if OPERATOR not in caller().scopes:
        raise ApiError(ErrorKind.PERMISSION_DENIED, "OPERATOR_ONLY", f"The token lacks the scope {OPERATOR!r}.")


class Authenticating(Around):
    """Finds out who sends a request, before it is handled, and ends it when its token is no longer good."""

    def __init__(self, checker: TokenChecker | None) -> None:
        """With no checker everyone is `LOCAL`; for loopback addresses only."""
        self._checker = checker
        self._running: Counter[str] = Counter()

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Refuse it where its token is missing or wrong, or its sender has too many."""
        if self._checker is None:
            known = LOCAL
        else:
            known = _ANYONE if is_open(method) else self._checker.check_header(_authorization(context))
        reset = _caller.set(known)
        try:
            uncounted = self._checker is None or method == _PROBE
            with nullcontext() if uncounted else self._counted(known):
                async with _until_expired(known):
                    yield
        finally:
            _caller.reset(reset)

    @contextmanager
    def _counted(self, known: Caller) -> Iterator[None]:
        most = REQUESTS_OF_ANYONE if known is _ANYONE else REQUESTS_OF_ONE
        if self._running[known.tenant] >= most:
            raise ApiError(
                ErrorKind.RESOURCE_EXHAUSTED, "TOO_MANY_REQUESTS",
                f"{most} requests are going on already; end some, such as those that watch jobs.",
            )  # fmt: skip
        self._running[known.tenant] += 1
        try:
            yield
        finally:
            self._running[known.tenant] -= 1
            if not self._running[known.tenant]:
                del self._running[known.tenant]


@asynccontextmanager
async def _until_expired(known: Caller) -> AsyncIterator[None]:
    left_s = None if known.expire_s is None else known.expire_s - time.time()
    try:
        async with asyncio.timeout(left_s) as limit:
            yield
    except TimeoutError:
        if limit.expired():
            raise expired() from None
        raise


def _authorization(context: Context) -> list[str]:
    return [str(value) for key, value in context.invocation_metadata() or () if key == "authorization"]
