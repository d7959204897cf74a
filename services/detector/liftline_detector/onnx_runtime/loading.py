"""From a user's choices to networks: the published file or their own, and what manifests say of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from liftline.errors import ModelError
from liftline.models import catalogue
from liftline.models.catalogue import ModelFile
from liftline.ports import ModelInfo
from liftline_detector.onnx_runtime.model_files import finder_file
from liftline_detector.onnx_runtime.network import Network
from liftline_detector.onnx_runtime.options import OnnxOptions, TopDownOptions
from liftline_detector.onnx_runtime.person_finder import RTMDET_PIXELS, YOLOX_PIXELS, OnnxPersonFinder

_MOST_BYTES = 2 << 30


@dataclass(frozen=True)
class Weights:
    """A model file's content and what is known of it; `model` is None where the user brought it."""

    content: bytes
    name: str
    licence: str
    source: str
    model: ModelFile | None

    @cached_property
    def sha256(self) -> str:
        """Of the content."""
        return hashlib.sha256(self.content).hexdigest()


def weights(model: ModelFile, own: Path | None) -> Weights:
    """The user's own file, else the published one, checked. Raises ModelError."""
    if own is None:
        source = f"{model.origin}; trained on {model.training_data}"
        return Weights(catalogue.load(model), model.name, model.licence, source, model)
    try:
        if own.stat().st_size > _MOST_BYTES:
            raise ModelError(
                f"{own}: larger than {_MOST_BYTES >> 30} GiB; networks with weights beside them aren't read."
            )
        return Weights(own.read_bytes(), own.name, "unknown", str(own), None)
    except OSError as error:
        raise ModelError(f"{own}: can't read the network ({error.strerror or error}); check the path.") from error


def network(of: Weights, options: OnnxOptions, runtime: Any = None) -> Network:
    """It, ready to run where the user wants. Raises ModelError."""
    return Network(of.content, name=of.name, device=options.device, threads=options.threads, runtime=runtime)


def person_finder(options: TopDownOptions) -> tuple[Weights, OnnxPersonFinder]:
    """The network that finds people. Raises ModelError."""
    found = weights(finder_file(options.person_finder), options.finder_weights)
    pixels = RTMDET_PIXELS if options.person_finder.startswith("rtmdet") else YOLOX_PIXELS
    return found, OnnxPersonFinder(network(found, options), pixels)


def model_info(name: str, parts: Sequence[Weights]) -> ModelInfo:
    """What manifests name: the hash covers all files, in this order."""
    digest = hashlib.sha256(b"".join(bytes.fromhex(part.sha256) for part in parts)).hexdigest()
    sha256 = digest if len(parts) > 1 else parts[0].sha256
    licences = "; ".join(dict.fromkeys(part.licence for part in parts))
    return ModelInfo(
        f"{name}/{'+'.join(part.name for part in parts)}", sha256, licences, "; ".join(part.source for part in parts)
    )
