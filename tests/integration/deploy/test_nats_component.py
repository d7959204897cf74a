"""components/nats' configuration on a real nats-server: services get in over TLS, KEDA finds what it is told of."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from deploy.kubelint.rendering import K8S
from liftline.adapters.nats import topology
from liftline.adapters.nats.connection import connected
from liftline.errors import UsageError
from liftline.settings.services import NatsSettings
from tests.certificates import Authority
from tests.integration.deploy.nats_component import running_component

COMPONENTS = K8S / "components"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NatsSettings, int]]:
    """Settings to reach it, and its monitoring port."""
    folder = tmp_path_factory.mktemp("nats")
    authority = Authority(folder)
    with running_component(folder, authority, authority.issue("nats")) as running:
        yield running


def set_up(settings: NatsSettings) -> None:
    async def run() -> None:
        async with connected(settings, name="setup") as connection:
            await topology.ensure(connection)

    asyncio.run(run())


def test_keda_finds_every_consumer_that_its_triggers_name(server: tuple[NatsSettings, int]) -> None:
    settings, monitoring = server
    set_up(settings)
    patched = yaml.safe_load((COMPONENTS / "keda" / "kustomization.yaml").read_text())
    (account,) = [
        text.partition("=")[2]
        for text in patched["configMapGenerator"][0]["literals"]
        if text.startswith("nats-account=")
    ]
    address = f"http://127.0.0.1:{monitoring}/jsz?acc={account}&consumers=true&config=true"
    with urllib.request.urlopen(address, timeout=5) as answer:
        found = json.load(answer)
    seen = {
        (stream["name"], consumer["name"]): consumer.get("cluster", {}).get("leader")
        for one in found["account_details"]
        if one["name"] == account
        for stream in one["stream_detail"]
        for consumer in stream.get("consumer_detail", [])
    }
    assert triggers() <= seen.keys()
    # Either is what prometheus-nats-exporter tells as is_consumer_leader="true", which the alerts ask for.
    assert set(seen.values()) <= {None, "nats-0"}


def test_nobody_else_gets_in(server: tuple[NatsSettings, int]) -> None:
    settings, _ = server
    with pytest.raises(UsageError, match="refuses these credentials"):
        set_up(settings.model_copy(update={"password": SecretStr("another")}))


def triggers() -> set[tuple[str, str]]:
    documents: list[Any] = [
        body for path in (COMPONENTS / "keda").glob("*.yaml") for body in yaml.safe_load_all(Path(path).read_text())
    ]
    scaled = [body for body in documents if body["kind"] == "ScaledObject"]
    assert len(scaled) == 4
    metadata = [trigger["metadata"] for body in scaled for trigger in body["spec"]["triggers"]]
    return {(one["stream"], one["consumer"]) for one in metadata}
