"""The environment that manifests give to our services, read as the services will read it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import PurePosixPath

from pydantic import ValidationError
from pydantic_settings import BaseSettings

from deploy.kubelint.documents import Body, Finding, Manifests, Pod
from liftline.adapters.nats import addresses
from liftline.adapters.s3 import client as s3
from liftline.errors import UsageError
from liftline.service.grpc.server import unprotected
from liftline.settings.machine import Settings
from liftline.settings.services import (
    GatewaySettings,
    GrpcSettings,
    NatsSettings,
    S3Settings,
    TelemetrySettings,
    WorkerSettings,
)
from liftline_detector.settings import detector_settings
from liftline_lifter.settings import LifterSettings

ALL: tuple[type[BaseSettings], ...] = (
    Settings, NatsSettings, S3Settings, GrpcSettings, TelemetrySettings, WorkerSettings, GatewaySettings,
    detector_settings(), LifterSettings,
)  # fmt: skip
_SECRET = "a-secret"  # noqa: S105 - stands for what isn't in manifests


def variables(manifests: Manifests, container: Body) -> dict[str, str]:
    """The environment of the container's process; a placeholder stands for secrets."""
    seen: dict[str, str] = {}
    for source in container.get("envFrom") or []:
        found = manifests.find("ConfigMap", source.get("configMapRef", {}).get("name", ""))
        seen |= (found.body.get("data") or {}) if found else {}
        keys = manifests.keys_of("Secret", source["secretRef"]["name"]) if "secretRef" in source else None
        seen |= dict.fromkeys(keys or (), _SECRET)
    for variable in container.get("env") or []:
        seen[variable["name"]] = str(variable["value"]) if "value" in variable else _SECRET
    return seen


def check(manifests: Manifests) -> Iterator[Finding]:
    """Settings of our services that are unknown, refused, name missing files, or listen on no port."""
    known = {f"{kind.model_config['env_prefix']}{name.upper()}" for kind in ALL for name in kind.model_fields}
    for pod in manifests.pods:
        if not pod.is_ours:
            continue
        for container in pod.containers:
            seen = {
                name: value for name, value in variables(manifests, container).items() if name.startswith("LIFTLINE_")
            }
            for name in sorted(seen.keys() - known):
                yield pod.owner.finding(f"there is no setting {name}")
            with _environment(seen):
                for problem in _problems():
                    yield pod.owner.finding(problem)
            yield from _files(manifests, pod, container, seen)
            yield from _listening(pod, container, seen)


def _problems() -> Iterator[str]:
    """What the services would refuse in this process's environment."""
    for kind in ALL:
        try:
            kind()
        except ValidationError as error:
            wrong = error.errors()[0]
            yield f"{kind.__name__}: {wrong['loc'][0] if wrong['loc'] else ''}: {wrong['msg']}"
            return
    grpc = GrpcSettings()
    if missing := unprotected(grpc):
        yield f"it listens on {grpc.listen} without {', '.join(missing)}"
    for look in (lambda: addresses.servers(NatsSettings()), lambda: s3.signer(S3Settings()), _s3_endpoint):
        try:
            look()
        except UsageError as error:
            yield str(error)


def _s3_endpoint() -> object:
    return s3.signer(S3Settings().model_copy(update={"public_endpoint": None}))


def _files(manifests: Manifests, pod: Pod, container: Body, seen: Mapping[str, str]) -> Iterator[Finding]:
    """Files and folders of settings lie in volumes that hold them."""
    mounts = {PurePosixPath(mount["mountPath"]): mount["name"] for mount in container.get("volumeMounts") or []}
    volumes = {volume["name"]: volume for volume in pod.spec.get("volumes") or []}
    for name, value in seen.items():
        if not name.endswith(("_FILE", "_DIR")):
            continue
        path = PurePosixPath(value)
        mount = next((one for one in mounts if path.is_relative_to(one)), None)
        if mount is None:
            yield pod.owner.finding(f"{name}: nothing is mounted at {value}")
        elif (held := _held(manifests, volumes.get(mounts[mount], {}))) is not None and str(
            path.relative_to(mount)
        ) not in held:
            yield pod.owner.finding(f"{name}: the volume {mounts[mount]} holds no {path.relative_to(mount)}")


def _held(manifests: Manifests, volume: Body) -> set[str] | None:
    """File names in a volume of a Secret; None where that isn't known."""
    secret = volume.get("secret")
    if secret is None:
        return None
    if "items" in secret:
        return {item["path"] for item in secret["items"]}
    return manifests.keys_of("Secret", secret["secretName"])


def _listening(pod: Pod, container: Body, seen: Mapping[str, str]) -> Iterator[Finding]:
    """Container ports that no `_LISTEN` setting names."""
    if pod.owner.kind == "Job":
        return
    listened = {seen[name].rpartition(":")[2] for name in seen if name.endswith("_LISTEN")}
    for port in container.get("ports") or []:
        if str(port["containerPort"]) not in listened:
            yield pod.owner.finding(
                f"the port {port['name']} ({port['containerPort']}) isn't listened on by any setting"
            )


@contextmanager
def _environment(seen: Mapping[str, str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("LIFTLINE_")]:
        del os.environ[name]
    os.environ.update(seen)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
