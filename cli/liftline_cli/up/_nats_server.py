"""A nats-server with JetStream on this machine. Configuration: https://docs.nats.io/running-a-nats-service/configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from liftline_cli.up.children import Child, server, start, wait_until_answering


@dataclass
class NatsServer:
    """One server on loopback ports, its streams below `folder`; it can be killed and started again on them.

    `extra` is added to its configuration: users, certificates.
    """

    folder: Path
    port: int
    monitoring_port: int
    extra: str = ""
    child: Child | None = field(default=None, init=False)

    @property
    def url(self) -> str:
        """Address for clients, nats://127.0.0.1:PORT."""
        return f"nats://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it answers."""
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "nats.conf"
        configuration.write_text(
            f'listen: "127.0.0.1:{self.port}"\nhttp: "127.0.0.1:{self.monitoring_port}"\n'
            f'jetstream {{ store_dir: "{self.folder / "jetstream"}", max_file_store: 4GB }}\n{self.extra}\n'
        )
        self.child = start("nats-server", [server("nats-server"), "-c", str(configuration)], folder=self.folder)
        wait_until_answering(self.child, f"http://127.0.0.1:{self.monitoring_port}/healthz")

    def end(self, *, within_s: float) -> None:
        """End it by SIGTERM, or by SIGKILL after `within_s` seconds; what it stored stays."""
        if self.child is not None:
            self.child.end(within_s=within_s)

    def kill(self) -> None:
        """End it by SIGKILL; what it stored stays."""
        if self.child is not None:
            self.child.kill()
