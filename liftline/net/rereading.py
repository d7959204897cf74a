"""Reading what may come wrong once: it is read again, and what is wrong ends nothing unless it stays the same."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from liftline.errors import AlteredArtifactError, WrongAnswerError
from liftline.net.retrying import OnFailure, RetryPolicy, Temporary, retry
from liftline.ports import StopToken

T = TypeVar("T")
SAME_ANSWERS = 6
"""So many in a row are believed. Disks, caches and proxies that err for a moment err differently, or soon no more."""


def read_again(
    policy: RetryPolicy,
    read: Callable[[], T],
    *,
    on: Temporary = WrongAnswerError,
    failed: OnFailure | None = None,
    stop: StopToken | None = None,
) -> T:
    """What `read` returns, once it does; arguments as those of `retry`.

    Raises AlteredArtifactError where it was answered `SAME_ANSWERS` times in a row in the same wrong way, besides what
    `retry` raises.
    """
    last, times = None, 0

    def once() -> T:
        nonlocal last, times
        try:
            return read()
        except WrongAnswerError as error:
            times = times + 1 if error.answer == last is not None else 1
            last = error.answer
            if last is None or times < SAME_ANSWERS:
                raise
            raise AlteredArtifactError(str(error)) from None  # no outage any more, whoever looks for its cause

    return retry(policy, once, on=on, failed=failed, stop=stop)
