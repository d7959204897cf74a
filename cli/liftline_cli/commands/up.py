"""`liftline up` and `down`: everything on this machine, for a try."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liftline_cli.console.session import Session, print_json, session
from liftline_cli.options.common import AsJson

if TYPE_CHECKING:
    from liftline_cli.up.state import State

DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        help="Folder of what NATS and S3 store. [default: ~/.local/state/liftline/up/data]",
        show_default=False,
    ),
]


def up(
    detectors: Annotated[int, typer.Option("--detectors", min=0, max=64, help="Processes that find people.")] = 1,
    renderers: Annotated[int, typer.Option("--renderers", min=0, max=64, help="Processes that draw.")] = 1,
    data_dir: DataDir = None,
    foreground: Annotated[bool, typer.Option("--foreground", help="Don't return; Ctrl-C stops everything.")] = False,
    as_json: AsJson = False,
) -> None:
    """Start NATS, an S3 server and all services on this machine, reachable from it alone.

    Returns when all serve. `make setup-servers` installs the servers.
    """
    with session(as_json=as_json, verbose=False) as current:
        from liftline_cli.up.starting import UpOrder, bring_up, default_data_dir

        order = UpOrder(data_dir or default_data_dir(), detectors, renderers, foreground)
        with current.reporter.console.status("starting") as status:

            def say(words: str) -> None:
                current.stop.raise_if_stopped()
                status.update(words)

            state = bring_up(order, say)
        _report(current, state)
        if foreground:
            _stay(current)


def down(
    data_dir: DataDir = None,
    delete: Annotated[bool, typer.Option("--delete-data", help="Remove all jobs and results, too.")] = False,
) -> None:
    """Stop what `liftline up` started. Jobs and results stay, and unfinished jobs go on at the next `up`."""
    with session(as_json=False, verbose=False) as current:
        from liftline_cli.up.starting import default_data_dir, delete_data, take_down
        from liftline_cli.up.state import running_state

        state = running_state()
        with current.reporter.console.status("stopping"):
            ran = take_down(lambda _words: None)
        current.reporter.say("Everything is stopped." if ran else "Nothing runs.")
        if delete:
            folder = data_dir or (Path(state.data_dir) if state else default_data_dir())
            delete_data(folder)
            current.reporter.say(f"{folder}: removed.")


def _report(current: Session, state: State) -> None:
    from liftline_cli.up.state import log_folder

    if current.as_json:
        services = {one.name: {"pid": one.pid, "address": one.address} for one in state.processes.values()}
        print_json({"gateway": state.gateway, "data_dir": state.data_dir, "processes": services})
        return
    say = current.reporter.say
    say(f"Liftline serves on {state.gateway}. Logs: {log_folder()}")
    say("Try: liftline submit VIDEO --wait --output-dir outputs")
    say("Stop: liftline down")


def _stay(current: Session) -> None:
    from liftline.errors import LiftlineError
    from liftline_cli.up.starting import take_down
    from liftline_cli.up.state import log_folder, running_state

    signal.signal(signal.SIGTERM, lambda *_: current.stop.stop())
    while not current.stop.stopped:
        if running_state() is None:
            raise LiftlineError(f"It was stopped, or the supervisor died; {log_folder()} has the logs.")
        time.sleep(0.2)
    take_down(current.reporter.say)
