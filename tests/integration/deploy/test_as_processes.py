"""The dev overlay without Kubernetes: its commands and environments as processes, through TLS and tokens, do a job.

Host names, ports and mounted files are replaced by those of this machine, and nothing else.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import av
import numpy as np
import pytest
from pydantic import SecretStr

from deploy.kubelint.documents import Body, Manifests, Pod
from deploy.kubelint.rendering import OVERLAYS, kubectl, render
from deploy.kubelint.rules.environment import variables
from liftline.adapters.access.roles import Role
from liftline.client import Client, Connection
from liftline.client.views import JobState
from liftline.service.tokens import mint_token
from liftline_cli.up.children import Child, free_ports, start
from liftline_cli.up.s3_server import S3Server
from liftline_cli.up.starting import is_serving
from tests.certificates import Authority
from tests.integration.deploy.nats_component import PASSWORD, running_component
from tests.servers import running_s3

pytestmark = [
    pytest.mark.skipif(kubectl() is None, reason="kubectl isn't there; `make kube-lint` gets it"),
    pytest.mark.slow,
]
_READY_S = 180.0


@dataclass
class Machine:
    """Stands for the cluster: what is mounted into pods, and where servers are."""

    folder: Path
    manifests: Manifests
    replaced: Mapping[str, str]
    s3: S3Server
    children: list[Child] = field(default_factory=list)
    ports: dict[str, int] = field(default_factory=dict)

    def secret(self, container: Body) -> dict[str, str]:
        """The Secret that the container gets, named for its role."""
        (name,) = [source["secretRef"]["name"] for source in container["envFrom"] if "secretRef" in source]
        role = Role(name.removeprefix("liftline-"))
        access_key, secret_key = self.s3.keys(role)
        return {
            "LIFTLINE_NATS_USER": role, "LIFTLINE_NATS_PASSWORD": f"{PASSWORD}{role}",
            "LIFTLINE_S3_ACCESS_KEY": access_key, "LIFTLINE_S3_SECRET_KEY": secret_key,
        }  # fmt: skip

    def start(self, pod: Pod) -> Child:
        """Its container's command in its environment; its health is at `ports[name]` afterwards."""
        (container,), name = pod.containers, pod.owner.name
        api, health, metrics = free_ports(3)
        self.ports |= {name: health, f"{name} api": api}
        given = {key: self.replaced.get(value, value) for key, value in variables(self.manifests, container).items()}
        given |= {
            "LIFTLINE_GRPC_LISTEN": f"127.0.0.1:{api}", "LIFTLINE_GRPC_HEALTH_LISTEN": f"127.0.0.1:{health}",
            "LIFTLINE_TELEMETRY_METRICS_LISTEN": f"127.0.0.1:{metrics}",
            **self.secret(container),
        }  # fmt: skip
        given.pop("LIFTLINE_MODELS_DIR", None)  # this machine's own
        assert container["command"][0] == "python"
        inherited = {key: value for key, value in os.environ.items() if not key.startswith("LIFTLINE_")}
        child = start(
            name, [sys.executable, *container["command"][1:]], folder=self.folder, environment={**inherited, **given}
        )
        self.children.append(child)
        return child


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def machine(tmp_path: Path, authority: Authority) -> Iterator[Machine]:
    issued, both = authority.issue("all"), tmp_path / "both.pem"
    both.write_bytes(issued.certificate.read_bytes() + issued.key.read_bytes())
    (tmp_path / "jwt").write_text("k" * 44)
    with (
        running_component(tmp_path, authority, issued) as (nats, _),
        running_s3(tmp_path / "s3", certificate=both) as s3,
    ):
        replaced = {
            "tls://nats:4222": nats.url,
            "https://s3:8333": s3.endpoint,
            "https://localhost:8333": s3.endpoint,
            "/etc/liftline/ca/ca.crt": str(authority.file),
            "/etc/liftline/tls/tls.crt": str(issued.certificate),
            "/etc/liftline/tls/tls.key": str(issued.key),
            "/etc/liftline/jwt/key": str(tmp_path / "jwt"),
        }
        made = Machine(tmp_path, render(OVERLAYS / "dev"), replaced, s3)
        yield made
        for child in made.children:
            child.kill()


def film(path: Path) -> Path:
    """Half a second of noise."""
    rng = np.random.default_rng(0)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for _ in range(12):
            frame = av.VideoFrame.from_ndarray(rng.integers(0, 256, (240, 320, 3), np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def wait_for_all(waiting: Callable[[], list[str]]) -> None:
    end_s = time.monotonic() + _READY_S
    while left := waiting():
        assert time.monotonic() < end_s, left
        time.sleep(0.2)


@pytest.mark.timeout(600)
def test_the_dev_overlay_does_a_job(machine: Machine, authority: Authority, tmp_path: Path) -> None:
    pods = {pod.owner.name: pod for pod in machine.manifests.pods if pod.is_ours}
    assert machine.start(pods.pop("liftline-setup")).process.wait(60) == 0
    running = {name: machine.start(pod) for name, pod in pods.items()}
    assert len(running) == 5
    wait_for_all(lambda: [name for name in running if not is_serving(f"127.0.0.1:{machine.ports[name]}")])

    token = mint_token(tmp_path / "jwt", tenant="lab", audience="liftline", lifetime=timedelta(hours=1))
    server = f"localhost:{machine.ports['liftline-gateway api']}"
    with Client(Connection(server=server, token=SecretStr(token), ca_file=authority.file)) as client:
        job = client.wait(client.submit(film(tmp_path / "noise.mp4")))
        assert (job.state, job.failure) == (JobState.SUCCEEDED, None)
    for child in running.values():
        child.process.terminate()
    assert {name: child.process.wait(60) for name, child in running.items()} == dict.fromkeys(running, 0)
