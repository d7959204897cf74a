"""components/nats' configuration on a real nats-server, its ports and folders replaced by this machine's."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from deploy.kubelint.rendering import K8S
from liftline.adapters.access.roles import Role, ServerVariables
from liftline.settings.services import NatsSettings
from liftline_cli.up.children import free_ports, server, start, wait_until_answering
from tests.certificates import Authority, Certificate

PASSWORD = "k0123456789abcdef"


@contextmanager
def running_component(
    folder: Path, authority: Authority, certificate: Certificate
) -> Iterator[tuple[NatsSettings, int]]:
    """Settings to reach it as `setup`, and its monitoring port; passwords are PASSWORD and the role's name."""
    port, monitoring = free_ports(2)
    text = (K8S / "components" / "nats" / "nats.conf").read_text()
    for inside, here in {
        "0.0.0.0:4222": f"127.0.0.1:{port}", "0.0.0.0:8222": f"127.0.0.1:{monitoring}", '"/data"': f'"{folder}/data"',
        "/etc/nats/tls/tls.crt": str(certificate.certificate), "/etc/nats/tls/tls.key": str(certificate.key),
    }.items():  # fmt: skip
        assert inside in text
        text = text.replace(inside, here)
    configuration = folder / "nats.conf"
    (folder / "users.conf").write_text((K8S / "components" / "nats" / "users.conf").read_text())
    configuration.write_text(text)
    passwords = {ServerVariables(role).nats_password: f"{PASSWORD}{role}" for role in Role}
    given = {**os.environ, "POD_NAME": "nats-0", **passwords}
    child = start("nats", [server("nats-server"), "-c", str(configuration)], folder=folder, environment=given)
    wait_until_answering(child, f"http://127.0.0.1:{monitoring}/healthz")
    url, password = f"tls://localhost:{port}", SecretStr(f"{PASSWORD}{Role.SETUP}")
    try:
        yield NatsSettings(url=url, user=Role.SETUP, password=password, ca_file=authority.file), monitoring
    finally:
        child.kill()
