"""When something that failed is attempted again, and when no more."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from liftline.errors import Cancelled, UnavailableError, UsageError
from liftline.net.retrying import Backoff, RetryPolicy, first_only, retry, retry_async
from liftline.progress import StopFlag

QUICK = RetryPolicy(timeout_s=5.0, first_wait_s=0.001, longest_wait_s=0.01)


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


class Server:
    """Fails so many times, then answers."""

    def __init__(self, failures: int, error: Callable[[], Exception] = lambda: UnavailableError("gone")) -> None:
        self.failures, self.error, self.calls = failures, error, 0

    def call(self) -> str:
        self.calls += 1
        if self.calls <= self.failures:
            raise self.error()
        return "answer"

    async def call_async(self) -> str:
        return self.call()


def use(policy: RetryPolicy, server: Server, *, in_loop: bool, **options: object) -> str:
    if in_loop:
        return asyncio.run(retry_async(policy, server.call_async, **options))  # type: ignore[arg-type]
    return retry(policy, server.call, **options)  # type: ignore[arg-type]


both = pytest.mark.parametrize("in_loop", [False, True])


def pauses_of(policy: RetryPolicy) -> list[float]:
    clock = Clock()
    backoff, pauses = Backoff(policy, clock_s=clock), list[float]()
    while (pause_s := backoff.pause_s()) is not None:
        pauses.append(pause_s)
        clock.now_s += pause_s
    return pauses


def test_pauses_grow_and_end_in_time() -> None:
    pauses = pauses_of(RetryPolicy(timeout_s=10.0, first_wait_s=0.1, longest_wait_s=3.0, jitter=0.5))
    assert 7.0 < sum(pauses) <= 10.0
    assert pauses[0] <= 0.1
    assert max(pauses) <= 3.0


def test_without_jitter_each_pause_is_twice_the_one_before_up_to_the_longest() -> None:
    assert pauses_of(RetryPolicy(attempts=6, first_wait_s=0.5, longest_wait_s=3.0)) == [0.5, 1.0, 2.0, 3.0, 3.0]


def test_success_renews_it() -> None:
    clock = Clock()
    backoff = Backoff(RetryPolicy(timeout_s=1.0), clock_s=clock)
    clock.now_s = 5.0
    backoff.restart()
    assert (backoff.pause_s() or 0.0) > 0
    clock.now_s = 6.5
    assert backoff.pause_s() is None


def test_what_a_server_asks_for_is_waited_within_bounds() -> None:
    backoff = Backoff(RetryPolicy(first_wait_s=0.1, longest_wait_s=2.0))
    assert backoff.pause_s(asked_s=1.5) == 1.5
    assert backoff.pause_s(asked_s=3600.0) == 2.0


def test_a_thousand_failures_are_no_trouble() -> None:
    backoff = Backoff(RetryPolicy(longest_wait_s=2.0))
    assert [backoff.pause_s() for _ in range(2000)][-1] == 2.0


@both
def test_a_call_is_repeated_until_it_succeeds_and_each_failure_is_told(in_loop: bool) -> None:
    server, told = Server(3), list[Exception]()
    assert use(QUICK, server, in_loop=in_loop, failed=told.append) == "answer"
    assert [str(error) for error in told] == ["gone"] * 3


@both
def test_the_last_error_is_raised_and_told_too(in_loop: bool) -> None:
    server, told = Server(9), list[Exception]()
    with pytest.raises(UnavailableError, match="gone"):
        use(RetryPolicy(attempts=3, first_wait_s=0.0), server, in_loop=in_loop, failed=told.append)
    assert server.calls == len(told) == 3


@both
def test_no_attempt_begins_after_the_timeout(in_loop: bool) -> None:
    began_s = time.monotonic()
    with pytest.raises(UnavailableError):
        use(RetryPolicy(timeout_s=0.3, first_wait_s=0.2, longest_wait_s=60.0), Server(9), in_loop=in_loop)
    assert time.monotonic() - began_s < 0.3


@both
def test_an_error_that_stays_is_raised_at_once_and_not_told(in_loop: bool) -> None:
    server, told = Server(1, lambda: UsageError("wrong")), list[Exception]()
    with pytest.raises(UsageError):
        use(QUICK, server, in_loop=in_loop, failed=told.append)
    assert (server.calls, told) == (1, [])


@both
def test_a_function_may_say_what_is_temporary_and_how_long_to_wait(in_loop: bool) -> None:
    began_s = time.monotonic()
    server = Server(2, lambda: ValueError("busy"))
    asked = RetryPolicy(first_wait_s=0.0, longest_wait_s=0.1)
    assert use(asked, server, in_loop=in_loop, on=lambda error: isinstance(error, ValueError) and 0.1) == "answer"
    assert time.monotonic() - began_s >= 0.2


def test_a_stop_ends_a_long_pause() -> None:
    stop = StopFlag()
    server = Server(9)
    threading.Timer(0.1, stop.stop).start()
    began_s = time.monotonic()
    with pytest.raises(Cancelled):
        retry(RetryPolicy(first_wait_s=60.0, longest_wait_s=60.0), server.call, stop=stop)
    assert time.monotonic() - began_s < 5
    assert server.calls == 1


def test_nothing_is_attempted_once_it_is_to_stop() -> None:
    stop, server = StopFlag(), Server(0)
    stop.stop()
    with pytest.raises(Cancelled):
        retry(QUICK, server.call, stop=stop)
    assert server.calls == 0


async def test_cancelling_a_task_ends_its_pause() -> None:
    policy = RetryPolicy(first_wait_s=60.0, longest_wait_s=60.0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(retry_async(policy, Server(9).call_async), 0.1)


def test_a_listener_may_hear_of_the_first_failure_alone() -> None:
    told = list[Exception]()
    retry(QUICK, Server(5).call, failed=first_only(told.append))
    assert len(told) == 1
