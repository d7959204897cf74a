"""Clusters can grant what is asked: taints of nodes are tolerated, shared volumes are of a class that has them."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.kubelint.documents import Finding, Manifests, Pod


def check(manifests: Manifests) -> Iterator[Finding]:
    """Extended resources without a toleration, shared volumes without a storage class."""
    for pod in manifests.pods:
        yield from _tolerations(pod)
    for claim in manifests.of("PersistentVolumeClaim"):
        if "ReadWriteMany" in claim.spec["accessModes"] and "storageClassName" not in claim.spec:
            yield claim.finding("many nodes mount it, which a default class rarely allows: name one (storageClassName)")


def _tolerations(pod: Pod) -> Iterator[Finding]:
    """Nodes with an extended resource, which has a / in its name, are usually tainted by that name."""
    tolerated = {one.get("key") for one in pod.spec.get("tolerations") or []}
    for container in pod.all_containers:
        limits = (container.get("resources") or {}).get("limits") or {}
        for name in sorted(name for name in limits if "/" in name):
            if not tolerated & {name, None}:
                yield pod.owner.finding(
                    f"container {container['name']}: it asks for {name} and tolerates no taint {name}"
                )
