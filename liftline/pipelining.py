"""Work on frames in several threads at once: bounded channels that end cleanly whatever goes wrong.

Decode, detect, draw and encode overlap this way. Their libraries let go of Python's lock while they work, so threads
are enough.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class ChannelClosed(Exception):  # noqa: N818 - an outcome, not a failure
    """The receiver has abandoned the channel."""


class Aborted(Exception):  # noqa: N818 - an outcome, not a failure
    """The sender failed: discard what was received so far."""


class Channel(Generic[T]):
    """A queue of up to `capacity` items between one sender and one receiver; either may end it at any time."""

    def __init__(self, capacity: int) -> None:
        self._items: deque[T] = deque()
        self._capacity = capacity
        self._changed = threading.Condition()
        self._finished = self._abandoned = False
        self._error: BaseException | None = None

    def put(self, item: T) -> None:
        """Send an item, waiting for room. Raises ChannelClosed once the receiver is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._abandoned or len(self._items) < self._capacity)
            if self._abandoned:
                raise ChannelClosed
            self._items.append(item)
            self._changed.notify_all()

    def finish(self, error: BaseException | None = None) -> None:
        """No more items come; with an error, the receiver gets it at once instead of what is still waiting."""
        with self._changed:
            self._finished, self._error = True, error
            if error is not None:
                self._items.clear()
            self._changed.notify_all()

    def abandon(self) -> None:
        """The receiver takes no more items."""
        with self._changed:
            self._abandoned = True
            self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        """Items until the sender finishes; raises the sender's error."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._finished)
                if self._error is not None:
                    raise self._error
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item


@contextmanager
def reading_ahead(items: Iterator[T], *, capacity: int) -> Generator[Iterator[T]]:
    """Iterate over `items` in a thread of its own, up to `capacity` ahead; its errors come out of the iterator."""
    channel: Channel[T] = Channel(capacity)

    def pump() -> None:
        try:
            try:
                for item in items:
                    channel.put(item)
            finally:
                if isinstance(items, Generator):
                    items.close()
        except ChannelClosed:
            return
        except BaseException as error:  # noqa: BLE001 - handed to the thread that waits for items
            channel.finish(error)
        else:
            channel.finish()

    thread = threading.Thread(target=pump, name="reading-ahead", daemon=True)
    thread.start()
    try:
        yield iter(channel)
    finally:
        channel.abandon()
        thread.join()


@contextmanager
def writing_behind(consume: Callable[[Iterator[T]], None], *, capacity: int) -> Generator[Callable[[T], None]]:
    """Run `consume` over what is sent, in a thread of its own, and wait for it at the end.

    Yields the function that sends. If the block fails, `consume` gets Aborted from its iterator, so that it can clean
    up; if `consume` fails, its error comes out of the block.
    """
    channel: Channel[T] = Channel(capacity)
    failures: list[BaseException] = []

    def drain() -> None:
        try:
            consume(iter(channel))
        except BaseException as error:  # noqa: BLE001 - handed to the thread that sends
            failures.append(error)
        finally:
            channel.abandon()

    thread = threading.Thread(target=drain, name="writing-behind", daemon=True)
    thread.start()
    try:
        yield channel.put
    except ChannelClosed:
        pass
    except BaseException:
        channel.finish(Aborted())
        thread.join()
        raise
    else:
        channel.finish()
    thread.join()
    if failures:
        raise failures[0]
