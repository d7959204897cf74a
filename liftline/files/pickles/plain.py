"""Whether what a pickle made is plain data, of a depth and size that the rest of the program can walk through."""

from __future__ import annotations

from typing import Any

import numpy as np

from liftline.errors import UnsafePickleError

_MAX_DEPTH = 32
_LEAF_BYTES = 8
_LEAVES = (type(None), bool, int, float, complex)
_TEXTS = (str, bytes, bytearray)


class PlainCheck:
    """Walks through a structure once.

    A structure can be huge by naming the same list twice at every level. It takes no more memory than its parts until
    somebody copies it, so what counts here is its size written out in full.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._known: dict[int, int] = {}

    def size(self, value: Any, depth: int = 0) -> int:
        """Bytes that `value` stands for, written out in full. Raises UnsafePickleError."""
        if isinstance(value, _LEAVES):
            return _LEAF_BYTES
        if isinstance(value, _TEXTS):
            return _LEAF_BYTES + len(value)
        if id(value) in self._known:
            return self._known[id(value)]
        if depth > _MAX_DEPTH:
            raise UnsafePickleError(f"its pickle is nested more than {_MAX_DEPTH} deep")
        total = self._container(value, depth + 1)
        if total > self._max_bytes:
            raise UnsafePickleError(f"its pickle would unfold to more than {self._max_bytes >> 20} MiB")
        self._known[id(value)] = total
        return total

    def _container(self, value: Any, depth: int) -> int:
        match value:
            case dict():
                return _LEAF_BYTES + sum(self.size(k, depth) + self.size(v, depth) for k, v in value.items())
            case list() | tuple():
                return _LEAF_BYTES + sum(self.size(item, depth) for item in value)
            case np.ndarray() if value.dtype.hasobject:
                return _LEAF_BYTES + sum(self.size(item, depth) for item in value.flat)
            case np.ndarray() | np.generic():
                return _LEAF_BYTES + value.nbytes
        raise UnsafePickleError("its pickle holds something that is no plain data")
