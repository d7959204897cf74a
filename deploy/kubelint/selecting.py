"""Selectors find the pods they are for, and ports by name are ports of these."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.kubelint.documents import Document, Finding, Manifests, Pod


def check(manifests: Manifests) -> Iterator[Finding]:
    """Selectors of workloads, Services, PodDisruptionBudgets and PodMonitors that miss their pods or ports."""
    for pod in manifests.pods:
        yield from _own_pods(pod)
    for service in manifests.of("Service"):
        yield from _service(manifests, service)
    for budget in manifests.of("PodDisruptionBudget"):
        yield from _nonempty(manifests, budget, budget.spec["selector"]["matchLabels"])
    for monitor in manifests.of("PodMonitor"):
        yield from _monitor(manifests, monitor)
    yield from _budgets(manifests)


def _own_pods(pod: Pod) -> Iterator[Finding]:
    if pod.owner.kind == "Job":
        return
    wanted = pod.owner.spec["selector"]["matchLabels"]
    if not wanted.items() <= pod.labels.items():
        yield pod.owner.finding(f"its selector {dict(wanted)} doesn't find its own pods {dict(pod.labels)}")
    for spread in pod.spec.get("topologySpreadConstraints") or []:
        if not spread["labelSelector"]["matchLabels"].items() <= pod.labels.items():
            yield pod.owner.finding("its topologySpreadConstraints count other pods")


def _service(manifests: Manifests, service: Document) -> Iterator[Finding]:
    selector = service.spec["selector"]
    yield from _nonempty(manifests, service, selector)
    for pod in manifests.selected(selector):
        for port in service.spec["ports"]:
            yield from _port(service, pod, port.get("targetPort", port["port"]))


def _monitor(manifests: Manifests, monitor: Document) -> Iterator[Finding]:
    selector = monitor.spec["selector"]["matchLabels"]
    yield from _nonempty(manifests, monitor, selector)
    for pod in manifests.selected(selector):
        if pod.owner.kind != "Job":
            for endpoint in monitor.spec["podMetricsEndpoints"]:
                yield from _port(monitor, pod, endpoint["port"])


def _port(user: Document, pod: Pod, port: Any) -> Iterator[Finding]:
    if port not in pod.ports and port not in pod.ports.values():
        yield user.finding(f"{pod.owner.where} has no port {port}")


def _nonempty(manifests: Manifests, user: Document, labels: Mapping[str, str]) -> Iterator[Finding]:
    if not manifests.selected(labels):
        yield user.finding(f"nothing has the labels {dict(labels)}")


def _budgets(manifests: Manifests) -> Iterator[Finding]:
    """Every Deployment has a PodDisruptionBudget."""
    wanted = [budget.spec["selector"]["matchLabels"] for budget in manifests.of("PodDisruptionBudget")]
    for pod in manifests.pods:
        if pod.owner.kind == "Deployment" and not any(one.items() <= pod.labels.items() for one in wanted):
            yield pod.owner.finding("no PodDisruptionBudget is for it")
