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
    """Something that is wrong: where, and what."""

    where: str
    what: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.where}: {self.what}"


@dataclass(frozen=True)
class Document:
    """One object of a cluster."""

    body: Body

    @property
    def kind(self) -> str:
        """Its kind."""
        return str(self.body["kind"])

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.body["metadata"]["name"])

    @property
    def namespace(self) -> str:
        """Where it is made."""
        return str(self.body["metadata"].get("namespace", "default"))

    @property
    def where(self) -> str:
        """How findings call it."""
        return f"{self.kind}/{self.name}"

    @property
    def spec(self) -> Body:
        """Its specification; empty where it has none."""
        return self.body.get("spec") or {}

    def finding(self, what: str) -> Finding:
        """Something wrong with it."""
        return Finding(self.where, what)


@dataclass(frozen=True)
class Pod:
    """A pod template, and the object that makes pods of it."""

    owner: Document

    @property
    def labels(self) -> Mapping[str, str]:
        """Of its pods."""
        return self.owner.spec["template"].get("metadata", {}).get("labels") or {}

    @property
    def spec(self) -> Body:
        """Of its pods."""
        spec: Body = self.owner.spec["template"]["spec"]
        return spec

    @property
    def containers(self) -> Sequence[Body]:
        """Those that run on."""
        return self.spec["containers"] or []

    @property
    def all_containers(self) -> Sequence[Body]:
        """Those that come first, too."""
        return [*(self.spec.get("initContainers") or []), *self.containers]

    @property
    def ports(self) -> Mapping[str, int]:
        """Named ports."""
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
        """Those of these kinds."""
        return [one for one in self.documents if one.kind in kinds]

    def find(self, kind: str, name: str) -> Document | None:
        """The one of that name."""
        return next((one for one in self.of(kind) if one.name == name), None)

    @property
    def pods(self) -> list[Pod]:
        """All pod templates."""
        return [Pod(one) for one in self.of(*WORKLOADS)]

    def selected(self, labels: Mapping[str, str]) -> list[Pod]:
        """Pods that have all these labels."""
        return [pod for pod in self.pods if labels.items() <= pod.labels.items()]

    def keys_of(self, kind: str, name: str) -> set[str] | None:
        """Keys of a ConfigMap or Secret; None where nobody makes it."""
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
