"""Hashes of model files are the code's, and images have the version of the code."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.kubelint.documents import Finding, Manifests
from liftline import __version__, models

_HASHES = "SHA256SUMS"


def check(manifests: Manifests) -> Iterator[Finding]:
    """All of them."""
    wanted = {model.file_name: model.sha256 for model in models.CATALOGUE if not model.optional}
    for one in manifests.of("ConfigMap"):
        data = one.body.get("data") or {}
        if _HASHES in data:
            found = {file: sha256 for sha256, file in (line.split() for line in data[_HASHES].splitlines())}
            if found != wanted:
                yield one.finding(f"{_HASHES} differs from liftline.models: {sorted(found.items() ^ wanted.items())}")
    for pod in manifests.pods:
        for container in pod.all_containers if pod.is_ours else []:
            image = str(container["image"])
            if "@sha256:" not in image and not image.endswith(f":{__version__}"):
                yield pod.owner.finding(f"the image {image} isn't of version {__version__}")
