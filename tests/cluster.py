"""A whole Liftline on this machine, every part a process that can be killed, stopped and started again by itself.

Servers and gateway are the real ones. Workers are the real worker loop around stand-in stages, which sleep
(`tests.standin_services`), unless a test names others.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from liftline.adapters.access.roles import Role
from liftline_cli.up._nats_server import NatsServer
from liftline_cli.up._services import credentials
from liftline_cli.up.children import Child, free_ports, start
from liftline_cli.up.s3_server import S3Server
from liftline_cli.up.starting import is_serving
from tests.integration.s3.lying import lying_proxy

GATEWAY, DETECTOR, LIFTER, RENDERER = "gateway", "detector", "lifter", "renderer"
WORKERS = (DETECTOR, LIFTER, RENDERER)
_SOON = {
    "LIFTLINE_NATS_ACK_WAIT_S": "1.5",
    "LIFTLINE_GATEWAY_RECONCILE_S": "0.5",
    "LIFTLINE_GATEWAY_STALE_S": "2",
    "LIFTLINE_WORKER_STALL_S": "3",
    "LIFTLINE_WORKER_GRACE_S": "1",
    "LIFTLINE_TELEMETRY_LOG_LEVEL": "info",
}
"""Whatever waits in earnest for half a minute waits a second or two here."""


@dataclass
class Part:
    """One service process. While it is `wanted`, whoever kills it sees it come back."""

    name: str
    kind: str
    arguments: list[str]
    environment: dict[str, str]
    port: int
    health_port: int
    wanted: bool = True
    child: Child | None = None
    exit_codes: list[int] = field(default_factory=list)

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self.child is not None and self.child.alive:
            self.child.process.send_signal(number)


class Cluster:
    """NATS, S3, gateways and workers. Use it as `with cluster(...)`."""

    def __init__(
        self,
        folder: Path,
        *,
        counts: Mapping[str, int],
        options: Mapping[str, str],
        workers_module: str | None,
        proxied: bool = False,
    ) -> None:
        """Nothing runs yet. `proxied`: services reach S3 by `proxy`, clients directly."""
        self.folder = folder
        nats, monitoring, s3 = free_ports(3)
        self.nats = NatsServer(folder / "nats", nats, monitoring_port=monitoring, has_users=True)
        self.s3 = S3Server(folder / "s3", s3)
        self.bucket = "liftline"
        self._options, self._workers_module = options, workers_module
        self._ended, self._stack = threading.Event(), ExitStack()
        self.proxy = self._stack.enter_context(lying_proxy(self.s3)) if proxied else None
        ports = iter(free_ports(2 * sum(counts.values())))
        self.parts = [
            self._part(kind, n, next(ports), next(ports)) for kind, many in counts.items() for n in range(many)
        ]
        self._keeper = threading.Thread(target=self._keep, daemon=True)

    def of(self, *kinds: str) -> list[Part]:
        """Parts of these kinds."""
        return [part for part in self.parts if part.kind in kinds]

    @property
    def server(self) -> str:
        """Address of the first gateway."""
        return f"127.0.0.1:{self.of(GATEWAY)[0].port}"

    def environment(self, role: Role) -> dict[str, str]:
        """What every service of this user is told."""
        return {
            **os.environ,
            **_SOON,
            "LIFTLINE_NATS_URL": self.nats.url,
            "LIFTLINE_S3_ENDPOINT": self.proxy.endpoint if self.proxy else self.s3.endpoint,
            "LIFTLINE_S3_PUBLIC_ENDPOINT": self.s3.endpoint,
            **credentials(role, self.nats, self.s3),
            "LIFTLINE_S3_BUCKET": self.bucket,
            **self._options,
        }

    def start(self) -> None:
        """Start everything and wait until all services take work."""
        self.nats.start()
        self.s3.start()
        self.set_up()
        self._keeper.start()
        self.wait_until_serving()

    def set_up(self) -> None:
        """Make streams, consumers and the bucket, as the Job `liftline-setup` does."""
        arguments = [sys.executable, "-m", "liftline_gateway", "setup"]
        subprocess.run(arguments, env=self.environment(Role.SETUP), check=True, capture_output=True)

    def stop(self) -> None:
        """End everything at once."""
        self._ended.set()
        self._keeper.join()
        for part in self.parts:
            if part.child is not None and part.child.alive:
                part.child.kill()
        self.s3.kill()
        self.nats.kill()
        self._stack.close()

    def wait_until_serving(self, *parts: Part, within_s: float = 180.0) -> None:
        """Wait for the health of these parts, or all."""
        end = time.monotonic() + within_s
        for part in parts or self.parts:
            while not self.serves(part):
                if time.monotonic() > end:
                    raise TimeoutError(f"{part.name} isn't serving after {within_s} s; see {self.folder}")
                time.sleep(0.05)

    def serves(self, part: Part) -> bool:
        """Whether it says that it takes work."""
        return is_serving(f"127.0.0.1:{part.health_port}")

    def kill(self, part: Part) -> None:
        """End it at once, as a crash would; it comes back."""
        part.signal(signal.SIGKILL)

    def scale_down(self, part: Part) -> None:
        """End it as Kubernetes does; it doesn't come back before `scale_up`."""
        part.wanted = False
        part.signal(signal.SIGTERM)

    def scale_up(self, part: Part) -> None:
        """Let it run again."""
        part.wanted = True

    @contextmanager
    def without_s3(self) -> Iterator[None]:
        """S3 doesn't answer in here."""
        self.s3.kill()
        try:
            yield
        finally:
            self.s3.start()

    @contextmanager
    def without_nats(self) -> Iterator[None]:
        """NATS was killed; afterwards it starts again on its store."""
        self.nats.kill()
        try:
            yield
        finally:
            self.nats.start()

    def _part(self, kind: str, number: int, port: int, health_port: int) -> Part:
        arguments = [sys.executable, "-m", f"liftline_{kind}"]
        if kind in WORKERS and self._workers_module is not None:
            arguments = [sys.executable, "-m", self._workers_module, kind]
        listen = {"LISTEN": f"127.0.0.1:{port}", "HEALTH_LISTEN": f"127.0.0.1:{health_port}"}
        environment = self.environment(Role(kind)) | {f"LIFTLINE_GRPC_{name}": value for name, value in listen.items()}
        return Part(f"{kind}-{number}", kind, arguments, environment, port, health_port)

    def _keep(self) -> None:
        while not self._ended.wait(0.1):
            for part in self.parts:
                if part.child is not None and not part.child.alive:
                    part.exit_codes.append(part.child.process.returncode)
                    part.child = None
                if part.wanted and part.child is None:
                    part.child = start(part.name, part.arguments, folder=self.folder, environment=part.environment)


@contextmanager
def cluster(
    folder: Path,
    *,
    gateways: int = 1,
    detectors: int = 1,
    lifters: int = 1,
    renderers: int = 1,
    options: Mapping[str, str] | None = None,
    workers_module: str | None = "tests.standin_services",
    proxied: bool = False,
    adapt: Callable[[Part], None] = lambda _: None,
) -> Iterator[Cluster]:
    """A running cluster that ends with the context. `options` are further `LIFTLINE_*` variables for all services.

    adapt: is called with each part before it starts.
    """
    counts = {GATEWAY: gateways, DETECTOR: detectors, LIFTER: lifters, RENDERER: renderers}
    running = Cluster(folder, counts=counts, options=options or {}, workers_module=workers_module, proxied=proxied)
    try:
        for part in running.parts:
            adapt(part)
        running.start()
        yield running
    finally:
        running.stop()
