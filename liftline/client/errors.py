"""Answers of the gateway that aren't the one hoped for, as Liftline's errors.

Codes: https://grpc.io/docs/guides/status-codes/.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import grpc

from liftline.errors import ExitCode, LiftlineError, UnavailableError, UsageError


class NotFoundError(LiftlineError):
    """There is no such job, or it belongs to somebody else."""

    exit_code = ExitCode.BAD_INPUT


class AccessError(LiftlineError):
    """The gateway doesn't know the caller, or doesn't let it do this."""

    exit_code = ExitCode.USAGE


class QuotaError(LiftlineError):
    """A limit of the tenant is reached; when some of its jobs have ended the same may work."""

    exit_code = ExitCode.UNAVAILABLE


class JobStateError(LiftlineError):
    """The job isn't in a state in which that can be done."""


class ServerError(LiftlineError):
    """A fault of the gateway's own, or a gateway of another version."""


_KINDS: dict[grpc.StatusCode, type[LiftlineError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: UsageError,
    grpc.StatusCode.OUT_OF_RANGE: UsageError,
    grpc.StatusCode.ALREADY_EXISTS: UsageError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.UNAUTHENTICATED: AccessError,
    grpc.StatusCode.PERMISSION_DENIED: AccessError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: QuotaError,
    grpc.StatusCode.FAILED_PRECONDITION: JobStateError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: UnavailableError,
    grpc.StatusCode.ABORTED: UnavailableError,
    grpc.StatusCode.CANCELLED: UnavailableError,
}
_HINTS = {
    grpc.StatusCode.NOT_FOUND: "; it was deleted, or never yours; `liftline list` shows your jobs",
    grpc.StatusCode.UNAUTHENTICATED: "; give a token by LIFTLINE_TOKEN or LIFTLINE_TOKEN_FILE",
    grpc.StatusCode.UNAVAILABLE: "; is it running there? `liftline up` starts one on this machine",
    grpc.StatusCode.DEADLINE_EXCEEDED: "; it is too busy or the connection is broken, try again later",
}


def code_of(error: grpc.RpcError) -> grpc.StatusCode:
    """The status code of a gRPC error; UNKNOWN where it has none."""
    return error.code() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else grpc.StatusCode.UNKNOWN


def error_of(error: grpc.RpcError, *, server: str) -> LiftlineError:
    """The error that tells what the gateway answered."""
    code = code_of(error)
    said = (error.details() if isinstance(error, grpc.Call | grpc.aio.AioRpcError) else str(error)) or code.name
    kind = _KINDS.get(code, ServerError)
    hint = _HINTS.get(code, "")
    if hint:
        said = f"{said.rstrip('. ')}{hint}."
    if kind in {UnavailableError, AccessError, ServerError}:
        said = f"{server}: {said.rstrip('. ')}."
    return kind(said)


@contextmanager
def told_apart(server: str) -> Iterator[None]:
    """Turn what gRPC raises into Liftline's errors."""
    try:
        yield
    except grpc.RpcError as error:
        raise error_of(error, server=server) from error
