"""A pool of daemon threads for handlers."""

from __future__ import annotations

import asyncio
import contextvars
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

T = TypeVar("T")


class HandlerThreads:
    """As many threads as there are calls at once, kept for the next ones: models have state per thread.

    Unlike an executor's they don't keep the process from ending: a handler that never returns can't be ended otherwise.
    """

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0

    async def run(self, call: Callable[[], T]) -> T:
        """What `call` gives or raises, in a thread with this task's context. Cancelling leaves it running."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()
        context = contextvars.copy_context()

        def tell(result: T | None, error: BaseException | None) -> None:
            if future.done():
                return
            if error is None:
                future.set_result(result)  # type: ignore[arg-type]
            else:
                future.set_exception(_awaitable(error))

        def run() -> None:
            result, error = None, None
            try:
                result = context.run(call)
            except BaseException as raised:  # noqa: BLE001 - it goes to whoever waits
                error = raised
            self._becomes_idle()
            with suppress(RuntimeError):  # the loop has ended; nobody waits any more
                loop.call_soon_threadsafe(tell, result, error)

        self._start(run)
        return await future

    def _start(self, call: Callable[[], None]) -> None:
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                threading.Thread(target=self._work, name="handler", daemon=True).start()
        self._calls.put(call)

    def _becomes_idle(self) -> None:
        with self._lock:
            self._idle += 1

    def _work(self) -> None:
        while True:
            self._calls.get()()


def _awaitable(error: BaseException) -> Exception:
    """Futures refuse StopIteration, and SystemExit would end the loop with everybody's tasks."""
    if isinstance(error, Exception) and not isinstance(error, StopIteration):
        return error
    wrapped = RuntimeError(f"the handler raised {error!r}")
    wrapped.__cause__ = error
    return wrapped
