"""Versioned npz, written whole or not at all and read without pickle.

Every artifact of our own is an `.npz` with three text entries (`artifact`, `schema_version`, `meta` as JSON) beside
its arrays. Format: numpy.lib.format, always with `allow_pickle=False`.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidArtifactError
from liftline.files import npz_entries
from liftline.files.atomic import atomic_path

MAX_ARTIFACT_BYTES = 8 << 30
"""A stored artifact that would unpack to more than this is refused."""


@dataclass(frozen=True)
class Npz:
    """The contents of one of our npz files."""

    arrays: Mapping[str, NDArray[Any]]
    meta: Mapping[str, Any]


def save_npz(
    path: Path,
    *,
    artifact: str,
    schema_version: int,
    arrays: Mapping[str, NDArray[Any]],
    meta: Mapping[str, Any] | None = None,
) -> None:
    """Write a versioned npz. The bytes depend on the contents alone, so equal results have equal hashes."""
    header = {
        "artifact": np.array(artifact),
        "schema_version": np.array(schema_version, np.int64),
        "meta": np.array(json.dumps(meta or {}, sort_keys=True, ensure_ascii=False, allow_nan=False)),
    }
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
    ):
        for name, array in {**header, **arrays}.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.asarray(array), allow_pickle=False)


def load_npz(source: Path | BinaryIO, *, artifact: str, schema_version: int, name: str | None = None) -> Npz:
    """Read what `save_npz` wrote.

    Raises InvalidArtifactError when it is no npz, of another kind, or of a newer schema version.
    """
    label = name or str(source)
    arrays = read_npz_arrays(source, name=label)
    kind = str(arrays.pop("artifact", ""))
    if kind != artifact:
        raise InvalidArtifactError(f"{label}: expected a Liftline '{artifact}' file, found '{kind or 'another npz'}'.")
    version = _integer(arrays.pop("schema_version", np.array(0)))
    if version != schema_version:
        raise InvalidArtifactError(
            f"{label}: '{artifact}' schema version {version}, this Liftline reads {schema_version}; "
            "use the Liftline version that wrote it, or make the file again."
        )
    try:
        meta = json.loads(str(arrays.pop("meta", "{}")))
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidArtifactError(f"{label}: its metadata is damaged ({error}); make the file again.") from error
    if not isinstance(meta, dict):
        raise InvalidArtifactError(f"{label}: its metadata is no JSON object; make the file again.")
    return Npz(arrays, meta)


def _integer(value: NDArray[Any]) -> int | None:
    return int(value) if value.shape == () and value.dtype.kind in "iu" else None


def read_npz_arrays(source: Path | BinaryIO, *, name: str) -> dict[str, NDArray[Any]]:
    """All arrays of an npz, without pickle and within `MAX_ARTIFACT_BYTES`."""
    try:
        with zipfile.ZipFile(source) as archive:
            npz_entries.check_sizes(archive, archive.infolist(), max_bytes=MAX_ARTIFACT_BYTES)
            return {entry.filename.removesuffix(".npy"): _read_entry(archive, entry) for entry in archive.infolist()}
    except FileNotFoundError as error:
        raise InvalidArtifactError(f"{name}: no such file.") from error
    except npz_entries.TooLargeError as error:
        raise InvalidArtifactError(f"{name}: {error}; refused.") from error
    except MemoryError as error:
        raise InvalidArtifactError(f"{name}: doesn't fit into memory; close other programs.") from error
    except npz_entries.DAMAGED as error:
        raise InvalidArtifactError(f"{name}: not a readable npz file ({error}); make it again.") from error


def _read_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> NDArray[Any]:
    with archive.open(entry) as stream:
        return npz_entries.read_array(stream, entry.file_size)


def array(npz: Npz, key: str, *, shape: tuple[int | None, ...], dtype: Any, name: str) -> NDArray[Any]:
    """The array `key` with its shape (None: any length) checked and its type converted."""
    if key not in npz.arrays:
        raise InvalidArtifactError(f"{name}: the array '{key}' is missing; make the file again.")
    value = npz.arrays[key]
    if value.ndim != len(shape) or any(
        want is not None and have != want for have, want in zip(value.shape, shape, strict=True)
    ):
        raise InvalidArtifactError(f"{name}: '{key}' has shape {value.shape}, expected {shape}.")
    return value.astype(dtype, copy=False)


@contextmanager
def consistent(name: str) -> Iterator[None]:
    """Turn a value object's complaint about what a file held into InvalidArtifactError."""
    try:
        yield
    except (ValueError, KeyError, TypeError) as error:
        raise InvalidArtifactError(
            f"{name}: its contents don't fit together ({error}); make the file again."
        ) from error
