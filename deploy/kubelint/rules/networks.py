"""NetworkPolicies select pods that are there, and let through what services need: nothing less."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from deploy.kubelint.documents import Body, Document, Finding, Manifests, Pod
from deploy.kubelint.rules.environment import variables

_SERVERS = {"LIFTLINE_NATS_URL": 4222, "LIFTLINE_S3_ENDPOINT": 443}
_DNS = 53


def check(manifests: Manifests) -> Iterator[Finding]:
    """Policies that select nothing or block what services need; nothing where an overlay has no policies."""
    policies = manifests.of("NetworkPolicy")
    if not policies:
        return
    if not any(not one.spec["podSelector"] and len(one.spec["policyTypes"]) == 2 for one in policies):
        yield Finding("NetworkPolicies", "none denies everything else")
    for policy in policies:
        yield from _selected(manifests, policy)
    for pod in manifests.pods:
        if pod.is_ours:
            yield from _ways(manifests, pod)


def _selected(manifests: Manifests, policy: Document) -> Iterator[Finding]:
    own = manifests.selected(_labels(policy.spec["podSelector"]))
    if not own:
        yield policy.finding(f"nothing has the labels {_labels(policy.spec['podSelector'])}")
    for rule in policy.spec.get("ingress") or []:
        for peer in rule.get("from") or []:
            yield from _peer(manifests, policy, peer)
        for port in rule.get("ports") or []:
            if not any(_number(pod, port["port"]) for pod in own):
                yield policy.finding(f"none of its pods has the port {port['port']}")
    for rule in policy.spec.get("egress") or []:
        for peer in rule.get("to") or []:
            yield from _peer(manifests, policy, peer)


def _peer(manifests: Manifests, policy: Document, peer: Body) -> Iterator[Finding]:
    """Pods of this namespace; others can't be known."""
    if "podSelector" in peer and "namespaceSelector" not in peer:
        labels = _labels(peer["podSelector"])
        if not manifests.selected(labels):
            yield policy.finding(f"nothing has the labels {labels}")


def _ways(manifests: Manifests, pod: Pod) -> Iterator[Finding]:
    """From one of our pods to DNS, NATS and S3; of the gateway, from its clients."""
    if not _outside(manifests, pod, _DNS):
        yield pod.owner.finding("no NetworkPolicy lets it ask DNS")
    for container in pod.containers:
        seen = variables(manifests, container)
        for name, usual in _SERVERS.items():
            address = urlsplit(seen.get(name, ""))
            yield from _way(manifests, pod, address.hostname or "", address.port or usual)
    for service in manifests.of("Service"):
        if service.spec["selector"].items() <= pod.labels.items():
            for port in service.spec["ports"]:
                if not _is_let_in(manifests, pod, _number(pod, port["targetPort"]), None):
                    yield service.finding("no NetworkPolicy lets anyone in")


def _way(manifests: Manifests, pod: Pod, host: str, port: int) -> Iterator[Finding]:
    service = manifests.find("Service", host)
    if service is None:
        if not _outside(manifests, pod, port):
            yield pod.owner.finding(f"no NetworkPolicy lets it go to {host}:{port}")
        return
    for server in manifests.selected(service.spec["selector"]):
        target = next(
            (_number(server, one["targetPort"]) for one in service.spec["ports"] if one["port"] == port), None
        )
        if not _is_let_out(manifests, pod, server, target):
            yield pod.owner.finding(f"no NetworkPolicy lets it go to {host}:{port}")
        if not _is_let_in(manifests, server, target, pod):
            yield server.owner.finding(f"no NetworkPolicy lets {pod.owner.where} in at {target}")


def _rules(manifests: Manifests, pod: Pod, direction: str) -> Iterator[Body]:
    for policy in manifests.of("NetworkPolicy"):
        if _labels(policy.spec["podSelector"]).items() <= pod.labels.items():
            yield from policy.spec.get(direction) or []


def _outside(manifests: Manifests, pod: Pod, port: int) -> bool:
    """Whether it gets out to that port of anything that isn't of these manifests."""
    return any(
        any(one["port"] == port for one in rule.get("ports") or [])
        and any("ipBlock" in peer or "namespaceSelector" in peer for peer in rule.get("to") or [{"ipBlock": {}}])
        for rule in _rules(manifests, pod, "egress")
    )


def _is_let_out(manifests: Manifests, pod: Pod, server: Pod, port: int | None) -> bool:
    return any(
        _has_port(rule, server, port) and any(_is_peer(peer, server) for peer in rule.get("to") or [{}])
        for rule in _rules(manifests, pod, "egress")
    )


def _is_let_in(manifests: Manifests, server: Pod, port: int | None, client: Pod | None) -> bool:
    """Whether a policy lets `client` in at that port of the server; None stands for any client."""
    return any(
        _has_port(rule, server, port)
        and (not rule.get("from") or (client is not None and any(_is_peer(peer, client) for peer in rule["from"])))
        for rule in _rules(manifests, server, "ingress")
    )


def _is_peer(peer: Body, pod: Pod) -> bool:
    if "ipBlock" in peer or "namespaceSelector" in peer:
        return False
    return _labels(peer.get("podSelector") or {}).items() <= pod.labels.items()


def _has_port(rule: Body, server: Pod, port: int | None) -> bool:
    return any(_number(server, one["port"]) == port for one in rule.get("ports") or [])


def _number(pod: Pod, port: Any) -> int | None:
    """A port by number, whether it is told by number or by name; None where the pod hasn't that one."""
    if port in pod.ports:
        return pod.ports[port]
    return port if port in pod.ports.values() else None


def _labels(selector: Body) -> Mapping[str, str]:
    return selector.get("matchLabels") or {}
