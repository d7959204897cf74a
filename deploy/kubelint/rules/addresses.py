"""Hosts that are asked from elsewhere have their namespace's name: NATS' monitoring by KEDA, names in certificates."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

from deploy.kubelint.documents import Document, Finding, Manifests

_MONITORING = "natsServerMonitoringEndpoint"


def check(manifests: Manifests) -> Iterator[Finding]:
    """Host names that don't resolve to the Service's namespace from where they are used."""
    for authentication in manifests.of("TriggerAuthentication"):
        for source in authentication.spec.get("configMapTargetRef") or []:
            if source["parameter"] == _MONITORING:
                yield from _asked_by_keda(manifests, source["name"], source["key"])
    for certificate in manifests.of("Certificate"):
        for name in certificate.spec.get("dnsNames") or []:
            if name.split(".")[2:3] == ["svc"]:
                yield from _namespace(manifests, certificate, name)


def _asked_by_keda(manifests: Manifests, name: str, key: str) -> Iterator[Finding]:
    found = manifests.find("ConfigMap", name)
    if found is None or key not in (found.body.get("data") or {}):
        return
    host = urlsplit(f"//{found.body['data'][key]}").hostname or ""
    if "." not in host:
        yield found.finding(f"{key}: KEDA asks from a namespace of its own, where nobody is called {host!r}")
    yield from _namespace(manifests, found, host)


def _namespace(manifests: Manifests, user: Document, host: str) -> Iterator[Finding]:
    """A Service of these manifests is in the namespace it is looked for in."""
    first, _, rest = host.partition(".")
    service = manifests.find("Service", first)
    if service is not None and rest and rest.partition(".")[0] != service.namespace:
        yield user.finding(f"{host}: the Service {first} is in the namespace {service.namespace}")
