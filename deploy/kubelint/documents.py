"""Manifests as the checks see them: documents by kind and name, pods and their containers, findings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

Body = Mapping[str, Any]
"""A part of a document, as YAML has it."""
WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job")


@dataclass(frozen=True, order=True)
class Finding:
    """A mistake: `where` is the object as `Kind/name`, `what` a sentence about it."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Document:
    """A Kubernetes object, as rendered."""

    body: Body

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Its namespace; `default` where none is given."""
        return str(self.body["metadata"].get("namespace", "default"))

    @property
    def where(self) -> str:
        """`Kind/name`, as in findings."""
        return f"{self.kind}/{self.name}"

    @property
    def spec(self) -> Body:
        """Its `spec`; empty if it has none."""
        return self.body.get("spec") or {}

    def finding(self, what: str) -> Finding:
        """A finding about this object."""
        return Finding(self.where, what)


@dataclass(frozen=True)
class Pod:
    """A pod template, and the object that makes pods of it."""

    owner: Document

    @property
    def labels(self) -> Mapping[str, str]:
        """Labels of the pods."""
        return self.owner.spec["template"].get("metadata", {}).get("labels") or {}

    @property
    def spec(self) -> Body:
        """`spec` of the pods."""
        spec: Body = self.owner.spec["template"]["spec"]
        return spec

    @property
    def containers(self) -> Sequence[Body]:
        """Main containers."""
        return self.spec["containers"] or []

    @property
    def all_containers(self) -> Sequence[Body]:
        """Init containers, then the main ones."""
        return [*(self.spec.get("initContainers") or []), *self.containers]

    @property
    def ports(self) -> Mapping[str, int]:
        """Port numbers of the main containers by name."""
        return {port["name"]: port["containerPort"] for one in self.containers for port in one.get("ports") or []}

    @property
    def is_ours(self) -> bool:
        """Whether a service of Liftline runs in it."""
        return self.labels.get("app.kubernetes.io/part-of") == "liftline"


@dataclass(frozen=True)
class Manifests:
    """All documents of an overlay, and what it takes for granted: secrets by name with their keys."""

    documents: Sequence[Document]
    external_secrets: Mapping[str, Sequence[str]]

    def of(self, *kinds: str) -> list[Document]:
        """Documents of these kinds, in the order of the overlay."""
        return [one for one in self.documents if one.kind in kinds]

    def find(self, kind: str, name: str) -> Document | None:
        """The document of this kind and name; None if there is none."""
        return next((one for one in self.of(kind) if one.name == name), None)

    @property
    def pods(self) -> list[Pod]:
        """The pod templates of all workloads."""
        return [Pod(one) for one in self.of(*WORKLOADS)]

    def selected(self, labels: Mapping[str, str]) -> list[Pod]:
        """Pods that have all these labels."""
        return [pod for pod in self.pods if labels.items() <= pod.labels.items()]

    def keys_of(self, kind: str, name: str) -> set[str] | None:
        """Keys of a ConfigMap or Secret, those that cert-manager makes too; None if it is defined nowhere."""
        found = self.find(kind, name)
        if found is not None:
            return set(found.body.get("data") or {}) | set(found.body.get("stringData") or {})
        if kind == "ConfigMap":
            return None
        if any(one.spec.get("secretName") == name for one in self.of("Certificate")):
            return {"ca.crt", "tls.crt", "tls.key"}
        return set(self.external_secrets[name]) if name in self.external_secrets else None


def read(text: str, *, external: Path) -> Manifests:
    """From what kustomize renders; `external` is `external.yaml`."""
    documents = [Document(body) for body in yaml.safe_load_all(text) if body]
    return Manifests(documents, yaml.safe_load(external.read_text())["secrets"])


def walk(part: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value within, with the path of keys to it."""
    yield path, part
    inner = part.items() if isinstance(part, Mapping) else enumerate(part) if isinstance(part, list) else ()
    for key, value in inner:
        yield from walk(value, f"{path}.{key}".lstrip("."))
