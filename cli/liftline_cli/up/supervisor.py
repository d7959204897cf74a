"""The process behind `liftline up`: starts servers and services, starts again what crashes, ends all of it at SIGTERM.

Its children can't outlive it, however it ends. All are started by its main thread, whose death the kernel tells them.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from liftline.adapters.access.roles import Role
from liftline.client.local_gateway import state_file
from liftline.errors import LiftlineError
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up._services import GRACE_S, ServiceProcess, environment, service_processes
from liftline_cli.up.children import Child, free_ports, start
from liftline_cli.up.ports import Ports
from liftline_cli.up.s3_server import S3Server
from liftline_cli.up.state import Phase, Running, State, locked, log_folder, write_state

_LOOK_S, _END_WITHIN_S = 0.2, 10.0
_FIRST_PAUSE_S, _LONGEST_PAUSE_S, _WELL_AFTER_S = 0.5, 30.0, 60.0


@dataclass
class Restarts:
    """When something that crashed is started again: later each time, unless it ran well in between."""

    clock_s: Callable[[], float] = time.monotonic
    pause_s: float = field(default=0.0, init=False)
    _started_s: float = field(default=0.0, init=False)
    _ended_s: float | None = field(default=None, init=False)

    def started(self) -> None:
        """Note that the process runs from now on."""
        self._started_s, self._ended_s = self.clock_s(), None

    def due(self) -> bool:
        """Whether a process that has ended is to be started now. The first call after its end begins the pause."""
        if self._ended_s is None:
            self._ended_s = self.clock_s()
            ran_well = self._ended_s - self._started_s > _WELL_AFTER_S
            self.pause_s = _FIRST_PAUSE_S if ran_well or not self.pause_s else min(2 * self.pause_s, _LONGEST_PAUSE_S)
        return self.clock_s() - self._ended_s >= self.pause_s


class Service:
    """A service's process, over all its lives."""

    def __init__(self, process: ServiceProcess, environment: dict[str, str]) -> None:
        """`environment` is what it is told; each life gets an address to listen on besides."""
        self.process, self._environment = process, environment
        self.child: Child | None = None
        self.starts = 0
        self._restarts = Restarts()
        self._address = ""

    def keep_alive(self) -> bool:
        """Start the process if it doesn't run and its pause is over. Returns whether it was started."""
        if self.child is not None and (self.child.alive or not self._restarts.due()):
            return False
        port = self.process.port or free_ports(1)[0]
        self._address = f"127.0.0.1:{port}"
        self.child = start(
            self.process.name, [sys.executable, "-m", self.process.module], folder=log_folder(),
            environment={**self._environment, "LIFTLINE_GRPC_LISTEN": self._address},
        )  # fmt: skip
        self.starts += 1
        self._restarts.started()
        return True

    @property
    def running(self) -> Running:
        """Name, process id, log and address, for `liftline up`. The process must have been started."""
        assert self.child is not None
        child = self.child
        return Running(self.process.name, child.process.pid, str(child.log), self._address, self.starts)


class Supervisor:
    """All processes of one `liftline up`."""

    def __init__(self, data_dir: Path, *, detectors: int, renderers: int) -> None:
        """Chooses ports, the same as last time if they are free. Raises UsageError if the note of them is damaged."""
        ports = Ports.choose(data_dir)
        self._nats = NatsServer(data_dir / "nats", ports.nats, has_users=True)
        self._s3 = S3Server(data_dir / "s3", ports.s3)
        processes = service_processes(detectors=detectors, renderers=renderers, gateway_port=ports.gateway)
        self._services = [Service(one, environment(one.role, self._nats, self._s3)) for one in processes]
        self._setup: Child | None = None
        self._servers: list[tuple[NatsServer | S3Server, Restarts]] = [(self._nats, Restarts()), (self._s3, Restarts())]
        self._state = State(Phase.STARTING, os.getpid(), str(data_dir), gateway=f"127.0.0.1:{ports.gateway}")

    def run(self) -> None:
        """Start everything and mind it, until SystemExit. Raises LiftlineError where it doesn't start."""
        self._tell()
        for server, restarts in self._servers:
            server.start()
            restarts.started()
        self._setup = start(
            "setup", [sys.executable, "-m", "liftline_gateway", "setup"], folder=log_folder(),
            environment=environment(Role.SETUP, self._nats, self._s3),
        )  # fmt: skip
        while True:
            self._raise_unless_set_up()
            changed = [service.keep_alive() for service in self._services]
            changed += [_started_again(server, restarts) for server, restarts in self._servers]
            if any(changed):
                self._state = replace(self._state, phase=Phase.RUNNING)
                self._tell()
            time.sleep(_LOOK_S)

    def end(self) -> None:
        """End everything: services first, which may finish what they do, then what they lean on."""
        self._state = replace(self._state, phase=Phase.STOPPING)
        self._tell()
        children = [service.child for service in self._services if service.child is not None]
        children += [self._setup] if self._setup is not None else []
        for child in children:
            child.process.terminate()
        end_s = time.monotonic() + GRACE_S + _END_WITHIN_S
        for child in children:
            child.end(within_s=max(0.0, end_s - time.monotonic()))
        self._s3.kill()
        self._nats.end(within_s=_END_WITHIN_S)

    def _raise_unless_set_up(self) -> None:
        """Services wait meanwhile for streams and the bucket, which they may not make themselves."""
        if self._setup is None or self._setup.alive:
            return
        if self._setup.process.returncode != 0:
            raise LiftlineError(f"Streams and the bucket can't be made; {self._setup.log} says why.")
        self._setup = None

    def _tell(self) -> None:
        children = [server.child for server, _ in self._servers if server.child is not None]
        running = [Running(child.name, child.process.pid, str(child.log)) for child in children]
        running += [service.running for service in self._services if service.child is not None]
        self._state = replace(self._state, processes={one.name: one for one in running})
        write_state(self._state)


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point of `python -m liftline_cli.up.supervisor`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--detectors", type=int, required=True)
    parser.add_argument("--renderers", type=int, required=True)
    given = parser.parse_args(arguments)
    os.umask(0o077)  # videos and what is known of people in them are nobody else's
    with locked() as mine:
        if not mine:
            return 1
        try:
            _supervise(given.data_dir, detectors=given.detectors, renderers=given.renderers)
        except LiftlineError as error:
            write_state(State(Phase.FAILED, os.getpid(), str(given.data_dir), error=str(error)))
            return int(error.exit_code)
        state_file().unlink(missing_ok=True)
    return 0


def _supervise(data_dir: Path, *, detectors: int, renderers: int) -> None:
    shutil.rmtree(log_folder(), ignore_errors=True)
    log_folder().mkdir(parents=True)
    supervisor = Supervisor(data_dir, detectors=detectors, renderers=renderers)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    try:
        with suppress(SystemExit):
            supervisor.run()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        supervisor.end()


def _started_again(server: NatsServer | S3Server, restarts: Restarts) -> bool:
    """Whether a server that ended was started again, or its start failed; then the next one comes later."""
    if server.child is None or server.child.alive or not restarts.due():
        return False
    try:
        server.start()
    except LiftlineError as error:
        sys.stderr.write(f"{error}\n")
    restarts.started()
    return True


if __name__ == "__main__":
    sys.exit(main())
