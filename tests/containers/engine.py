"""podman or docker, and compose with it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).resolve().parents[2]
_BASE = "localhost/liftline-base:runtime"
SERVERS: str = yaml.safe_load((REPOSITORY / "compose.yaml").read_text())["services"]["nats"]["image"]


class EngineError(Exception):
    """A command failed; its output is in the message."""


@dataclass(frozen=True)
class Engine:
    """Runs containers. `environment` is that of its commands."""

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)

    def run(self, *arguments: str, within_s: float = 120.0) -> str:
        """What a command prints. Raises EngineError."""
        return _output([self.name, *arguments], self.environment, within_s=within_s)

    def succeeds(self, *arguments: str) -> bool:
        """Whether a command ends with 0."""
        try:
            self.run(*arguments)
        except EngineError:
            return False
        return True

    def compose(self, project: str, *arguments: str, within_s: float = 300.0) -> str:
        """What a compose command prints, on our compose.yaml. Raises EngineError."""
        command = [sys.executable, "-m", "podman_compose"] if self.name == "podman" else ["docker", "compose"]
        files = ["--file", "compose.yaml"]
        if not self.has_image(SERVERS) and self.has_image(_BASE):
            files += ["--file", "tests/containers/servers.yaml"]
        return _output([*command, *files, "--project-name", project, *arguments], self.environment, within_s=within_s)

    def has_image(self, name: str) -> bool:
        """Whether it was built or pulled."""
        return self.succeeds("image", "inspect", name)

    def inspect(self, container: str) -> dict[str, Any]:
        """All that the engine knows of a container."""
        found: list[dict[str, Any]] = json.loads(self.run("inspect", container))
        return found[0]


def engine_named(name: str, **environment: str) -> Engine:
    """podman or docker, told how to do without systemd where there is none. Raises EngineError if it doesn't answer."""
    engine = Engine(name, {**os.environ, **_without_systemd(), **environment})
    engine.run("info")
    return engine


def _without_systemd() -> dict[str, str]:
    if Path("/run/systemd/system").is_dir():
        return {}
    return {"CONTAINERS_CONF": str(REPOSITORY / "deploy/images/containers.conf")}


def _output(command: list[str], environment: Mapping[str, str], *, within_s: float) -> str:
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, timeout=within_s, check=False, text=True,
        capture_output=True,
    )  # fmt: skip
    if done.returncode != 0:
        raise EngineError(f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}")
    return done.stdout
