"""What a person sees while steps run: progress bars with frames/s and time left, warnings, a closing table.

Everything goes to stderr, so that `--json` leaves stdout to scripts.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from liftline.ports import Progress as ProgressPort
from liftline.progress import FrameCounter
from liftline.telemetry.visible import visible


class _FramesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text(
            "" if speed is None or task.total is None else f"{speed:6.1f} frames/s", style="progress.data.speed"
        )


@dataclass
class ConsoleReporter:
    """Rich progress bars on a terminal; plain lines where the output is no terminal; silent when `quiet`."""

    console: Console
    quiet: bool = False
    warnings: list[str] = field(default_factory=list)
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def step(self, name: str, frames: int | None) -> Iterator[ProgressPort]:
        """Show a bar while the step runs."""
        started = time.perf_counter()
        with self._bar() as bar:
            task = bar.add_task(name, total=frames)
            try:
                yield FrameCounter(lambda done: bar.update(task, completed=done))
            except BaseException:
                bar.remove_task(task)
                bar.live.transient = True
                raise
            bar.update(task, total=frames or 1, completed=frames or 1)
        self.seconds[name] = time.perf_counter() - started

    def _bar(self) -> Progress:
        return Progress(
            SpinnerColumn(finished_text="[green]✓[/]"),
            TextColumn("{task.description:<8}"),
            BarColumn(),
            MofNCompleteColumn(),
            _FramesPerSecond(),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            disable=self.quiet,
        )

    def skipped(self, name: str) -> None:
        """Tell that a step was finished earlier, from the same inputs and settings."""
        self._print(f"[green]✓[/] {name:<8} unchanged since the last run, not run again (--overwrite runs it)")

    def warn(self, sentence: str) -> None:
        """Print a warning in yellow and add it to `warnings`; the same one is printed once."""
        if sentence not in self.warnings:
            self.warnings.append(sentence)
            self._print(f"[yellow]Warning:[/] {escape(visible(sentence))}")

    def fail(self, sentence: str) -> None:
        """Print in red; other work goes on."""
        self._print(f"[red]Error:[/] {escape(visible(sentence))}")

    def say(self, sentence: str) -> None:
        """Print a line that tells of a choice or a result."""
        self._print(escape(sentence))

    def _print(self, text: str) -> None:
        if not self.quiet:
            self.console.print(text, highlight=False, soft_wrap=True)
