"""Bringing everything up and taking it down: what `liftline up` and `liftline down` do with the supervisor."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from liftline.client.local_gateway import is_locked, state_file, state_folder
from liftline.errors import LiftlineError, UnavailableError, UsageError
from liftline.service.grpc.probe import SERVING, ask
from liftline_cli.up.children import program, server
from liftline_cli.up.ports import MARKER
from liftline_cli.up.state import Phase, Running, State, read_state, running_state

SERVERS = ("nats-server", "weed")
_SUPERVISOR = "liftline_cli.up.supervisor"
_READY_WITHIN_S, _DOWN_WITHIN_S, _GONE_WITHIN_S = 300.0, 60.0, 10.0
_LOOK_S, _ANSWER_S, _MOST_STARTS = 0.2, 2.0, 3


@dataclass(frozen=True)
class UpOrder:
    """What is to run. With `foreground` it ends with the process that started it."""

    data_dir: Path
    detectors: int
    renderers: int
    foreground: bool


def default_data_dir() -> Path:
    """Where NATS and S3 keep what they store."""
    return state_folder() / "data"


def bring_up(order: UpOrder, say: Callable[[str], None]) -> State:
    """Start everything and wait until all services serve; `say` is told what it waits for.

    Raises UsageError where it runs already or a program is missing, LiftlineError where something doesn't start.
    """
    if running_state() is not None:
        raise UsageError("It runs already; `liftline down` stops it.")
    for name in SERVERS:
        server(name)
    _check_data_dir(order.data_dir)
    state_file().unlink(missing_ok=True)
    process = _start_supervisor(order)
    try:
        return _wait(process, say)
    except BaseException:
        process.terminate()
        process.wait(_DOWN_WITHIN_S)
        raise


def take_down(say: Callable[[str], None]) -> bool:
    """End everything and wait until it is gone; whether anything ran."""
    state = running_state()
    if state is None:
        return False
    if not _is_supervisor(state.supervisor):
        raise UnavailableError("It is just starting; try again in a moment.")
    say("stopping")
    os.kill(state.supervisor, signal.SIGTERM)
    if not _within(_DOWN_WITHIN_S, lambda: not is_locked()):
        os.kill(state.supervisor, signal.SIGKILL)
    remaining = [*state.processes.values(), Running("supervisor", state.supervisor, "")]
    if not _within(_GONE_WITHIN_S, lambda: not _alive(remaining)):
        raise LiftlineError(f"Not everything ended: {', '.join(_alive(remaining))}; end these processes yourself.")
    return True


def delete_data(data_dir: Path) -> None:
    """Remove the data of something that doesn't run. Raises UsageError for a folder that isn't one of ours."""
    if not data_dir.exists():
        return
    if not (data_dir / MARKER).is_file():
        raise UsageError(f"{data_dir}: isn't a data folder of `liftline up`, so nothing was removed.")
    shutil.rmtree(data_dir)


def _check_data_dir(data_dir: Path) -> None:
    try:
        data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        strange = not (data_dir / MARKER).exists() and any(data_dir.iterdir())
    except OSError as error:
        raise UsageError(f"{data_dir}: can't be used ({error.strerror}); choose another --data-dir.") from error
    if strange:
        raise UsageError(f"{data_dir}: holds other things; choose an empty or a new --data-dir.")


def _start_supervisor(order: UpOrder) -> subprocess.Popen[bytes]:
    state_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
    tied = [program("setpriv"), "--pdeathsig", "TERM"] if order.foreground else []
    command = [
        *tied, sys.executable, "-m", _SUPERVISOR, "--data-dir", str(order.data_dir.absolute()),
        "--detectors", str(order.detectors), "--renderers", str(order.renderers),
    ]  # fmt: skip
    with (state_folder() / "supervisor.log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - our own program, no shell
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )


def _wait(process: subprocess.Popen[bytes], say: Callable[[str], None]) -> State:
    end_s = time.monotonic() + _READY_WITHIN_S
    serving: set[tuple[str, int]] = set()
    while time.monotonic() < end_s:
        if process.poll() is not None:
            raise LiftlineError(_why_ended(process.returncode))
        state = read_state()
        if state is None or state.phase is Phase.STARTING:
            say("NATS and S3 start")
        else:
            services = [one for one in state.processes.values() if one.address]
            _raise_for_crashes(services)
            serving |= {(one.name, one.pid) for one in services if _newly_serving(one, serving)}
            waiting = [one.name for one in services if (one.name, one.pid) not in serving]
            if services and not waiting:
                return state
            say(f"waiting for {', '.join(waiting)}")
        time.sleep(_LOOK_S)
    raise LiftlineError(f"Not everything serves after {_READY_WITHIN_S:.0f} s; {state_folder()} has the logs.")


def is_serving(address: str) -> bool:
    """Whether the service at host:port of this machine says that it takes work, by gRPC's health protocol."""
    return ask(address, answer_s=_ANSWER_S) == SERVING


def _newly_serving(one: Running, serving: set[tuple[str, int]]) -> bool:
    return (one.name, one.pid) not in serving and is_serving(one.address)


def _raise_for_crashes(services: list[Running]) -> None:
    for one in services:
        if one.starts >= _MOST_STARTS:
            raise LiftlineError(f"The {one.name} doesn't start: {_last_line(Path(one.log))} ({one.log} has more).")


def _why_ended(code: int) -> str:
    state = read_state()
    if state is not None and state.phase is Phase.FAILED:
        return state.error
    if code == 1 and is_locked():
        return "It is being started already."
    return f"The supervisor ended with code {code}: {_last_line(state_folder() / 'supervisor.log')}."


def _last_line(log: Path) -> str:
    with suppress(OSError):
        lines = [line.strip() for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
        if lines:
            return lines[-1]
    return "it printed nothing"


def _is_supervisor(pid: int) -> bool:
    with suppress(OSError):
        return _SUPERVISOR.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    return False


def _alive(processes: list[Running]) -> list[str]:
    return [f"{one.name} ({one.pid})" for one in processes if _is_alive(one.pid)]


def _is_alive(pid: int) -> bool:
    """Whether it runs; one that ended and whose parent hasn't looked yet doesn't."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False


def _within(seconds: float, condition: Callable[[], bool]) -> bool:
    end_s = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end_s:
            return False
        time.sleep(0.05)
    return True
