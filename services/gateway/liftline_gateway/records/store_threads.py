"""The artifact store from asyncio: its calls in threads of their own, so that a slow store holds up nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from liftline.errors import UnavailableError
from liftline.net.retrying import RetryPolicy, retry_async
from liftline.ports import ArtifactStore
from liftline.telemetry.metrics import GatewayMetrics

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


_DOUBT = RetryPolicy(attempts=3, first_wait_s=0.05)


class _Unexpected(Exception):  # noqa: N818 - no failure yet: it is asked again
    def __init__(self, found: int | None) -> None:
        super().__init__(found)
        self.found = found


class StoreThreads:
    """A pool of threads in which the store's blocking calls run."""

    def __init__(self, metrics: GatewayMetrics, *, at_once: int = 16) -> None:
        """At most `at_once` calls run at a time; more wait."""
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="store")

    async def run(
        self, call: Callable[Arguments, Answer], *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> Answer:
        """Call a method of the store. Raises what it raises, and UnavailableError after `close`."""
        loop = asyncio.get_running_loop()
        try:
            calling = loop.run_in_executor(self._threads, lambda: call(*arguments, **options))
        except RuntimeError as error:
            raise UnavailableError("This gateway ends, and calls the store no more.") from error
        try:
            return await calling
        except UnavailableError:
            self._metrics.store_errors.inc()
            raise

    async def size(self, store: ArtifactStore, key: str, *, expected: int) -> int | None:
        """Length of an object, None where there is none; what isn't expected is asked for again before it counts.

        Raises UnavailableError.
        """

        async def ask() -> int | None:
            found = await self.run(store.size, key)
            if found != expected:
                raise _Unexpected(found)
            return found

        try:
            return await retry_async(_DOUBT, ask, on=_Unexpected)
        except _Unexpected as error:
            return error.found

    def close(self) -> None:
        """Drop waiting calls and refuse new ones; running ones aren't waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
