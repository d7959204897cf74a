"""Floods and half of things, with a token and without: the gateway's memory stays bounded, and A is answered."""

from __future__ import annotations

import resource
import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from functools import partial

import grpc

from liftline.v1 import job_service_pb2 as api
from liftline.v1.job_service_pb2_grpc import JobServiceStub
from tests.attack.ground import ANSWER_S, Ground
from tests.attack.trials import SkippedError, Trial, hold
from tests.cluster import GATEWAY
from tests.integration.serving.raw_http2 import RawConnection

PATH = "/liftline.v1.JobService/GetJob"
MIB = 1 << 20
MORE_MIB, MORE_OF_CONNECTIONS_MIB, MORE_OF_WATCHES_MIB = 96, 256, 512
"""What an attack may add to the gateway. Of connections, 40 KiB each, there are 4096 at most; a watch takes 50."""


@dataclass(frozen=True)
class Amounts:
    """How many of each."""

    connections: int = 4
    resets: int = 40_000
    idle: int = 3000
    idle_tls: int = 1000
    watches: int = 3000
    listings: int = 200


FEW = Amounts(connections=2, resets=5000, idle=200, idle_tls=50, watches=200, listings=20)


def trials(ground: Ground, *, few: bool) -> Iterator[Trial]:
    """Each looks at the memory before and after."""
    amounts = FEW if few else Amounts()
    for token in (None, ground.b.token):
        words = "with a token" if token else "without a token"
        yield f"messages whose last byte is missing, {words}", partial(_half_sent, ground, amounts.connections, token)
        yield f"rapid resets, {words}", partial(_resets, ground, amounts.resets, token)
        if not (few and token):  # they have ten seconds
            yield f"requests without a message, {words}", partial(_unsaid, ground, amounts.connections, token)
    yield "refused requests without end", partial(_refused, ground)
    yield "a message of 2 MiB", partial(_too_large, ground)
    yield f"{amounts.idle} idle connections", partial(_idle, ground, amounts.idle)
    yield f"{amounts.idle_tls} idle connections with TLS", partial(_idle_tls, ground, amounts.idle_tls)
    yield f"{amounts.watches} watches", partial(_watches, ground, amounts.watches)
    yield f"{amounts.listings} listings", partial(_listings, ground, amounts.listings)


def _memory_mib(ground: Ground) -> float:
    return float(ground.process(ground.cluster.of(GATEWAY)[0]).memory_info().rss) / MIB


def _check(ground: Ground, before_mib: float, *, more_mib: float = MORE_MIB) -> None:
    ground.check_answers()
    more = _memory_mib(ground) - before_mib
    hold(more < more_mib, f"the gateway takes {more:.0f} MiB more")


def _tls(ground: Ground) -> ssl.SSLContext:
    made = ssl.create_default_context(cafile=ground.authority.file)
    made.set_alpn_protocols(["h2"])
    return made


def _raw(ground: Ground) -> RawConnection:
    return RawConnection(ground.port(), tls=_tls(ground))


def _half_sent(ground: Ground, connections: int, token: str | None) -> None:
    before_mib, streams = _memory_mib(ground), range(1, 300, 2)
    with ExitStack() as stack:
        held = [stack.enter_context(_raw(ground)) for _ in range(connections)]
        for one in held:
            for stream in streams:
                one.begin(stream, PATH, token=token)
                one.message(stream, MIB, b"x" * (MIB - 1))
            one.read(lambda: False, within_s=0.2)
        _check(ground, before_mib)
        for one in held:
            ended = one.read(lambda one=one: one.closed or set(streams) <= one.ended, within_s=20)  # type: ignore[misc]
            hold(ended, "requests that never end are still open after 20 s")
    _check(ground, before_mib)


def _resets(ground: Ground, count: int, token: str | None) -> None:
    before_mib = _memory_mib(ground)
    with _raw(ground) as connection:
        for number in range(count):
            if connection.closed:
                break
            connection.begin(2 * number + 1, PATH, token=token)
            connection.reset(2 * number + 1)
            if number % 100 == 0:
                connection.read(lambda: False, within_s=0.01)
        hold(connection.read(lambda: connection.closed, within_s=10), f"{count} resets cost nobody a connection")
    _check(ground, before_mib)


def _unsaid(ground: Ground, connections: int, token: str | None) -> None:
    """Headers alone: no message, no end."""
    before_mib, streams = _memory_mib(ground), range(1, 500, 2)
    with ExitStack() as stack:
        held = [stack.enter_context(_raw(ground)) for _ in range(connections)]
        for one in held:
            for stream in streams:
                one.begin(stream, PATH, token=token)
        _check(ground, before_mib)
        for one in held:
            ended = one.read(lambda one=one: one.closed or set(streams) <= one.ended, within_s=20)  # type: ignore[misc]
            hold(ended, "requests without a message are still open after 20 s")
    _check(ground, before_mib)


def _refused(ground: Ground) -> None:
    before_mib = _memory_mib(ground)
    with _raw(ground) as connection:
        for number in range(2000):
            if connection.closed:
                break
            connection.begin(2 * number + 1, PATH, token="x")
            connection.end(2 * number + 1)
            connection.read(lambda: False, within_s=0.0)
        hold(connection.read(lambda: connection.closed, within_s=10), "2,000 refused requests over one connection")
    _check(ground, before_mib)


def _too_large(ground: Ground) -> None:
    before_mib = _memory_mib(ground)
    with ground.channel() as channel:
        try:
            channel.unary_unary(PATH)(bytes(2 * MIB), metadata=ground.b.metadata, timeout=ANSWER_S)
        except grpc.RpcError as error:
            hold(error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED, f"{error.code()}: {error.details()}")
    _check(ground, before_mib)


def _may_open(count: int) -> None:
    """Raise SkippedError where this process may not have so many connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = count + 500
    if soft < wanted:
        if hard != resource.RLIM_INFINITY and hard < wanted:
            raise SkippedError(f"{wanted} open files are needed, the limit is {hard}")
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _idle(ground: Ground, count: int) -> None:
    before_mib = _memory_mib(ground)
    _may_open(count)
    with ExitStack() as stack:
        for _ in range(count):
            stack.enter_context(socket.create_connection(("127.0.0.1", ground.port()), timeout=ANSWER_S))
        _check(ground, before_mib, more_mib=MORE_OF_CONNECTIONS_MIB)
    _check(ground, before_mib, more_mib=MORE_OF_CONNECTIONS_MIB)


def _idle_tls(ground: Ground, count: int) -> None:
    before_mib, tls = _memory_mib(ground), _tls(ground)
    _may_open(count)
    with ExitStack() as stack:
        for _ in range(count):
            plain = socket.create_connection(("127.0.0.1", ground.port()), timeout=ANSWER_S)
            stack.enter_context(tls.wrap_socket(plain, server_hostname="localhost"))
        _check(ground, before_mib, more_mib=MORE_OF_CONNECTIONS_MIB)
    _check(ground, before_mib, more_mib=MORE_OF_CONNECTIONS_MIB)


def _watches(ground: Ground, count: int) -> None:
    """All of B's, of a job that waits."""
    before_mib = _memory_mib(ground)
    job = ground.submitted(ground.b, "standin-detect=600.mp4")
    request = api.WatchJobRequest(name=f"jobs/{job.id}")
    with ExitStack() as stack:
        streams = []
        for number in range(count):
            if number % 200 == 0:
                stub = JobServiceStub(stack.enter_context(ground.channel()))
            streams.append(stub.WatchJob(request, metadata=ground.b.metadata, timeout=120))
            stack.callback(streams[-1].cancel)
        for stream in streams[:: max(1, count // 50)]:
            with suppress(grpc.RpcError):
                next(stream)
        _check(ground, before_mib, more_mib=MORE_OF_WATCHES_MIB)
    ground.b.client.delete(job)
    _check(ground, before_mib, more_mib=MORE_OF_WATCHES_MIB)


def _listings(ground: Ground, count: int) -> None:
    before_mib = _memory_mib(ground)
    with ground.calling() as stub:
        request = api.ListJobsRequest(page_size=1000)
        asked = [stub.ListJobs.future(request, metadata=ground.b.metadata, timeout=60) for _ in range(count)]
        ground.check_answers(within_s=15.0)
        for one in asked:
            with suppress(grpc.RpcError):
                one.result()
    _check(ground, before_mib)
