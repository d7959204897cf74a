"""Read npz files whose arrays may be pickled objects. Format: numpy.lib.format in a zip file."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidInputError
from liftline.files import npz_entries
from liftline.files.pickles.loading import loads

MAX_BYTES = 1 << 30
"""A file that unpacks to more than this is refused."""

_PIECE_BYTES = 1 << 20


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
        npz_entries.check_sizes(archive, wanted.values(), max_bytes=max_bytes)
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
    except npz_entries.TooLargeError as error:
        raise InvalidInputError(f"{path}: {error}; refused.") from error
    except MemoryError as error:
        raise InvalidInputError(f"{path}: an npz file that would take too much memory; refused.") from error
    except npz_entries.DAMAGED as error:
        raise InvalidInputError(f"{path}: not a readable npz file ({error}); make it again.") from error


def _unpacked(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """An entry's bytes, never more of them than it says, even for a moment."""
    pieces = io.BytesIO()
    with archive.open(entry) as stream:
        while piece := stream.read(_PIECE_BYTES):
            pieces.write(piece)
    return pieces.getvalue()


def _array(data: bytes, name: str) -> NDArray[Any]:
    """One `.npy` file, pickled or not."""
    stream = io.BytesIO(data)
    shape, fortran, dtype = npz_entries.read_header(stream, len(data))
    if dtype.hasobject:
        value = loads(data, name=name, start=stream.tell())
        if not isinstance(value, np.ndarray) or value.dtype != dtype or value.size != prod(shape):
            raise InvalidInputError(f"{name}: an entry is not the array that its header tells of; make the file again.")
    else:
        value = np.frombuffer(data, dtype, offset=stream.tell()).copy() if prod(shape) else np.empty(0, dtype)
    return np.asarray(value.reshape(shape, order="F" if fortran else "C"))
