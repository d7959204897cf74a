"""What callers of an API are told when a request fails: what kind of error, for which reason, in which words.

The same for every protocol; each translates at its border, gRPC in `liftline.service.grpc.status_codes`. Kinds are the
canonical ones of https://google.aip.dev/193, for which gRPC and HTTP both have codes.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from enum import Enum, auto
from types import MappingProxyType
from typing import NamedTuple

import structlog

from liftline.errors import (
    Cancelled,
    InvalidInputError,
    LiftlineError,
    LimitExceededError,
    ModelError,
    UnavailableError,
    UsageError,
)

_NO_METADATA: Mapping[str, str] = MappingProxyType({})
_log = structlog.get_logger(__name__)


class ErrorKind(Enum):
    """Kinds of errors; what a caller can do about one depends on its kind."""

    INVALID_ARGUMENT = auto()
    UNAUTHENTICATED = auto()
    PERMISSION_DENIED = auto()
    NOT_FOUND = auto()
    ALREADY_EXISTS = auto()
    FAILED_PRECONDITION = auto()
    RESOURCE_EXHAUSTED = auto()
    CANCELLED = auto()
    UNAVAILABLE = auto()
    INTERNAL = auto()


class Violation(NamedTuple):
    """What is wrong with one field of a request."""

    field: str
    description: str


class ApiError(LiftlineError):
    """A request that isn't done.

    Attributes:
        kind: decides the code of the answer.
        reason: in UPPER_SNAKE_CASE, for programs to tell errors of one kind apart.
        metadata: further values for programs.
        violations: fields of the request that are wrong.
    """

    def __init__(
        self,
        kind: ErrorKind,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] = _NO_METADATA,
        violations: Sequence[Violation] = (),
    ) -> None:
        """`message` is a sentence or two for people."""
        super().__init__(message)
        self.kind, self.reason = kind, reason
        self.metadata, self.violations = dict(metadata), tuple(violations)


def invalid_request(violations: Sequence[Violation]) -> ApiError:
    """Fields of the request are wrong, all of which are told at once."""
    message = " ".join(f"{one.field}: {one.description}" for one in violations)
    return ApiError(ErrorKind.INVALID_ARGUMENT, "INVALID_REQUEST", message, violations=violations)


def not_found(name: str) -> ApiError:
    """The caller has nothing of that name; whether somebody else has isn't told."""
    return ApiError(ErrorKind.NOT_FOUND, "NOT_FOUND", f"{name}: not found.", metadata={"name": name})


_CALLERS_FAULT: Sequence[tuple[type[LiftlineError], ErrorKind]] = (
    (UsageError, ErrorKind.INVALID_ARGUMENT),
    (LimitExceededError, ErrorKind.RESOURCE_EXHAUSTED),
    (InvalidInputError, ErrorKind.INVALID_ARGUMENT),
    (ModelError, ErrorKind.FAILED_PRECONDITION),
    (Cancelled, ErrorKind.CANCELLED),
)


def api_error(error: Exception, *, method: str) -> ApiError:
    """What the caller of `method` is told of an error.

    What went wrong on this side is logged here under an id; the caller gets the id, never the text.
    """
    if isinstance(error, ApiError):
        return error
    for kind_of_error, kind in _CALLERS_FAULT:
        if isinstance(error, kind_of_error):
            return ApiError(kind, _reason(error), str(error))
    return _own_fault(error, method)


def _own_fault(error: Exception, method: str) -> ApiError:
    error_id = secrets.token_hex(8)
    metadata = {"error_id": error_id}
    if isinstance(error, UnavailableError):
        _log.warning("request_not_possible", method=method, error_id=error_id, error=str(error))
        message = f"Something that Liftline needs doesn't answer; try again a little later (error {error_id})."
        return ApiError(ErrorKind.UNAVAILABLE, _reason(error), message, metadata=metadata)
    _log.error("request_failed", method=method, error_id=error_id, exc_info=error)
    message = f"A fault of Liftline's own; its operator finds more in the log under error {error_id}."
    return ApiError(ErrorKind.INTERNAL, "INTERNAL", message, metadata=metadata)


def _reason(error: LiftlineError) -> str:
    """`InvalidVideoError` -> `INVALID_VIDEO`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
