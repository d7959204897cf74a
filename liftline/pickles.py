"""Pickled NumPy data from strangers, read without running anything in it.

A pickle is a program. Here it may only build plain containers, numbers, text and NumPy arrays: every other name it asks
for is refused, and what would be NumPy objects are stand-ins of our own while it runs, so no state from the file
ever reaches NumPy's C code unchecked. Opcodes are checked before the first one runs; sizes are bounded.
Names: as NumPy 1 (`numpy.core`) and NumPy 2 (`numpy._core`) write them, Python 2 included.
"""

from __future__ import annotations

import io
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidInputError, UnsafePickleError

MAX_BYTES = 1 << 30
"""A file that unpacks to more than this is refused."""

_MAX_DEPTH = 32
_MAX_OPCODES = 20_000_000
_FORBIDDEN_OPCODES = frozenset(
    {"INST", "OBJ", "NEWOBJ", "NEWOBJ_EX", "PERSID", "BINPERSID", "EXT1", "EXT2", "EXT4", "NEXT_BUFFER"}
)
_DTYPE_KINDS = "biufcSUO"


def load_npz(path: Path, *, max_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """All entries of an npz file whose arrays may be pickled objects, as arrays.

    Raises:
        InvalidInputError: missing, no npz, damaged, or too large.
        UnsafePickleError: a pickle in it asks for more than plain data.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
            if size > max_bytes:
                raise InvalidInputError(
                    f"{path}: unpacks to {size >> 20} MiB, the limit is {max_bytes >> 20}; refused."
                )
            return {name.removesuffix(".npy"): _entry(archive.read(name), f"{path}") for name in archive.namelist()}
    except FileNotFoundError as error:
        raise InvalidInputError(f"{path}: no such file.") from error
    except (zipfile.BadZipFile, OSError, EOFError, RuntimeError, NotImplementedError) as error:
        raise InvalidInputError(f"{path}: not a readable npz file ({error}); make it again.") from error


def loads(data: bytes, *, name: str) -> Any:
    """The plain data in a pickle: containers, numbers, text, bytes, NumPy arrays and scalars.

    Raises:
        InvalidInputError: damaged.
        UnsafePickleError: it asks for more than plain data.
    """
    _check_opcodes(data, name)
    try:
        return _Resolver(name).resolve(_Unpickler(data, name).load())
    except UnsafePickleError:
        raise
    except (pickle.UnpicklingError, EOFError, ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        raise InvalidInputError(f"{name}: a damaged pickle ({error}); make the file again.") from error
    except (MemoryError, OverflowError, RecursionError) as error:
        raise UnsafePickleError(f"{name}: a pickle that would take too much memory; refused.") from error


def _entry(data: bytes, name: str) -> NDArray[Any]:
    """One `.npy` file, pickled or not."""
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(stream)
        if not dtype.hasobject:
            stream.seek(0)
            return np.asarray(np.lib.format.read_array(stream, allow_pickle=False))
    except (ValueError, SyntaxError, EOFError, OverflowError, MemoryError) as error:
        raise InvalidInputError(f"{name}: not a readable npz file ({error}); make it again.") from error
    value = loads(data[stream.tell() :], name=name)
    if not isinstance(value, np.ndarray) or value.dtype != dtype or value.size != prod(shape):
        raise InvalidInputError(f"{name}: an entry is not the array that its header tells of; make the file again.")
    return value.reshape(shape, order="F" if fortran else "C")


def _check_opcodes(data: bytes, name: str) -> None:
    """Refuse opcodes that build objects, and memo numbers that only serve to fill the memory."""
    count = 0
    try:
        for opcode, argument, _ in pickletools.genops(data):
            count += 1
            if opcode.name in _FORBIDDEN_OPCODES or count > _MAX_OPCODES:
                raise UnsafePickleError(
                    f"{name}: its pickle uses {opcode.name}, which plain data doesn't need; refused."
                )
            if opcode.name.endswith("PUT") and isinstance(argument, int) and argument > len(data):
                raise UnsafePickleError(f"{name}: its pickle numbers {argument} things in {len(data)} bytes; refused.")
    except (ValueError, OverflowError, MemoryError) as error:
        raise InvalidInputError(f"{name}: a damaged pickle ({error}); make the file again.") from error


class _Stateful:
    """A stand-in that remembers the state that a pickle gives it and does nothing with it."""

    def __init__(self) -> None:
        self.state: Any = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _Array(_Stateful):
    """Will be an array."""


class _Dtype(_Stateful):
    """Will be a dtype."""

    def __init__(self, code: object, *_: object) -> None:
        super().__init__()
        self.code = code


@dataclass(frozen=True)
class _Scalar:
    """Will be a NumPy scalar."""

    dtype: object
    data: object = b""


@dataclass(frozen=True)
class _Buffer:
    """Will be an array, from the buffer that pickle protocol 5 keeps in line."""

    data: object
    dtype: object
    shape: object
    order: object = "C"


class _Name:
    """What a name in a pickle stands for: it can be called, and nothing else can be done to it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> Any:
        return self._function(*arguments)

    def __setstate__(self, _: object) -> NoReturn:
        raise UnsafePickleError("a pickle changes a function; refused.")


def _call_ndarray(*_: object) -> NoReturn:
    raise UnsafePickleError("a pickle calls numpy.ndarray itself; refused.")


_NDARRAY = _Name(_call_ndarray)


def _reconstruct(kind: object, *_: object) -> _Array:
    if kind is not _NDARRAY:
        raise UnsafePickleError("a pickle builds a subclass of numpy.ndarray; refused.")
    return _Array()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """`_codecs.encode`, which old protocols need for bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError("a pickle encodes something other than bytes; refused.")
    return text.encode("latin1")


def _empty_bytes(*arguments: object) -> bytes:
    """`bytes()`, which old protocols need for no bytes."""
    if arguments:
        raise UnsafePickleError("a pickle makes bytes out of something; refused.")
    return b""


_ALLOWED: dict[tuple[str, str], _Name] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): _Name(_Dtype),
    ("_codecs", "encode"): _Name(_encode),
    ("builtins", "bytes"): _Name(_empty_bytes),
    ("__builtin__", "bytes"): _Name(_empty_bytes),
    ("collections", "OrderedDict"): _Name(OrderedDict),
    **{
        (f"numpy.{core}.{module}", name): _Name(stand_in)
        for core in ("core", "_core")
        for module, name, stand_in in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _Scalar),
            ("numeric", "_frombuffer", _Buffer),
        )
    },
}


class _Unpickler(pickle.Unpickler):
    def __init__(self, data: bytes, name: str) -> None:
        super().__init__(io.BytesIO(data), encoding="latin1")
        self._name = name

    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise UnsafePickleError(
                f"{self._name}: its pickle asks for {module}.{name}; only plain containers and NumPy arrays are read. "
                "Use a file from a source you trust, made by VideoPose3D's or Liftline's own tools."
            ) from None


class _Resolver:
    """Turns stand-ins into NumPy objects, throughout a structure of containers."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._done: dict[int, Any] = {}
        self._bytes = 0

    def resolve(self, value: Any, depth: int = 0) -> Any:
        """The same structure with real arrays; shared parts stay shared."""
        if depth > _MAX_DEPTH:
            raise UnsafePickleError(f"{self._name}: its pickle is nested more than {_MAX_DEPTH} deep; refused.")
        if id(value) in self._done:
            return self._done[id(value)]
        out = self._one(value, depth)
        self._done[id(value)] = out
        return out

    def _one(self, value: Any, depth: int) -> Any:
        match value:
            case dict():
                return {self.resolve(k, depth + 1): self.resolve(v, depth + 1) for k, v in value.items()}
            case list():
                return [self.resolve(item, depth + 1) for item in value]
            case tuple():
                return tuple(self.resolve(item, depth + 1) for item in value)
            case _Array(state=(_, shape, dtype, fortran, data)):
                return self._array(shape, dtype, data, "F" if fortran else "C", depth)
            case _Buffer():
                return self._array(value.shape, value.dtype, value.data, str(value.order), depth)
            case _Scalar():
                return self._array((), value.dtype, value.data, "C", depth)[()]
            case _Dtype():
                return self._dtype(value)
            case None | bool() | int() | float() | complex() | str() | bytes() | bytearray() | set() | frozenset():
                return value
        raise UnsafePickleError(f"{self._name}: its pickle holds something that is no plain data; refused.")

    def _array(self, shape: Any, dtype: Any, data: Any, order: str, depth: int) -> NDArray[Any]:
        kind = self._dtype(dtype)
        lengths = tuple(int(length) for length in (shape if isinstance(shape, tuple) else (shape,)))
        if kind.hasobject:
            if not isinstance(data, list) or len(data) != prod(lengths):
                raise ValueError("an array of objects has other contents than its shape says")
            flat = np.empty(len(data), object)
            for place, item in enumerate(data):
                flat[place] = self.resolve(item, depth + 1)
        else:
            raw = data.encode("latin1") if isinstance(data, str) else bytes(data)
            flat = np.frombuffer(raw, kind)
        return flat.reshape(lengths, order="F" if order == "F" else "C").copy()

    def _dtype(self, value: Any) -> np.dtype[Any]:
        """A number, text or object type; its state is (version, byte order, nothing else)."""
        if not isinstance(value, _Dtype) or not isinstance(value.code, (str, bytes)):
            raise UnsafePickleError(f"{self._name}: its pickle holds an array of an unknown type; refused.")
        code = value.code if isinstance(value.code, str) else value.code.decode("latin1")
        if code.lstrip("<>|=")[:1] not in _DTYPE_KINDS or not code.lstrip("<>|=")[1:].isdigit():
            raise UnsafePickleError(f"{self._name}: its pickle holds an array of type '{code}'; refused.")
        order, fields = (value.state[1], value.state[2:5]) if isinstance(value.state, tuple) else ("=", ())
        if any(field is not None for field in fields):
            raise UnsafePickleError(f"{self._name}: its pickle holds an array of records; refused.")
        base = np.dtype(code)
        return base.newbyteorder(">") if order == ">" else base
