"""The list of all checks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from deploy.kubelint import schemas, selecting
from deploy.kubelint.documents import Finding, Manifests
from deploy.kubelint.rules import (
    addresses,
    environment,
    expressions,
    granting,
    models,
    networks,
    promises,
    queues,
    references,
)

Check = Callable[[Manifests], Iterator[Finding]]
OWN: dict[str, Check] = {
    "references": references.check,
    "selecting": selecting.check,
    "promises": promises.check,
    "granting": granting.check,
    "environment": environment.check,
    "networks": networks.check,
    "addresses": addresses.check,
    "queues": queues.check,
    "expressions": expressions.check,
    "models": models.check,
}
"""Checks that need no packages beside Liftline's own."""
ALL: dict[str, Check] = {"schemas": schemas.check, **OWN}


def findings(manifests: Manifests) -> list[Finding]:
    """All findings, sorted, each once. Raises NoValidatorError."""
    return sorted({finding for check in ALL.values() for finding in check(manifests)})
