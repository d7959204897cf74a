"""What a name in a pickle stands for: never the function of that name, always one of these.

Names are those of NumPy 1 (`numpy.core`) and NumPy 2 (`numpy._core`), as Python 2 and 3 write them.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from liftline.errors import UnsafePickleError

_DTYPE_KINDS = "biufcSUO"


class Name:
    """A name that a pickle may use: it can be called, and nothing else can be done to it."""

    __slots__ = ("_function",)

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def __call__(self, *arguments: object) -> Any:
        """What the function of that name would make, or an `Unbuilt`."""
        return self._function(*arguments)


class Unbuilt:
    """An array or a type of which a pickle has said nothing yet; `memo_keys` are the numbers it gave it."""

    __slots__ = ("memo_keys",)

    def __init__(self) -> None:
        self.memo_keys: list[int] = []

    def build(self, state: object) -> Any:
        """The real one. Raises ValueError or UnsafePickleError."""
        raise NotImplementedError


class _UnbuiltArray(Unbuilt):
    __slots__ = ()

    def build(self, state: object) -> NDArray[Any]:
        match state:
            case (_, tuple(shape), np.dtype() as dtype, fortran, data):
                return make_array(data, dtype, shape, "F" if fortran else "C")
        raise ValueError("an array of an unknown form")


class _UnbuiltDtype(Unbuilt):
    __slots__ = ("_code",)

    def __init__(self, code: object, *_: object) -> None:
        super().__init__()
        text = code.decode("latin1") if isinstance(code, bytes) else str(code)
        if text.lstrip("<>|=")[:1] not in _DTYPE_KINDS or not text.lstrip("<>|=")[1:].isdecimal():
            raise UnsafePickleError(f"its pickle holds an array of type '{text[:40]}'")
        self._code = text

    def build(self, state: object) -> np.dtype[Any]:
        """The state is (version, byte order, nothing else)."""
        if not isinstance(state, tuple) or len(state) < 5 or any(field is not None for field in state[2:5]):
            raise UnsafePickleError("its pickle holds an array of records")
        dtype = np.dtype(self._code)
        if not dtype.itemsize:
            raise ValueError("a type without size")
        return dtype.newbyteorder(">") if state[1] in (">", b">") else dtype


def make_array(data: object, dtype: object, shape: object, order: object = "C") -> NDArray[Any]:
    """An array of its own memory. Raises ValueError where data and shape don't fit."""
    lengths = shape if isinstance(shape, tuple) else (shape,)
    if not isinstance(dtype, np.dtype) or not all(type(length) is int and length >= 0 for length in lengths):
        raise ValueError("an array without type or shape")
    flat = _objects(data) if dtype.hasobject else _numbers(data, dtype)
    if len(flat) != prod(lengths):
        raise ValueError("an array has other contents than its shape says")
    return flat.reshape(lengths, order="F" if order in ("F", b"F") else "C")


def _objects(data: object) -> NDArray[Any]:
    if not isinstance(data, list):
        raise ValueError("an array of objects without objects")
    flat = np.empty(len(data), object)
    for place, item in enumerate(data):
        flat[place] = item
    return flat


def _numbers(data: object, dtype: np.dtype[Any]) -> NDArray[Any]:
    raw = data.encode("latin1") if isinstance(data, str) else data
    if not isinstance(raw, (bytes, bytearray)):
        raise ValueError("an array without contents")
    return np.frombuffer(raw, dtype).copy()


def _make_scalar(dtype: object, data: object = b"") -> Any:
    if isinstance(dtype, np.dtype) and dtype.hasobject:
        raise UnsafePickleError("its pickle holds a single object as a number")
    return make_array(data, dtype, ())[()]


def _call_ndarray(*_: object) -> NoReturn:
    raise UnsafePickleError("its pickle calls numpy.ndarray itself")


_NDARRAY = Name(_call_ndarray)


def _reconstruct(kind: object, *_: object) -> _UnbuiltArray:
    if kind is not _NDARRAY:
        raise UnsafePickleError("its pickle builds a subclass of numpy.ndarray")
    return _UnbuiltArray()


def _encode(text: object, encoding: object = "latin1") -> bytes:
    """`_codecs.encode`, which old protocols need for bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise UnsafePickleError("its pickle encodes something other than bytes")
    return text.encode("latin1")


def _empty_bytes(*arguments: object) -> bytes:
    """`bytes()`, which old protocols need for no bytes."""
    if arguments:
        raise UnsafePickleError("its pickle makes bytes out of something")
    return b""


def _empty_dict(*arguments: object) -> dict[Any, Any]:
    """`OrderedDict()`: dictionaries keep their order."""
    if arguments:
        raise UnsafePickleError("its pickle makes a dictionary out of something")
    return {}


def _empty_list(*arguments: object) -> list[Any]:
    """`list()`, with which a list is begun whose items follow one by one."""
    if arguments:
        raise UnsafePickleError("its pickle makes a list out of something")
    return []


ALLOWED: dict[tuple[str, str], Name] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): Name(_UnbuiltDtype),
    ("_codecs", "encode"): Name(_encode),
    ("builtins", "bytes"): Name(_empty_bytes),
    ("__builtin__", "bytes"): Name(_empty_bytes),
    ("builtins", "list"): Name(_empty_list),
    ("collections", "OrderedDict"): Name(_empty_dict),
    **{
        (f"numpy.{core}.{module}", name): Name(function)
        for core in ("core", "_core")
        for module, name, function in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _make_scalar),
            ("numeric", "_frombuffer", make_array),
        )
    },
}
