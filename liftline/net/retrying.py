"""Retries: how often, for how long and after which pauses something that failed for a while is attempted again.

A caller names one of the policies below and what to call:

    record = await retry_async(NATS_REQUEST, lambda: connection.api("STREAM.INFO.x"))

`stamina` runs the loops. `Backoff` decides, since stamina can't: that no attempt begins after the timeout (it sleeps
past it), that a server's `Retry-After` has a bound, and that whoever holds a StopToken needn't wait for a pause to end.
"""

from __future__ import annotations

import math
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import TypeVar

import stamina

from liftline.errors import UnavailableError
from liftline.ports import StopToken

T = TypeVar("T")
Temporary = type[Exception] | tuple[type[Exception], ...] | Callable[[Exception], bool | float]
"""Which errors may pass: their types, or a function that says so, or after how many seconds the server wants to be
asked again."""
OnFailure = Callable[[Exception], object]
"""Told of each failed attempt that is temporary, the last one too."""
_STOP_LOOK_S = 0.05


@dataclass(frozen=True)
class RetryPolicy:
    """When a call that failed is attempted again.

    Attributes:
        timeout_s: where the next attempt would begin later than so long after the first one, there is none.
        attempts: at most so many in all; None: any number.
        first_wait_s: pause after the first failure; each further one is twice as long, up to
        longest_wait_s: which bounds what a server asks for, too.
        jitter: the part of a pause that is random, 0 to 1, so that not all callers come back at once.
    """

    timeout_s: float = math.inf
    attempts: int | None = None
    first_wait_s: float = 0.1
    longest_wait_s: float = 2.0
    jitter: float = 0.0

    def within(self, timeout_s: float) -> RetryPolicy:
        """The same policy with another timeout, seconds."""
        return replace(self, timeout_s=timeout_s)


SERVER_START = RetryPolicy(first_wait_s=1.0, longest_wait_s=1.0)
"""A server that this process can't do without: for ever."""
NATS_REQUEST = RetryPolicy(timeout_s=5.0, longest_wait_s=0.1)
NATS_CONFLICT = RetryPolicy(attempts=5, longest_wait_s=0.1)
"""Several processes that make the same streams and consumers at the same time."""
S3_REQUEST = RetryPolicy(timeout_s=10.0, first_wait_s=0.05, longest_wait_s=1.0, jitter=0.5)
S3_DOWNLOAD = RetryPolicy(attempts=3, first_wait_s=0.0)
"""A stream that breaks off without having got anywhere; each of its requests is retried by S3_REQUEST besides."""
S3_ANSWER = RetryPolicy(timeout_s=10.0, first_wait_s=0.05, longest_wait_s=1.0)
"""An answer that can't be right; a server that doesn't answer is waited for by S3_REQUEST."""
TASK_RECORD = RetryPolicy()
"""What a worker says of a task it has: for ever, as others wait for it."""
TASK_FETCH = RetryPolicy(timeout_s=30.0)
"""Inputs of a task; later it goes back, and somebody tries it again."""
TASK_STORE = RetryPolicy(timeout_s=300.0)
"""Results of a task; later it goes back, and its work is done again."""
API_CALL = RetryPolicy(timeout_s=5.0, longest_wait_s=3.0, jitter=0.5)
"""A client's call of the gateway, and what it transfers."""
WEBHOOK = RetryPolicy(timeout_s=900.0, first_wait_s=2.0, longest_wait_s=60.0, jitter=0.5)
MODEL_DOWNLOAD = RetryPolicy(attempts=5, first_wait_s=0.5, longest_wait_s=30.0)


class Backoff:
    """Decides after each failure when the next attempt is. A stream that got somewhere is to `restart` it."""

    def __init__(self, policy: RetryPolicy, *, clock_s: Callable[[], float] = time.monotonic) -> None:
        """The timeout counts from here: call it when the first attempt begins."""
        self.policy, self._clock_s = policy, clock_s
        self.restart()

    def restart(self) -> None:
        """An attempt succeeded: what fails from now on is counted from now on."""
        self._end_s = self._clock_s() + self.policy.timeout_s
        self._failures = 0

    def pause_s(self, *, asked_s: float = 0.0) -> float | None:
        """Seconds between the attempt that failed and the next, at least those asked for; None: there is none."""
        policy = self.policy
        wait_s = max(policy.first_wait_s * 2.0 ** min(self._failures, 60), asked_s)
        wait_s = min(wait_s, policy.longest_wait_s) * random.uniform(1 - policy.jitter, 1)  # noqa: S311 - no secret
        self._failures += 1
        return None if self._failures == policy.attempts or self._clock_s() + wait_s > self._end_s else wait_s


def retry(
    policy: RetryPolicy,
    call: Callable[[], T],
    *,
    on: Temporary = UnavailableError,
    failed: OnFailure | None = None,
    stop: StopToken | None = None,
) -> T:
    """What `call` returns, once it does. Blocks.

    Raises the error of the last attempt, one that isn't temporary at once, and Cancelled within 0.1 s of `stop`.
    """
    decision = _Decision(policy, on, failed, sleeps=False)
    try:
        _sleep(0.0, stop)
        return call()
    except Exception as error:  # noqa: BLE001 - raised again below; a loop of stamina's takes 0.1 ms, more than most calls
        failure = error
    for attempt in stamina.retry_context(on=decision, attempts=None, timeout=None):
        with attempt:
            if attempt.num == 1:
                raise failure
            _sleep(decision.pause_s, stop)
            return call()
    raise AssertionError("stamina returns or raises")


async def retry_async(
    policy: RetryPolicy,
    call: Callable[[], Awaitable[T]],
    *,
    on: Temporary = UnavailableError,
    failed: OnFailure | None = None,
) -> T:
    """As `retry`, within an event loop; cancelling the task ends it at once."""
    decision = _Decision(policy, on, failed, sleeps=True)
    try:
        return await call()
    except Exception as error:  # noqa: BLE001 - as in `retry`
        failure = error
    async for attempt in stamina.retry_context(on=decision, attempts=None, timeout=None):
        with attempt:
            if attempt.num == 1:
                raise failure
            return await call()
    raise AssertionError("stamina returns or raises")


def first_only(failed: OnFailure) -> OnFailure:
    """A listener that hears of the first failure alone: for what may fail for hours."""
    told = False

    def listen(error: Exception) -> None:
        nonlocal told
        if not told:
            told = True
            failed(error)

    return listen


class _Decision:
    """stamina's backoff hook for one call: False, or after how many seconds it is to be attempted again."""

    def __init__(self, policy: RetryPolicy, on: Temporary, failed: OnFailure | None, *, sleeps: bool) -> None:
        """Where stamina isn't to sleep itself, `pause_s` says how long the caller has to."""
        self._backoff, self._on, self._failed, self._sleeps = Backoff(policy), on, failed, sleeps
        self.pause_s = 0.0

    def __call__(self, error: Exception) -> bool | float:
        verdict = isinstance(error, self._on) if isinstance(self._on, type | tuple) else self._on(error)
        if verdict is False:
            return False
        if self._failed is not None:
            self._failed(error)
        pause_s = self._backoff.pause_s(asked_s=0.0 if verdict is True else verdict)
        if pause_s is None:
            return False
        self.pause_s = pause_s
        return pause_s if self._sleeps else 0.0


def _sleep(seconds: float, stop: StopToken | None) -> None:
    """Wait, looking at `stop` all the while. Raises Cancelled."""
    end_s = time.monotonic() + seconds
    while True:
        if stop is not None:
            stop.raise_if_stopped()
        if (left_s := end_s - time.monotonic()) <= 0:
            return
        time.sleep(left_s if stop is None else min(left_s, _STOP_LOOK_S))
