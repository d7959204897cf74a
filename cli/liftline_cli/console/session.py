"""What every command shares: where to report, Ctrl-C, errors in words with their exit code, and the closing lines."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from liftline.errors import Cancelled, ExitCode, LiftlineError
from liftline.progress import StopFlag
from liftline.telemetry.visible import visible, visible_json
from liftline_cli.console.interrupts import stop_on_interrupt
from liftline_cli.console.logging import configure_logging
from liftline_cli.console.reporting import ConsoleReporter
from liftline_cli.console.terminal import Terminal

if TYPE_CHECKING:
    from liftline.scene import Scene

_WIDEST = 10_000


@dataclass(frozen=True)
class Session:
    """What every command gets: where to report, and the flag Ctrl-C sets."""

    reporter: ConsoleReporter
    stop: StopFlag
    as_json: bool
    verbose: bool


@contextmanager
def session(*, as_json: bool, verbose: bool) -> Iterator[Session]:
    """Report errors in plain words with their exit code; let Ctrl-C stop the work cleanly."""
    configure_logging(verbose=verbose)
    console = Terminal(stderr=True)
    try:
        with stop_on_interrupt(console) as stop:
            yield Session(ConsoleReporter(console, quiet=as_json), stop, as_json, verbose)
    except LiftlineError as error:
        _fail(console, error, as_json=as_json)
    except MemoryError as error:
        _fail(console, LiftlineError(OUT_OF_MEMORY), as_json=as_json)
        raise typer.Exit(ExitCode.FAILED) from error
    except KeyboardInterrupt as error:
        raise typer.Exit(ExitCode.INTERRUPTED) from error


OUT_OF_MEMORY = "Out of memory; close other programs or use a smaller video."


def _fail(console: Console, error: LiftlineError, *, as_json: bool) -> None:
    name = "Stopped" if isinstance(error, Cancelled) else "Error"
    if as_json:
        print_json({"error": str(error), "kind": type(error).__name__})
    console.print(f"[red]{name}:[/] ", end="", soft_wrap=True)
    console.print(visible(str(error)), markup=False, highlight=False, soft_wrap=True)
    raise typer.Exit(int(error.exit_code))


def print_json(report: dict[str, Any]) -> None:
    """Write one JSON object as one line to stdout."""
    sys.stdout.write(visible_json(json.dumps(report, ensure_ascii=False)) + "\n")


def print_table(table: Table, file: IO[str]) -> None:
    """As wide as it is: names and ids that a narrow terminal cuts off can't be copied."""
    Terminal(file=file, width=_WIDEST).print(table, soft_wrap=True)


_FOCAL_SOURCES = {
    "given": "as given",
    "network": "as the trajectory network was trained with",
    "assumed": "assumed (--focal-px or --fov tells the camera's)",
    None: "of an older run",
}


def focal_length(scene: Scene) -> dict[str, Any]:
    """Focal length of the video's camera in pixels and how it is known, for a summary."""
    return {"px": round(scene.focal_px, 1), "source": scene.focal_source}


def closing(session: Session, summary: dict[str, Any], files: dict[str, Path]) -> None:
    """Say what was made and where it is: a table, or one JSON object."""
    reporter = session.reporter
    if session.as_json:
        seconds = {name: round(value, 3) for name, value in reporter.seconds.items()}
        report = {**summary, "files": {k: str(v) for k, v in files.items()}, "seconds": seconds}
        print_json({**report, "warnings": reporter.warnings})
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    for name, path in files.items():
        table.add_row(name, Text(visible(str(path))))
    reporter.console.print()
    print_table(table, reporter.console.file)
    timings = ", ".join(f"{name} {value:.1f} s" for name, value in reporter.seconds.items())
    models = ", ".join(f"{m['name']} ({m['licence']})" for m in summary.get("models", []))
    if models:
        reporter.console.print(f"models: {models}", highlight=False, markup=False, soft_wrap=True)
    if focal := summary.get("focal_length"):
        reporter.console.print(f"focal length: {focal['px']:g} px, {_FOCAL_SOURCES[focal['source']]}", highlight=False)
    if timings:
        reporter.console.print(f"{summary.get('frames', '?')} frames: {timings}", highlight=False, soft_wrap=True)
