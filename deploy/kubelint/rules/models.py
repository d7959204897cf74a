"""Hashes of model files are the code's; images have the version of the code, and come from one place."""

from __future__ import annotations

from collections.abc import Iterator

from deploy.kubelint.documents import Finding, Manifests
from liftline import __version__
from liftline_detector.registry import model_files

_HASHES, _LOCAL = "SHA256SUMS", "localhost/"


def check(manifests: Manifests) -> Iterator[Finding]:
    """Hashes of models that differ from the code's, images of other versions or registries."""
    wanted = {model.file_name: model.sha256 for model in model_files() if not model.optional}
    for one in manifests.of("ConfigMap"):
        data = one.body.get("data") or {}
        if _HASHES in data:
            found = {file: sha256 for sha256, file in (line.split() for line in data[_HASHES].splitlines())}
            if found != wanted:
                yield one.finding(
                    f"{_HASHES} differs from the detectors' entries: {sorted(found.items() ^ wanted.items())}"
                )
    yield from _images(manifests)


def _images(manifests: Manifests) -> Iterator[Finding]:
    used = [(pod.owner, str(one["image"])) for pod in manifests.pods if pod.is_ours for one in pod.all_containers]
    is_pulled = any(not image.startswith(_LOCAL) for _, image in used)
    for owner, image in used:
        if "@sha256:" not in image and not image.endswith(f":{__version__}"):
            yield owner.finding(f"the image {image} isn't of version {__version__}")
        if is_pulled and image.startswith(_LOCAL):
            yield owner.finding(f"the image {image} is in no registry, where others come from")
