"""A nats-server with JetStream on this machine. Configuration: https://docs.nats.io/running-a-nats-service/configuration."""

from __future__ import annotations

import socket
from dataclasses import dataclass, field
from pathlib import Path

from liftline_cli.up.children import Child, server, start, wait_until

_FIRST_WORD = b"INFO"


@dataclass
class NatsServer:
    """One server on a loopback port, its streams below `folder`; it can be killed and started again on them.

    `extra` is added to its configuration: users, certificates. `liftline up` has no monitoring port: that answers
    whatever page a browser shows, with names of hosts and all subjects.
    """

    folder: Path
    port: int
    extra: str = ""
    monitoring_port: int | None = None
    child: Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Address for clients, nats://127.0.0.1:PORT."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "nats.conf"
        monitoring = "" if self.monitoring_port is None else f'http: "127.0.0.1:{self.monitoring_port}"\n'
        configuration.write_text(
            f'listen: "127.0.0.1:{self.port}"\n{monitoring}'
            f'jetstream {{ store_dir: "{self.folder / "jetstream"}", max_file_store: 4GB }}\n{self.extra}\n'
        )
        self.child = start("nats-server", [server("nats-server"), "-c", str(configuration)], folder=self.folder)
        wait_until(self.child, self._answers)

    def _answers(self) -> bool:
        """It says who it is to whoever connects, once its streams are there."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
            return connection.recv(len(_FIRST_WORD)) == _FIRST_WORD

    def end(self, *, within_s: float) -> None:
        """End it by SIGTERM, or by SIGKILL after `within_s` seconds; what it stored stays."""
        if self.child is not None:
            self.child.end(within_s=within_s)

    def kill(self) -> None:
        """End it by SIGKILL; what it stored stays."""
        if self.child is not None:
            self.child.kill()
