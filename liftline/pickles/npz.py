"""Read npz files whose arrays may be pickled objects. Format: numpy.lib.format in a zip file."""

from __future__ import annotations

import io
import tokenize
import zipfile
import zlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidInputError
from liftline.pickles.loading import loads

MAX_BYTES = 1 << 30
"""A file that unpacks to more than this is refused."""

_MAX_RATIO, _HARMLESS_BYTES = 200, 64 << 20
_PIECE_BYTES = 1 << 20
_DAMAGED = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, RuntimeError, NotImplementedError, ValueError, SyntaxError,
    OverflowError, tokenize.TokenError,
)  # fmt: skip


def load_npz(path: Path, *, entries: Collection[str] | None = None, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """Entries of an npz file whose arrays may be pickled objects, as arrays.

    Args:
        path: the file.
        entries: the only ones to read, where it has them; all by default.
        max_bytes: refuse files that unpack to more.

    Raises:
        InvalidInputError: missing, no npz, damaged, or too large.
        UnsafePickleError: a pickle in it asks for more than plain data.
    """
    with _opened(path) as archive:
        wanted = {entry.filename: entry for entry in archive.infolist()}
        if entries is not None:
            wanted = {name: entry for name, entry in wanted.items() if name.removesuffix(".npy") in entries}
        _check_size(path, wanted.values(), max_bytes)
        return {
            name.removesuffix(".npy"): _array(_unpacked(archive, entry), f"{path}") for name, entry in wanted.items()
        }


def npz_names(path: Path) -> set[str]:
    """Names of the entries of an npz file. Raises InvalidInputError where it is none."""
    with _opened(path) as archive:
        return {name.removesuffix(".npy") for name in archive.namelist()}


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path}: no such file.") from error
    except MemoryError as error:
        raise InvalidInputError(f"{path}: an npz file that would take too much memory; refused.") from error
    except _DAMAGED as error:
        raise InvalidInputError(f"{path}: not a readable npz file ({error}); make it again.") from error


def _check_size(path: Path, entries: Collection[zipfile.ZipInfo], max_bytes: int) -> None:
    size, packed = sum(entry.file_size for entry in entries), path.stat().st_size
    if size > max_bytes:
        raise InvalidInputError(f"{path}: unpacks to {size >> 20} MiB, the limit is {max_bytes >> 20}; refused.")
    if size > max(_HARMLESS_BYTES, _MAX_RATIO * packed):
        raise InvalidInputError(
            f"{path}: {packed} bytes that unpack to {size >> 20} MiB, which no keypoints do; refused."
        )


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry's bytes, never more of them than it says; compressed as NumPy does it."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise zipfile.BadZipFile("it is compressed in another way than NumPy does it")
    pieces = io.BytesIO()
    with archive.open(entry) as stream:
        while piece := stream.read(_PIECE_BYTES):
            pieces.write(piece)
    return pieces.getvalue()


def _array(data: bytes, name: str) -> NDArray[Any]:
    """One `.npy` file, pickled or not."""
    stream = io.BytesIO(data)
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(stream)
    if dtype.hasobject:
        value = loads(data, name=name, start=stream.tell())
        if not isinstance(value, np.ndarray) or value.dtype != dtype or value.size != prod(shape):
            raise InvalidInputError(f"{name}: an entry is not the array that its header tells of; make the file again.")
    elif prod(shape) * dtype.itemsize != len(data) - stream.tell():
        raise ValueError("an entry has another size than its header says")
    else:
        value = np.frombuffer(data, dtype, offset=stream.tell()).copy() if prod(shape) else np.empty(0, dtype)
    return np.asarray(value.reshape(shape, order="F" if fortran else "C"))
