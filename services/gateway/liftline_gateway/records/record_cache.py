"""Records that hardly ever change, read once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
R = TypeVar("R")
_READ_AT_ONCE = 64


class Remembered(Generic[K, R]):
    """Those of the records of one kind that are there, but for those that don't count any more."""

    def __init__(self, read: Callable[[K], Awaitable[R | None]]) -> None:
        """`read` gets one; None where it is gone."""
        self._read = read
        self._records: dict[K, R] = {}
        self._ignored: set[K] = set()

    async def among(self, keys: Iterable[K]) -> Mapping[K, R]:
        """Those under these keys, which are all there are."""
        everything = set(keys)
        self._ignored &= everything
        there = everything - self._ignored
        known = {key: self._records[key] for key in there if key in self._records}
        missing = [key for key in there if key not in known]
        for begin in range(0, len(missing), _READ_AT_ONCE):
            part = missing[begin : begin + _READ_AT_ONCE]
            read = await asyncio.gather(*(self._read(key) for key in part))
            known |= {key: record for key, record in zip(part, read, strict=True) if record is not None}
        self._records = known
        return known

    def forget(self) -> None:
        """Read all again that count: they may have changed after all."""
        self._records = {}

    def ignore(self, key: K) -> None:
        """This one doesn't count any more."""
        self._ignored.add(key)
