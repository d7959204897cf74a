"""Who sent the request that is being handled."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from contextvars import ContextVar

import grpc

from liftline.serving.errors import RefusedError
from liftline.serving.interceptors import Around, Context, is_open
from liftline.serving.tokens import OPERATOR, Caller, TokenChecker

LOCAL = Caller("local", frozenset({OPERATOR}))
"""Everyone on this machine, where no key for tokens is set."""

_caller: ContextVar[Caller] = ContextVar("liftline_caller")


def caller() -> Caller:
    """The sender of the request that this task handles. Raises LookupError outside of requests."""
    return _caller.get()


def require_operator() -> None:
    """Raise RefusedError (PERMISSION_DENIED) unless the sender runs the deployment."""
    if OPERATOR not in caller().scopes:
        raise RefusedError(
            grpc.StatusCode.PERMISSION_DENIED, "OPERATOR_ONLY", f"The token lacks the scope {OPERATOR!r}."
        )  # fmt: skip


class Identifying(Around):
    """Finds out who sends a request, before it is handled."""

    def __init__(self, checker: TokenChecker | None) -> None:
        """With no checker everyone is `LOCAL`; for loopback addresses only."""
        self._checker = checker

    @asynccontextmanager
    async def around(self, method: str, context: Context) -> AsyncIterator[None]:
        """Refuse it where its token is missing or wrong."""
        if is_open(method):
            yield
            return
        known = LOCAL if self._checker is None else self._checker.check(_bearer_token(context))
        reset = _caller.set(known)
        try:
            yield
        finally:
            _caller.reset(reset)


def _bearer_token(context: Context) -> str:
    values = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    scheme, _, token = str(values[0]).partition(" ") if len(values) == 1 else ("", "", "")
    if scheme.lower() != "bearer" or not token.strip():
        raise RefusedError(
            grpc.StatusCode.UNAUTHENTICATED, "TOKEN_MISSING",
            "The request needs metadata `authorization: Bearer <token>`; `liftline token` makes tokens.",
        )  # fmt: skip
    return token.strip()
