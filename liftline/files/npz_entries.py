"""What an npz file may be before anything in it is believed: its size, its packing, its arrays' headers.

Sizes in a zip file and in the headers of arrays are claims. Nothing here takes memory for more than what is there.
"""

from __future__ import annotations

import threading
import tokenize
import zipfile
import zlib
from collections.abc import Iterable
from math import prod
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

DAMAGED = (
    zipfile.BadZipFile, zlib.error, OSError, EOFError, LookupError, RuntimeError, NotImplementedError, ValueError,
    TypeError, SyntaxError, OverflowError, tokenize.TokenError,
)  # fmt: skip
"""What Python and NumPy raise on damaged files."""

_MAX_RATIO, _HARMLESS_BYTES, _PIECE_BYTES = 200, 64 << 20, 1 << 20
_PARSING = threading.Lock()
"""NumPy parses headers as Python literals; CPython 3.11 may raise SystemError where threads do so at the same time."""


class TooLargeError(ValueError):
    """A file that unpacks to more than is sensible; the text says to how much."""


def check_sizes(archive: zipfile.ZipFile, entries: Iterable[zipfile.ZipInfo], *, max_bytes: int) -> None:
    """Raise TooLargeError or BadZipFile unless these entries unpack to something of a sensible size."""
    entries = list(entries)
    size, packed = sum(entry.file_size for entry in entries), _length(archive)
    if size > max_bytes:
        raise TooLargeError(f"unpacks to {size >> 20} MiB, the limit is {max_bytes >> 20}")
    if size > max(_HARMLESS_BYTES, _MAX_RATIO * packed):
        raise TooLargeError(f"unpacks from {packed} bytes to {size >> 20} MiB, which no measured data does")
    if any(entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) for entry in entries):
        raise zipfile.BadZipFile("it is compressed in another way than NumPy does it")


def _length(archive: zipfile.ZipFile) -> int:
    file = archive.fp
    if file is None:
        raise zipfile.BadZipFile("it is closed")
    return file.seek(0, 2)


def read_header(stream: IO[bytes], size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape, Fortran order and type of a `.npy` entry of so many bytes.

    Raises one of `DAMAGED` where they don't fit its size.
    """
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        with _PARSING:
            shape, fortran, dtype = read(stream)
    except (MemoryError, RecursionError) as error:
        raise ValueError("a header nested too deeply") from error
    if not dtype.hasobject and prod(shape) * dtype.itemsize != size - stream.tell():
        raise ValueError("an entry has another size than its header says")
    if min(shape, default=0) < 0 or not (dtype.itemsize or prod(shape) == 0):
        raise ValueError("a header with an impossible shape")
    return shape, fortran, dtype


def read_array(stream: IO[bytes], size: int) -> NDArray[Any]:
    """The array of a `.npy` entry of so many bytes. Raises one of `DAMAGED`, also where it holds Python objects."""
    shape, fortran, dtype = read_header(stream, size)
    if dtype.hasobject:
        raise ValueError("an entry that holds Python objects")
    array = np.empty(prod(shape), dtype)
    left = array.view(np.uint8).data if array.nbytes else memoryview(b"")
    while len(left):
        piece = stream.read(min(len(left), _PIECE_BYTES))
        if not piece:
            raise EOFError("an entry that ends too soon")
        left[: len(piece)] = piece
        left = left[len(piece) :]
    return array.reshape(shape, order="F" if fortran else "C")
