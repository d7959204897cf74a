"""A nats-server with JetStream on this machine. Configuration: https://docs.nats.io/running-a-nats-service/configuration."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from liftline.adapters.access.nats_users import users_conf
from liftline.adapters.access.roles import Role, ServerVariables
from liftline_cli.up._secrets import drawn
from liftline_cli.up.children import Child, server, start, wait_until

_FIRST_WORD = b"INFO"


@dataclass
class NatsServer:
    """One server on a loopback port, its streams below `folder`; it can be killed and started again on them.

    `extra` is added to its configuration: users of a test, certificates. `liftline up` has no monitoring port: that
    answers whatever page a browser shows, with names of hosts and all subjects. has_users: of each service, with a
    password of this folder; else anybody of this machine may do anything.
    """

    folder: Path
    port: int
    extra: str = ""
    monitoring_port: int | None = None
    has_users: bool = False
    child: Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Address for clients, nats://127.0.0.1:PORT."""
        return f"nats://127.0.0.1:{self.port}"

    @cached_property
    def passwords(self) -> Mapping[str, str]:
        """Of all users, as variables of its environment. Raises UsageError where their file is damaged."""
        return drawn(self.folder / "keys.json", [ServerVariables(role).nats_password for role in Role])

    def password(self, role: Role) -> str:
        """Of one user."""
        return self.passwords[ServerVariables(role).nats_password]

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "nats.conf"
        users = users_conf() if self.has_users else ""
        monitoring = "" if self.monitoring_port is None else f'http: "127.0.0.1:{self.monitoring_port}"\n'
        configuration.write_text(
            f'listen: "127.0.0.1:{self.port}"\n{monitoring}'
            f'jetstream {{ store_dir: "{self.folder / "jetstream"}", max_file_store: 4GB }}\n{users}{self.extra}\n'
        )
        given = {**os.environ, **(self.passwords if self.has_users else {})}
        command = [server("nats-server"), "-c", str(configuration)]
        self.child = start("nats-server", command, folder=self.folder, environment=given)
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
