"""What clients are told of errors, and what they aren't."""

from __future__ import annotations

import grpc
import pytest
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2
from structlog.testing import capture_logs

from liftline import errors
from liftline.service.api_errors import ApiError, ErrorKind, Violation
from liftline.service.grpc.status_codes import code_of, status_of

Code = grpc.StatusCode


def details(status: status_pb2.Status) -> tuple[error_details_pb2.ErrorInfo, list[error_details_pb2.BadRequest]]:
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    requests = []
    for detail in status.details[1:]:
        request = error_details_pb2.BadRequest()
        assert detail.Unpack(request)
        requests.append(request)
    return info, requests


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (errors.UsageError("x"), Code.INVALID_ARGUMENT, "USAGE"),
        (errors.InvalidInputError("x"), Code.INVALID_ARGUMENT, "INVALID_INPUT"),
        (errors.InvalidVideoError("x"), Code.INVALID_ARGUMENT, "INVALID_VIDEO"),
        (errors.LimitExceededError("x"), Code.RESOURCE_EXHAUSTED, "LIMIT_EXCEEDED"),
        (errors.ModelError("x"), Code.FAILED_PRECONDITION, "MODEL"),
        (errors.Cancelled("x"), Code.CANCELLED, "CANCELLED"),
        (ApiError(ErrorKind.NOT_FOUND, "JOB_NOT_FOUND", "x"), Code.NOT_FOUND, "JOB_NOT_FOUND"),
    ],
)
def test_an_error_of_the_clients_keeps_its_words(error: Exception, code: grpc.StatusCode, reason: str) -> None:
    status = status_of(error, method="/m")
    info, _ = details(status)
    assert (status.code, status.message) == (code.value[0], "x")
    assert (info.reason, info.domain) == (reason, "liftline")


@pytest.mark.parametrize(
    ("error", "code", "event"),
    [
        (ZeroDivisionError("the secret"), Code.INTERNAL, "request_failed"),
        (errors.OutputError("/the secret/disk is full"), Code.INTERNAL, "request_failed"),
        (errors.UnavailableError("nats://the secret"), Code.UNAVAILABLE, "request_not_possible"),
    ],
)
def test_a_fault_of_this_side_is_logged_under_an_id_and_its_words_stay_here(
    error: Exception, code: grpc.StatusCode, event: str
) -> None:
    with capture_logs() as logs:
        status = status_of(error, method="/m")
    info, _ = details(status)
    assert status.code == code.value[0]
    assert b"secret" not in status.SerializeToString()
    assert [(line["event"], line["error_id"]) for line in logs] == [(event, info.metadata["error_id"])]
    assert info.metadata["error_id"] in status.message


def test_bytes_that_are_no_request_are_the_clients_error() -> None:
    status = status_of(DecodeError("internals"), method="/liftline.v1.JobService/GetJob")
    assert status.code == Code.INVALID_ARGUMENT.value[0]
    assert details(status)[0].reason == "MALFORMED_REQUEST"


def test_wrong_fields_are_named() -> None:
    error = ApiError(ErrorKind.INVALID_ARGUMENT, "INVALID_REQUEST", "x", violations=[Violation("name", "Too long.")])
    _, (request,) = details(status_of(error, method="/m"))
    assert [(one.field, one.description) for one in request.field_violations] == [("name", "Too long.")]


def test_a_status_fits_a_trailer_however_much_is_wrong() -> None:
    wrong = [Violation(f"settings.export_formats[{number}]", "No such format. " * 5) for number in range(1000)]
    error = ApiError(ErrorKind.INVALID_ARGUMENT, "INVALID_REQUEST", "ä" * 100_000, violations=wrong)
    assert len(status_of(error, method="/m").SerializeToString()) < 4096


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_of_error_has_a_code(kind: ErrorKind) -> None:
    assert code_of(kind).name == kind.name
