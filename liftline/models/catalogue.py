"""Model files: what each is called, its checksum, its licence, and where it comes from.

Which there are is said by those who use them: detectors by their entries; VideoPose3D's is here. They are no part of
the distribution, but lie in one folder, `LIFTLINE_MODELS_DIR` or the user's cache, put there by `liftline models
fetch`. A file is loaded only if its SHA-256 is the right one: the entry's where that was known beforehand, else the one
that `fetch` found at the first download and keeps in a `.sha256` file beside the model (trust on first use). What was
known before such a first download is at most the MD5 prefix in Detectron2's file names.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from liftline.errors import ModelError
from liftline.files.atomic import sha256_file, write_bytes
from liftline.settings.machine import load_settings

_SHA256 = re.compile(r"[0-9a-f]{64}\b")


@dataclass(frozen=True)
class Wheel:
    """A wheel on the package index that holds model files; only its files are used, it is never installed."""

    requirement: str
    sha256: str
    platform: str
    python_version: str
    implementation: str


@dataclass(frozen=True)
class WheelMember:
    """A file of known size inside a wheel."""

    wheel: Wheel
    member: str
    size: int


@dataclass(frozen=True)
class Address:
    """A file with a public address.

    Attributes:
        max_bytes: more are never taken from there, nor out of its archive.
        md5_prefix: what its name tells of its contents, if anything.
        member: what lies there is a zip, and the model is the one file of this name in it, in whichever folder.
        companions: names of small files that are kept from that zip too, where it has them.
        mirrors: where the same model lies as well; asked in this order where the address before had nothing good.
    """

    url: str
    max_bytes: int
    md5_prefix: str = ""
    member: str = ""
    companions: tuple[str, ...] = ()
    mirrors: tuple[Address, ...] = ()

    @property
    def all(self) -> tuple[Address, ...]:
        """This address, then its mirrors."""
        return (self, *self.mirrors)


@dataclass(frozen=True)
class Bundled:
    """A file that is part of the distribution, in this folder of it."""

    folder: Path


@dataclass(frozen=True)
class ModelFile:
    """One file of a model.

    Attributes:
        sha256: None where nobody published it.
        terms: what a user must know beforehand.
        aliases: further names that a user may know it by.
        training_data: what it was trained with, as its authors say. A licence of weights doesn't cover it.
        about_bytes: its size, four bytes for each of the parameters that its authors state; None where they don't.
    """

    name: str
    file_name: str
    licence: str
    origin: str
    source: WheelMember | Address | Bundled
    sha256: str | None = None
    terms: str = ""
    optional: bool = False
    aliases: tuple[str, ...] = ()
    training_data: str = "not stated"
    about_bytes: int | None = None


VIDEOPOSE3D = ModelFile(
    name="videopose3d",
    file_name="pretrained_h36m_detectron_coco.bin",
    licence="CC BY-NC 4.0",
    origin="VideoPose3D (Meta)",
    source=Address(
        "https://dl.fbaipublicfiles.com/video-pose-3d/pretrained_h36m_detectron_coco.bin", max_bytes=256 << 20
    ),
    terms="for non-commercial use only",
    optional=True,
    training_data="Human3.6M (research only)",
)


def models_dir() -> Path:
    """The folder of model files: $LIFTLINE_MODELS_DIR, else liftline/models in the user's cache."""
    return load_settings().models_dir.expanduser()


def path(model: ModelFile) -> Path:
    """Where the file is, or will be."""
    if isinstance(model.source, Bundled):
        return model.source.folder / model.file_name
    return models_dir() / model.file_name


def companion_path(model: ModelFile, name: str) -> Path:
    """Where a small file that came with the model is, if it came with one."""
    return models_dir() / f"{model.file_name}.{name}"


def fetch_command(model: ModelFile) -> str:
    """What a user types to get this file."""
    if isinstance(model.source, Bundled):
        return "pip install --force-reinstall liftline"
    return "liftline models fetch" + (f" {model.name}" if model.optional else "")


def find(model: ModelFile) -> Path:
    """The path of a file that is there. Raises ModelError if it isn't."""
    where = path(model)
    if not where.is_file():
        raise ModelError(f"{where}: the model file '{model.name}' isn't there; run `{fetch_command(model)}`.")
    return where


def verify(model: ModelFile) -> Path:
    """The path of a file that is there and has the right checksum, read in pieces. Raises ModelError."""
    where = find(model)
    try:
        found = sha256_file(where)
    except OSError as error:
        raise _unreadable(where, error) from error
    check_sha256(model, found, where=str(where))
    return where


def load(model: ModelFile) -> bytes:
    """A file's bytes, the very ones whose checksum was found right. Raises ModelError."""
    where = find(model)
    try:
        content = where.read_bytes()
    except OSError as error:
        raise _unreadable(where, error) from error
    check_sha256(model, hashlib.sha256(content).hexdigest(), where=str(where))
    return content


def known_sha256(model: ModelFile) -> str | None:
    """The file's SHA-256: the catalogue's, else the recorded one, None before the first fetch. Raises ModelError."""
    return model.sha256 or recorded_sha256(model)


def check_sha256(model: ModelFile, found: str, *, where: str) -> None:
    """Raise ModelError unless `found`, the SHA-256 of what lies at `where`, is the one known of this model."""
    expected = known_sha256(model)
    if expected is None:
        raise ModelError(
            f"{where}: there is no record of this file's SHA-256, so it isn't used; run `{fetch_command(model)}`, "
            "which checks what is known of it and records it, without a download."
        )
    if found != expected:
        raise ModelError(
            f"{where}: not the model file '{model.name}' (SHA-256 {found[:12]}…, expected {expected[:12]}…); "
            f"run `{fetch_command(model)}`, which replaces it."
        )


def record_path(model: ModelFile) -> Path:
    """The small file that keeps the SHA-256 found at the first download, in the form that `sha256sum -c` reads."""
    return models_dir() / f"{model.file_name}.sha256"


def recorded_sha256(model: ModelFile) -> str | None:
    """The SHA-256 that the first download had, None if there was none. Raises ModelError if the record is damaged."""
    where = record_path(model)
    try:
        text = where.read_text(encoding="ascii", errors="replace")
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _unreadable(where, error) from error
    if not (found := _SHA256.match(text)):
        raise ModelError(f"{where}: holds no SHA-256; remove it and run `{fetch_command(model)}`.")
    return found[0]


def record(model: ModelFile, sha256: str) -> None:
    """Keep the SHA-256 of a first download. Raises OutputError."""
    write_bytes(record_path(model), f"{sha256}  {model.file_name}\n".encode())


def _unreadable(where: Path, error: OSError) -> ModelError:
    return ModelError(f"{where}: can't be read ({error.strerror or error}); check its permissions.")
