"""What every container and pod of ours keeps to: locked down, probed, measured, with time enough to end."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import partial

from deploy.kubelint.documents import Body, Finding, Manifests, Pod, walk
from deploy.kubelint.rules._quantities import parse
from deploy.kubelint.rules.environment import variables

END_S = 15
"""After its grace a worker needs so long: twice 5 s until tasks let go, then its connections and its last traces."""


def check(manifests: Manifests) -> Iterator[Finding]:
    """Pods and containers that miss security settings, resources, probes or time to end."""
    for pod in manifests.pods:
        yield from _locked_pod(pod)
        yield from _quantities(pod)
        yield from _time_to_end(manifests, pod)
        for container in pod.all_containers:
            yield from _locked_container(pod, container)
            yield from _image(pod, container)
            yield from _resources(pod, container)
        if pod.owner.kind != "Job":
            for container in pod.containers:
                yield from _probes(pod, container)


def _locked_pod(pod: Pod) -> Iterator[Finding]:
    context = pod.spec.get("securityContext") or {}
    if context.get("runAsNonRoot") is not True:
        yield pod.owner.finding("may run as root: set runAsNonRoot")
    if (context.get("seccompProfile") or {}).get("type") != "RuntimeDefault":
        yield pod.owner.finding("seccompProfile isn't RuntimeDefault")
    if pod.spec.get("automountServiceAccountToken") is not False:
        yield pod.owner.finding("gets a token for the Kubernetes API: set automountServiceAccountToken to false")
    for volume in pod.spec.get("volumes") or []:
        if "emptyDir" in volume and not (volume["emptyDir"] or {}).get("sizeLimit"):
            yield pod.owner.finding(f"the emptyDir {volume['name']} has no sizeLimit")


def _locked_container(pod: Pod, container: Body) -> Iterator[Finding]:
    context = container.get("securityContext") or {}
    say = partial(_said, pod, container)
    if context.get("readOnlyRootFilesystem") is not True:
        yield say("its root file system isn't read-only")
    if context.get("allowPrivilegeEscalation") is not False:
        yield say("allowPrivilegeEscalation isn't false")
    if (context.get("capabilities") or {}).get("drop") != ["ALL"] or (context.get("capabilities") or {}).get("add"):
        yield say("it keeps capabilities: drop ALL, add none")
    if context.get("privileged"):
        yield say("it is privileged")


def _image(pod: Pod, container: Body) -> Iterator[Finding]:
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    if "@sha256:" not in image and tag in ("", "latest"):
        yield _said(pod, container, f"the image {image!r} has no version")


def _resources(pod: Pod, container: Body) -> Iterator[Finding]:
    resources = container.get("resources") or {}
    requests, limits = resources.get("requests") or {}, resources.get("limits") or {}
    for name in ("cpu", "memory", "ephemeral-storage"):
        if name not in requests:
            yield _said(pod, container, f"it requests no {name}")
    if "memory" not in limits:
        yield _said(pod, container, "its memory has no limit")
    for name in requests.keys() & limits.keys():
        least, most = parse(requests[name]), parse(limits[name])
        if least is not None and most is not None and least > most:
            yield _said(pod, container, f"it requests more {name} than its limit")


def _probes(pod: Pod, container: Body) -> Iterator[Finding]:
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        found = container.get(probe) or {}
        if not found:
            yield _said(pod, container, f"it has no {probe}")
        elif pod.is_ours and "grpc" not in found:
            yield _said(pod, container, f"its {probe} isn't a gRPC health check")


def _quantities(pod: Pod) -> Iterator[Finding]:
    for path, value in walk(pod.owner.spec):
        parts = path.split(".")
        is_quantity = parts[-1] == "sizeLimit" or (len(parts) > 1 and parts[-2] in ("requests", "limits"))
        if is_quantity and parse(value) is None:
            yield pod.owner.finding(f"{path}: {value!r} is no quantity")
    disk = sum((_disk(volume) for volume in pod.spec.get("volumes") or []), Decimal(0))
    limits = [(one.get("resources") or {}).get("limits", {}).get("ephemeral-storage") for one in pod.containers]
    most = sum((parse(limit) or Decimal(0) for limit in limits), Decimal(0))
    if disk > most:
        yield pod.owner.finding("its emptyDirs may hold more than the limits of ephemeral-storage allow")


def _disk(volume: Body) -> Decimal:
    return parse((volume.get("emptyDir") or {}).get("sizeLimit")) or Decimal(0)


def _time_to_end(manifests: Manifests, pod: Pod) -> Iterator[Finding]:
    if not pod.is_ours or pod.owner.kind == "Job":
        return
    given = pod.spec.get("terminationGracePeriodSeconds", 30)
    for container in pod.containers:
        sleep = (((container.get("lifecycle") or {}).get("preStop") or {}).get("sleep") or {}).get("seconds", 0)
        grace = float(variables(manifests, container).get("LIFTLINE_WORKER_GRACE_S", 0))
        if given < grace + sleep + END_S:
            yield pod.owner.finding(
                f"it is killed after {given} s, but needs {grace:g} s of grace, {sleep} s of preStop, {END_S} s to end"
            )


def _said(pod: Pod, container: Body, what: str) -> Finding:
    return pod.owner.finding(f"container {container['name']}: {what}")
