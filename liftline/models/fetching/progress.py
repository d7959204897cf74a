"""The bar that shows a download: bytes, speed, time left."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from liftline.net.download import OnBytes


@contextmanager
def progress_bar(
    console: Console, what: str, *, quiet: bool, doing: str = "Downloading"
) -> Iterator[OnBytes]:  # fmt: skip
    """Give a listener that moves a bar. What a resumed download begins with doesn't count as speed."""
    columns = (
        *(SpinnerColumn(), TextColumn("{task.description}"), BarColumn()),
        *(DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()),
    )
    with Progress(*columns, console=console, disable=quiet, transient=True) as bar:
        task = bar.add_task(f"{doing} {what}", total=None)
        last = -1

        def on_bytes(done: int, total: int | None) -> None:
            nonlocal last
            if not 0 <= last <= done:
                bar.reset(task, completed=done, total=total)
            bar.update(task, completed=done, total=total)
            last = done

        yield on_bytes
