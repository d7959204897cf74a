"""API errors as gRPC clients get them: canonical status codes with `google.rpc.ErrorInfo` (https://google.aip.dev/193)."""

from __future__ import annotations

from collections.abc import Iterator

import grpc
from google.protobuf.any_pb2 import Any
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2

from liftline.service.api_errors import ApiError, ErrorKind, api_error

DOMAIN = "liftline"
# A status travels in the trailer of its answer, for which HTTP/2 gives 8 KB: too much of it would replace the status.
_MESSAGE_LENGTH, _VIOLATIONS = 1000, 10


def status_of(error: Exception, *, method: str) -> status_pb2.Status:
    """What the client is told of an error. Those that are no fault of the client's are logged by `api_error`."""
    if isinstance(error, DecodeError):
        told = ApiError(
            ErrorKind.INVALID_ARGUMENT, "MALFORMED_REQUEST", f"The bytes are no request of {method}."
        )  # fmt: skip
    else:
        told = api_error(error, method=method)
    status = status_pb2.Status(code=code_of(told.kind).value[0], message=str(told)[:_MESSAGE_LENGTH])
    for detail in _details(told):
        packed = Any()
        packed.Pack(detail)
        status.details.append(packed)
    return status


def code_of(kind: ErrorKind) -> grpc.StatusCode:
    """gRPC's code of that name."""
    return grpc.StatusCode[kind.name]


def _details(error: ApiError) -> Iterator[Message]:
    yield error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata)
    fields = [error_details_pb2.BadRequest.FieldViolation(**one._asdict()) for one in error.violations[:_VIOLATIONS]]
    if fields:
        yield error_details_pb2.BadRequest(field_violations=fields)
