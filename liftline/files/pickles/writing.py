"""Write npz files of pickled objects that any Python 3 with any NumPy reads, piece by piece.

NumPy 2 pickles arrays under names that NumPy before 1.26 doesn't know, and holds everything that it has pickled until
the end. Here arrays go by the names that all of them know (`numpy.core.multiarray`), and items may come from a
generator: only one is in memory at a time. Instructions as in CPython's `pickletools`, protocol 3.
"""

from __future__ import annotations

import itertools
import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from liftline.files.atomic import atomic_path

_BATCH = 1000
_EPOCH = (1980, 1, 1, 0, 0, 0)

_RECONSTRUCT, _NDARRAY, _DTYPE, _FLOAT32, _OBJECT = (b"h" + bytes([number]) for number in range(5))
"""Memo entries of what every array needs; `_PRELUDE` makes them."""

_TYPE_STATES = {
    "f4": b"<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00",
    "O8": b"|NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x3f",
}


def _dtype(code: str) -> bytes:
    """The program for `numpy.dtype(code)`."""
    order, rest = _TYPE_STATES[code][:1], _TYPE_STATES[code][1:]
    name = b"X\x02\x00\x00\x00" + code.encode()
    return _DTYPE + name + b"\x89\x88\x87R" + b"(K\x03X\x01\x00\x00\x00" + order + rest + b"tb"


_PRELUDE = b"".join(
    (
        b"\x80\x03cnumpy.core.multiarray\n_reconstruct\nq\x000",
        b"cnumpy\nndarray\nq\x010",
        b"cnumpy\ndtype\nq\x020",
        _dtype("f4") + b"q\x030",
        _dtype("O8") + b"q\x040",
    )
)
_EMPTY_ARRAY = _RECONSTRUCT + _NDARRAY + b"K\x00\x85C\x01b\x87R"


@dataclass(frozen=True)
class ObjectArray:
    """An array of objects to write: its items in C order, from any iterable.

    Items are None, str, int, float32 arrays, and dicts, lists or tuples of them.
    """

    shape: tuple[int, ...]
    items: Iterable[Any]

    @classmethod
    def single(cls, value: Any) -> ObjectArray:
        """An array without dimensions, as NumPy makes of a dictionary."""
        return cls((), [value])


def save_npz(path: Path, arrays: Mapping[str, ObjectArray]) -> None:
    """Write arrays of objects, compressed; the file is whole or absent, and equal contents give equal bytes.

    Raises:
        OutputError: the file can't be written.
        ValueError: an array has other items than its shape says.
    """
    with (
        atomic_path(path) as temporary,
        zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED, compresslevel=4) as archive,
    ):
        for name, array in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy", date_time=_EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as stream:
                header = {"descr": "|O", "fortran_order": False, "shape": array.shape}
                np.lib.format.write_array_header_1_0(stream, header)
                _write_objects(stream, array)


def _write_objects(stream: IO[bytes], array: ObjectArray) -> None:
    stream.write(_PRELUDE + _EMPTY_ARRAY + b"(K\x01" + _pickled(array.shape) + _OBJECT + b"\x89]")
    items, count = iter(array.items), 0
    while batch := list(itertools.islice(items, _BATCH)):
        count += len(batch)
        stream.write(b"(" + b"".join(map(_pickled, batch)) + b"e")
    if count != prod(array.shape):
        raise ValueError(f"{count} items for an array of shape {array.shape}")
    stream.write(b"tb.")


def _pickled(value: Any) -> bytes:
    """The program for one value, which needs what `_PRELUDE` made."""
    match value:
        case None:
            return b"N"
        case int():
            return b"J" + struct.pack("<i", value)
        case str():
            text = value.encode("utf-8", "surrogatepass")
            return b"X" + struct.pack("<I", len(text)) + text
        case list():
            return b"](" + b"".join(map(_pickled, value)) + b"e"
        case tuple():
            return b"(" + b"".join(map(_pickled, value)) + b"t"
        case dict():
            return b"}(" + b"".join(_pickled(part) for item in value.items() for part in item) + b"u"
        case np.ndarray() if value.dtype == np.float32:
            return _pickled_array(value)
    raise TypeError(f"no plain data: {type(value).__name__}")


def _pickled_array(array: NDArray[np.float32]) -> bytes:
    data = np.ascontiguousarray(array, "<f4").tobytes()
    contents = b"B" + struct.pack("<I", len(data)) + data
    return _EMPTY_ARRAY + b"(K\x01" + _pickled(array.shape) + _FLOAT32 + b"\x89" + contents + b"tb"
