"""Why requests of clients aren't done: those answers that several methods give."""

from __future__ import annotations

from collections.abc import Sequence

import grpc

from liftline.service.grpc.status_codes import RefusedError, Violation


def invalid(violations: Sequence[Violation]) -> RefusedError:
    """Fields of the request are wrong. They are all told at once."""
    message = " ".join(f"{one.field}: {one.description}" for one in violations)
    return RefusedError(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_REQUEST", message, violations=violations)


def not_found(name: str) -> RefusedError:
    """Nothing of that name is the caller's; whether it is somebody else's isn't told."""
    return RefusedError(grpc.StatusCode.NOT_FOUND, "NOT_FOUND", f"{name}: not found.", metadata={"name": name})
