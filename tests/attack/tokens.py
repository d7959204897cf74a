"""Requests with tokens that are none: nobody learns anything, and the gateway goes on."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import grpc

from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2_grpc import JobServiceStub
from tests.attack.ground import ANSWER_S, Ground
from tests.attack.token_kinds import Headers, kinds
from tests.attack.trials import FellError, Trial, hold

REFUSED = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
TOO_LARGE = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE)
"""Headers of more than 16 KB: gRPC ends the request, or its connection, without asking anybody."""
_HEADER_BYTES = 16_000


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """One request each."""
    found = list(kinds(ground.keys, tenant=ground.a.name, mine=ground.b.token).items())
    for name, values in found[:: len(found) // 15] if few else found:
        yield name, partial(_ask, ground, values)


def _ask(ground: Ground, values: Headers) -> None:
    metadata = tuple(("authorization", value) for value in values)
    with ground.channel() as channel:
        stub = JobServiceStub(channel)
        for ask, request in (
            (stub.GetJob, api.GetJobRequest(name=f"jobs/{ground.hers.id}")), (stub.ListJobs, api.ListJobsRequest()),
        ):  # fmt: skip
            try:
                answer = ask(request, metadata=metadata, timeout=ANSWER_S)
            except grpc.RpcError as error:
                allowed = TOO_LARGE if sum(map(len, values)) > _HEADER_BYTES else ()
                hold(error.code() in (*REFUSED, *allowed), f"{error.code()}: {error.details()}")
            else:
                raise FellError(f"an answer: {str(answer)[:200]}")
    ground.check_answers()
