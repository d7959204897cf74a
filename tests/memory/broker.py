"""What a NATS server would hold, within this process."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from liftline.errors import UnavailableError
from tests.memory.queue import Queue

TASKS, EVENTS, DEAD = "liftline.tasks.", "liftline.events.", "liftline.dead."
Answer = Callable[[bytes], Awaitable[bytes | None]]


class Broker:
    """Shared by the `MemoryBus` of several services. Use it within one event loop at a time.

    Args:
        ack_wait_s: a task whose worker is silent for so long goes to another worker.
        clock: seconds; a test that sets it forward calls `wake` then.

    Attributes:
        reachable: set it to False, and every call raises UnavailableError, as in an outage.
        dead: what was published to `liftline.dead.>`.
    """

    def __init__(self, *, ack_wait_s: float = 30.0, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.reachable = True
        self.tasks = Queue(clock, ack_wait_s)
        self.events = Queue(clock, ack_wait_s)
        self.dead = Queue(clock, ack_wait_s)
        self.listeners: dict[str, list[Callable[[bytes], None]]] = {}
        self.answers: dict[str, list[Answer]] = {}
        self._waiting: list[asyncio.Future[None]] = []

    async def reach(self) -> None:
        """Let others run, as a server's answer would. Raises UnavailableError in an outage."""
        await asyncio.sleep(0)
        if not self.reachable:
            raise UnavailableError("The in-memory broker can't be reached: it was told so.")

    def queue(self, subject: str) -> Queue:
        """The stream that takes the subject. Raises UnavailableError where none does."""
        for prefix, queue in ((TASKS, self.tasks), (EVENTS, self.events), (DEAD, self.dead)):
            if subject.startswith(prefix):
                return queue
        raise UnavailableError(f"Nothing takes {subject}.")

    def wake(self) -> None:
        """Let everyone who waits look again: something was added or given back, or the clock was set."""
        for waiting in self._waiting:
            if not waiting.done():
                waiting.set_result(None)
        self._waiting.clear()

    async def changed(self, queue: Queue, *, wait_s: float) -> None:
        """Wait for a change of the queue, or that a message in it becomes free, or so many seconds."""
        free_at_s = queue.next_free_s()
        if free_at_s is not None:
            wait_s = min(wait_s, free_at_s - self.clock())
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        try:
            await asyncio.wait([waiting], timeout=max(wait_s, 0.001))
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)
