"""Ctrl-C: the first asks the work to stop cleanly, the second stops at once."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from liftline.progress import StopFlag


@contextmanager
def stop_on_interrupt(console: Console) -> Iterator[StopFlag]:
    """Give a flag that Ctrl-C sets while the block runs."""
    stop = StopFlag()

    def interrupt(*_: object) -> None:
        if stop.stopped:
            raise KeyboardInterrupt
        stop.stop()
        console.print("[yellow]Stopping…[/] (Ctrl-C again to stop at once)")

    previous = signal.signal(signal.SIGINT, interrupt)
    try:
        yield stop
    finally:
        signal.signal(signal.SIGINT, previous)
