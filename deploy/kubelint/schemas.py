"""Strict schemas: Kubernetes' own kinds for two versions of it, others by their definitions in `crds/`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from deploy.kubelint.documents import Document, Finding, Manifests

VERSIONS = ("1.30", "1.37")
"""The oldest that has all we use (preStop `sleep`), and the newest whose schemas there are."""
CRDS = Path(__file__).with_name("crds")
_OPEN = "x-kubernetes-preserve-unknown-fields"


class NoValidatorError(Exception):
    """kubernetes-validate isn't installed."""


def check(manifests: Manifests) -> Iterator[Finding]:
    """Documents that don't keep to their schemas. Raises NoValidatorError."""
    try:
        import jsonschema
        import kubernetes_validate
    except ImportError as error:
        raise NoValidatorError("kubernetes-validate isn't installed; `make kube-lint` gets it.") from error
    for one in manifests.documents:
        schema = definition(one)
        if schema is not None:
            for problem in jsonschema.Draft7Validator(schema).iter_errors(one.body):
                yield one.finding(f"{'.'.join(map(str, problem.absolute_path))}: {problem.message}")
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(one.body, version, strict=True)
            except kubernetes_validate.ValidationError as problem:
                yield one.finding(f"{'.'.join(map(str, problem.path))}: {problem.message} (Kubernetes {version})")
            except kubernetes_validate.SchemaNotFoundError:
                yield one.finding(f"{one.body['apiVersion']} is in no Kubernetes {version}, and not in crds/")


def definition(document: Document) -> dict[str, Any] | None:
    """The schema of a kind that isn't Kubernetes' own, nothing allowed that it doesn't name; None for others."""
    group, _, version = str(document.body["apiVersion"]).partition("/")
    path = CRDS / f"{group}_{version}_{document.kind}.json"
    return _read(path) if path.is_file() else None


@cache
def _read(path: Path) -> dict[str, Any]:
    schema: dict[str, Any] = json.loads(path.read_text())
    schema["properties"]["metadata"] = {"type": "object"}
    _close(schema)
    return schema


def _close(schema: Any) -> None:
    """As the API server with strict field validation: unknown fields are errors."""
    if isinstance(schema, list):
        for part in schema:
            _close(part)
    if not isinstance(schema, dict):
        return
    if isinstance(schema.get("properties"), dict) and "additionalProperties" not in schema and not schema.get(_OPEN):
        schema["additionalProperties"] = False
        if schema["properties"].keys() >= {"apiVersion", "kind"}:
            schema["properties"]["metadata"] = {"type": "object"}
    for key, part in schema.items():
        if key not in ("anyOf", "oneOf", "allOf", "not", "default", "enum"):
            _close(part)
