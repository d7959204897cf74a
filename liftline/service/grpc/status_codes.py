"""Errors as gRPC clients see them: canonical status codes with `google.rpc.ErrorInfo`, see https://google.aip.dev/193.

What went wrong on this side is logged under an id; the client gets the id, never the text.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import grpc
import structlog
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from liftline.errors import (
    Cancelled,
    InvalidInputError,
    LiftlineError,
    LimitExceededError,
    ModelError,
    UnavailableError,
    UsageError,
)

DOMAIN = "liftline"
# A status travels in the trailer of its answer, for which HTTP/2 gives 8 KB: too much of it would replace the status.
_MESSAGE_LENGTH, _VIOLATIONS = 1000, 10
_NO_METADATA: Mapping[str, str] = MappingProxyType({})
_log = structlog.get_logger(__name__)

_CLIENT_CODES: Sequence[tuple[type[LiftlineError], grpc.StatusCode]] = (
    (UsageError, grpc.StatusCode.INVALID_ARGUMENT),
    (LimitExceededError, grpc.StatusCode.RESOURCE_EXHAUSTED),
    (InvalidInputError, grpc.StatusCode.INVALID_ARGUMENT),
    (ModelError, grpc.StatusCode.FAILED_PRECONDITION),
    (Cancelled, grpc.StatusCode.CANCELLED),
)


class Violation(NamedTuple):
    """What is wrong with one field of a request."""

    field: str
    description: str


class RefusedError(LiftlineError):
    """A request that isn't done, and won't be however often it is sent unless something changes."""

    def __init__(
        self,
        code: grpc.StatusCode,
        reason: str,
        message: str,
        *,
        metadata: Mapping[str, str] = _NO_METADATA,
        violations: Sequence[Violation] = (),
    ) -> None:
        """With a `reason` in UPPER_SNAKE_CASE for programs and a sentence or two for people."""
        super().__init__(message)
        self.code, self.reason = code, reason
        self.metadata, self.violations = dict(metadata), tuple(violations)


def status_of(error: Exception, *, method: str) -> status_pb2.Status:
    """What the client is told of an error. Those that are no fault of the client's are logged here."""
    if isinstance(error, RefusedError):
        fields = [
            error_details_pb2.BadRequest.FieldViolation(**one._asdict()) for one in error.violations[:_VIOLATIONS]
        ]
        wrong = [error_details_pb2.BadRequest(field_violations=fields)] if fields else []
        return _status(error.code, error.reason, str(error), metadata=error.metadata, more=wrong)
    if isinstance(error, DecodeError):
        return _status(
            grpc.StatusCode.INVALID_ARGUMENT, "MALFORMED_REQUEST", f"The bytes are no request of {method}."
        )  # fmt: skip
    for kind, code in _CLIENT_CODES:
        if isinstance(error, kind):
            return _status(code, _reason(error), str(error))
    return _own_fault(error, method)


def _own_fault(error: Exception, method: str) -> status_pb2.Status:
    error_id = secrets.token_hex(8)
    metadata = {"error_id": error_id}
    if isinstance(error, UnavailableError):
        _log.warning("request_not_possible", method=method, error_id=error_id, error=str(error))
        message = f"Something that Liftline needs doesn't answer; try again a little later (error {error_id})."
        return _status(grpc.StatusCode.UNAVAILABLE, _reason(error), message, metadata=metadata)
    _log.error("request_failed", method=method, error_id=error_id, exc_info=error)
    message = f"A fault of Liftline's own; its operator finds more in the log under error {error_id}."
    return _status(grpc.StatusCode.INTERNAL, "INTERNAL", message, metadata=metadata)


def _status(
    code: grpc.StatusCode,
    reason: str,
    message: str,
    *,
    metadata: Mapping[str, str] = _NO_METADATA,
    more: Sequence[Message] = (),
) -> status_pb2.Status:
    status = status_pb2.Status(code=code.value[0], message=message[:_MESSAGE_LENGTH])
    for detail in (error_details_pb2.ErrorInfo(reason=reason, domain=DOMAIN, metadata=metadata), *more):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def _reason(error: LiftlineError) -> str:
    """`InvalidVideoError` -> `INVALID_VIDEO`."""
    name = type(error).__name__.removesuffix("Error")
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).upper()
