"""Trying again while a server is away. That is nobody's failure, so it counts for nothing."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import structlog

from liftline.errors import UnavailableError
from liftline.ports import StopToken

_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.1, 2.0
T = TypeVar("T")
log = structlog.get_logger("liftline.worker")


async def patiently(call: Callable[[], Awaitable[T]], *, away: Callable[[], object], for_s: float = math.inf) -> T:
    """What `call` gives, once it gives it; `away` counts the times that the server isn't there.

    Raises UnavailableError when the server is still away after `for_s`.
    """
    for wait_s in _waits(for_s):
        try:
            return await call()
        except UnavailableError as error:
            away()
            if wait_s is None:
                raise
            log.warning("server_away", error=str(error))
            await asyncio.sleep(wait_s)
    raise AssertionError("unreachable")


def patiently_in_thread(call: Callable[[], T], *, away: Callable[[], object], for_s: float, stop: StopToken) -> T:
    """The same where waiting may block. Raises Cancelled too."""
    for wait_s in _waits(for_s):
        stop.raise_if_stopped()
        try:
            return call()
        except UnavailableError as error:
            away()
            if wait_s is None:
                raise
            log.warning("server_away", error=str(error))
            time.sleep(wait_s)
    raise AssertionError("unreachable")


def _waits(for_s: float) -> Iterator[float | None]:
    """How long to wait after each try; None after the last."""
    end_s = time.monotonic() + for_s
    wait_s = _FIRST_WAIT_S
    while time.monotonic() < end_s:
        yield wait_s
        wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
    yield None
