"""All of compose.yaml, running, with names and ports of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from liftline_cli.up.children import free_ports
from tests.containers.engine import REPOSITORY, Engine, EngineError, engine_named

SERVICES = ("gateway", "detector", "lifter", "renderer")
SERVERS = ("nats", "s3")
_PROBE = ("python", "-m", "liftline.service.grpc.probe")
_METRICS = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9464/metrics').read().decode())"


@dataclass(frozen=True)
class System:
    """Its containers, and how a client gets to it."""

    engine: Engine
    project: str
    server: str
    secrets: Path
    folder: Path

    def containers(self, *services: str) -> list[str]:
        """Names of the containers of these services, or of all that keep running."""
        project = f"label=com.docker.compose.project={self.project}"
        found: list[str] = []
        for service in services or (*SERVICES, *SERVERS):
            label = f"label=com.docker.compose.service={service}"
            names = self.engine.run("ps", "--all", "--filter", project, "--filter", label, "--format", "{{.Names}}")
            found += sorted(names.split())
        return found

    def serves(self, container: str) -> bool:
        """Whether the image's own health check says so."""
        return self.engine.succeeds("exec", container, *_PROBE)

    def wait_until_serving(self, *, within_s: float) -> None:
        """Wait for all services. Raises TimeoutError with what the last one printed."""
        for container in self.containers(*SERVICES):
            wait_for(lambda c=container: self.serves(c), within_s=within_s, what=lambda c=container: self.logs(c))

    def logs(self, container: str) -> str:
        """The end of what it printed."""
        done = subprocess.run(
            [self.engine.name, "logs", "--tail", "40", container], env=self.engine.environment, check=False, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        return f"{container}:\n{done.stdout}"

    def running_tasks(self, container: str) -> float:
        """How many tasks of any stage but `plan` it works on."""
        try:
            text = self.engine.run("exec", container, "python", "-c", _METRICS)
        except EngineError:
            return 0.0
        lines = [line for line in text.splitlines() if line.startswith("liftline_tasks_running") and "plan" not in line]
        return sum(float(line.split()[-1]) for line in lines)

    def client(self) -> dict[str, str]:
        """The environment of `liftline submit` and its siblings."""
        return {
            **os.environ,
            "LIFTLINE_SERVER": self.server,
            "LIFTLINE_TOKEN_FILE": str(self.secrets / "token"),
            "LIFTLINE_CA_FILE": str(self.secrets / "ca.crt"),
        }

    def submit(self, video: Path, output: Path) -> subprocess.Popen[str]:
        """`liftline submit`, which ends when the results are in `output`."""
        command = [
            sys.executable,
            "-m",
            "liftline_cli.main",
            "submit",
            str(video),
            "--output-dir",
            str(output),
            "--json",
        ]
        return subprocess.Popen(
            command, cwd=REPOSITORY, env=self.client(), text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )


@contextmanager
def running_system(name: str, folder: Path) -> Iterator[System]:
    """Start all of it with podman or docker; at the end nothing of it is left. Raises EngineError."""
    secrets = folder / "secrets"
    subprocess.run(["deploy/compose/secrets.sh", secrets], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    api, s3 = free_ports(2)
    engine = engine_named(
        name, LIFTLINE_SECRETS=str(secrets), LIFTLINE_PORT=str(api), LIFTLINE_S3_PORT=str(s3), LIFTLINE_SEGMENT_S="2"
    )
    system = System(engine, f"liftline-smoke-{os.getpid()}", f"localhost:{api}", secrets, folder)
    _make_token(secrets)
    try:
        engine.compose(system.project, "up", "--detach", "--no-build")
        system.wait_until_serving(within_s=300)
        yield system
    finally:
        engine.compose(system.project, "down", "--volumes")


def wait_for(holds: Callable[[], bool], *, within_s: float, what: Callable[[], str]) -> None:
    """Wait until it holds. Raises TimeoutError, saying `what`."""
    end = time.monotonic() + within_s
    while not holds():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {within_s} s: {what()}")
        time.sleep(0.3)


def result_of(submitting: subprocess.Popen[str], *, within_s: float) -> dict[str, object]:
    """The JSON object of a submit that ended well."""
    out, err = submitting.communicate(timeout=within_s)
    if submitting.returncode != 0:
        raise AssertionError(f"submit ended with {submitting.returncode}\n{out}\n{err}")
    found: dict[str, object] = json.loads(out.splitlines()[-1])
    return found


def _make_token(secrets: Path) -> None:
    command = [sys.executable, "-m", "liftline_cli.main", "token", "lab", "--key-file", str(secrets / "jwt.key")]
    (secrets / "token").write_text(subprocess.run(command, check=True, text=True, stdout=subprocess.PIPE).stdout)
