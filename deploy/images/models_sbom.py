"""What is in the image of weights, as CycloneDX: `models_sbom.py SHA256SUMS` prints it while that image is built."""

from __future__ import annotations

import sys
from pathlib import Path

from cyclonedx.model import HashAlgorithm, HashType
from cyclonedx.model.bom import Bom
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6


def main(sums: Path) -> None:
    """Each file with its SHA-256."""
    image = Component(name="liftline-models", type=ComponentType.CONTAINER)
    files = [_component(*line.split(maxsplit=1)) for line in sums.read_text().splitlines()]
    bom = Bom(components=files)
    bom.metadata.component = image
    bom.register_dependency(image, files)
    sys.stdout.write(JsonV1Dot6(bom).output_as_string(indent=2) + "\n")


def _component(digest: str, name: str) -> Component:
    hashes = [HashType(alg=HashAlgorithm.SHA_256, content=digest)]
    return Component(name=name, type=ComponentType.MACHINE_LEARNING_MODEL, bom_ref=digest, hashes=hashes)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
