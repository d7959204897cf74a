"""Whatever is called by name is there: ConfigMaps, Secrets, their keys, accounts, claims, volumes, ports, issuers."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.kubelint.documents import Body, Document, Finding, Manifests, Pod


def check(manifests: Manifests) -> Iterator[Finding]:
    """Names and keys that no document defines."""
    for pod in manifests.pods:
        yield from _pod(manifests, pod)
        for container in pod.all_containers:
            yield from _environment(manifests, pod, container)
            yield from _mounts(pod, container)
            yield from _ports(pod, container)
    for certificate in manifests.of("Certificate"):
        yield from _issuer(manifests, certificate)
    for scaled in manifests.of("ScaledObject"):
        yield from _scaled(manifests, scaled)
    for authentication in manifests.of("TriggerAuthentication"):
        for one in authentication.spec.get("configMapTargetRef") or []:
            yield from _key(manifests, authentication, "ConfigMap", one["name"], one["key"])


def _pod(manifests: Manifests, pod: Pod) -> Iterator[Finding]:
    account = pod.spec.get("serviceAccountName")
    if account is None or manifests.find("ServiceAccount", account) is None:
        yield pod.owner.finding(f"there is no ServiceAccount {account}")
    claims = {one["metadata"]["name"] for one in pod.owner.spec.get("volumeClaimTemplates") or []}
    mounted = {mount["name"] for one in pod.all_containers for mount in one.get("volumeMounts") or []}
    volumes = pod.spec.get("volumes") or []
    for volume in volumes:
        yield from _volume(manifests, pod, volume)
    for name in sorted(({volume["name"] for volume in volumes} | claims) - mounted):
        yield pod.owner.finding(f"the volume {name} is mounted nowhere")


def _volume(manifests: Manifests, pod: Pod, volume: Body) -> Iterator[Finding]:
    if (claim := volume.get("persistentVolumeClaim")) and not manifests.find(
        "PersistentVolumeClaim", claim["claimName"]
    ):
        yield pod.owner.finding(f"there is no PersistentVolumeClaim {claim['claimName']}")
    for kind, source, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
        if (found := volume.get(source)) is None:
            continue
        yield from _key(manifests, pod.owner, kind, found[name], None)
        for item in found.get("items") or []:
            yield from _key(manifests, pod.owner, kind, found[name], item["key"])


def _environment(manifests: Manifests, pod: Pod, container: Body) -> Iterator[Finding]:
    for source in container.get("envFrom") or []:
        for kind, field in (("ConfigMap", "configMapRef"), ("Secret", "secretRef")):
            if field in source:
                yield from _key(manifests, pod.owner, kind, source[field]["name"], None)
    for variable in container.get("env") or []:
        source = variable.get("valueFrom") or {}
        for kind, field in (("ConfigMap", "configMapKeyRef"), ("Secret", "secretKeyRef")):
            if field in source:
                yield from _key(manifests, pod.owner, kind, source[field]["name"], source[field]["key"])


def _key(manifests: Manifests, user: Document, kind: str, name: str, key: str | None) -> Iterator[Finding]:
    keys = manifests.keys_of(kind, name)
    if keys is None:
        yield user.finding(f"there is no {kind} {name}")
    elif key is not None and key not in keys:
        yield user.finding(f"the {kind} {name} has no key {key}")


def _mounts(pod: Pod, container: Body) -> Iterator[Finding]:
    volumes = {volume["name"] for volume in pod.spec.get("volumes") or []}
    volumes |= {one["metadata"]["name"] for one in pod.owner.spec.get("volumeClaimTemplates") or []}
    for mount in container.get("volumeMounts") or []:
        if mount["name"] not in volumes:
            yield pod.owner.finding(f"the container {container['name']} mounts {mount['name']}, which is no volume")


def _ports(pod: Pod, container: Body) -> Iterator[Finding]:
    own = {port["name"]: port["containerPort"] for port in container.get("ports") or []}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        for action in (container.get(probe) or {}).values():
            port = action.get("port") if isinstance(action, dict) else None
            if port is not None and port not in own and port not in own.values():
                yield pod.owner.finding(f"{probe} of {container['name']} asks the port {port}, which it hasn't")


def _issuer(manifests: Manifests, certificate: Document) -> Iterator[Finding]:
    issuer = certificate.spec["issuerRef"]
    if issuer["kind"] == "Issuer" and manifests.find("Issuer", issuer["name"]) is None:
        yield certificate.finding(f"there is no Issuer {issuer['name']}")


def _scaled(manifests: Manifests, scaled: Document) -> Iterator[Finding]:
    target = scaled.spec["scaleTargetRef"]["name"]
    if manifests.find("Deployment", target) is None:
        yield scaled.finding(f"there is no Deployment {target}")
    for trigger in scaled.spec["triggers"]:
        name = trigger.get("authenticationRef", {}).get("name")
        if name is not None and manifests.find("TriggerAuthentication", name) is None:
            yield scaled.finding(f"there is no TriggerAuthentication {name}")
