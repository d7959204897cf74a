"""Why a request isn't done, as the client is told: a canonical status code, a reason for programs, words for people.

The forms are Google's AIP-193: `google.rpc.ErrorInfo`, and `google.rpc.BadRequest` where fields are wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import grpc
from google.protobuf.any_pb2 import Any
from google.rpc import error_details_pb2, status_pb2

from liftline.errors import LiftlineError

DOMAIN = "liftline"


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
        metadata: Mapping[str, str] | None = None,
        violations: Sequence[Violation] = (),
    ) -> None:
        """With a `reason` in UPPER_SNAKE_CASE and a sentence or two."""
        super().__init__(message)
        self.code, self.reason = code, reason
        self.metadata, self.violations = dict(metadata or {}), tuple(violations)

    @property
    def status(self) -> status_pb2.Status:
        """As it travels."""
        details: list[error_details_pb2.ErrorInfo | error_details_pb2.BadRequest] = [
            error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN, metadata=self.metadata)
        ]
        if self.violations:
            fields = [error_details_pb2.BadRequest.FieldViolation(**one._asdict()) for one in self.violations]
            details.append(error_details_pb2.BadRequest(field_violations=fields))
        packed = [Any() for _ in details]
        for box, detail in zip(packed, details, strict=True):
            box.Pack(detail)
        return status_pb2.Status(code=self.code.value[0], message=str(self), details=packed)


def invalid(violations: Sequence[Violation]) -> RefusedError:
    """Fields of the request are wrong. They are all told at once."""
    message = " ".join(f"{one.field}: {one.description}" for one in violations)
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", message, violations=violations)


def not_found(name: str) -> RefusedError:
    """Nothing of that name is the caller's; whether it is somebody else's isn't told."""
    return RefusedError(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", f"{name}: not found.", metadata={"name": name})
