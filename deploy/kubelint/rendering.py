"""Overlays as kustomize renders them: `kubectl kustomize`, which needs no cluster."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from deploy.kubelint.documents import Manifests, read

K8S = Path(__file__).resolve().parents[1] / "k8s"
OVERLAYS = K8S / "overlays"


class RenderingError(Exception):
    """kustomize can't make manifests of an overlay."""


def kubectl() -> str | None:
    """Path of kubectl: on PATH, or beside this Python; None if it isn't installed."""
    return shutil.which("kubectl") or shutil.which("kubectl", path=str(Path(sys.executable).parent))


def overlays() -> list[Path]:
    """Folders of all overlays."""
    return sorted(one.parent for one in OVERLAYS.glob("*/kustomization.yaml"))


def render(overlay: Path) -> Manifests:
    """The documents of an overlay, rendered by `kubectl kustomize`. Raises RenderingError."""
    command = kubectl()
    if command is None:
        raise RenderingError("kubectl isn't there; `make kube-lint` gets it.")
    done = subprocess.run(  # noqa: S603 - our own folder, no shell
        [command, "kustomize", str(overlay)], capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise RenderingError(done.stderr.strip())
    return read(done.stdout, external=K8S / "external.yaml")
