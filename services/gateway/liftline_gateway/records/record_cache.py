"""A cache of records that hardly ever change."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Generic, TypeVar

K = TypeVar("K")
R = TypeVar("R")
_READ_AT_ONCE = 64


class RecordCache(Generic[K, R]):
    """Records of one kind by key; each is read when it is first asked for."""

    def __init__(self, read: Callable[[K], Awaitable[R | None]]) -> None:
        """`read` gets one record; None where it is gone."""
        self._read_one = read
        self._records: dict[K, R] = {}
        self._ignored: set[K] = set()

    async def read_all(self, keys: Iterable[K]) -> Mapping[K, R]:
        """Records under these keys, which are all keys there are, without ignored ones and those that are gone."""
        everything = set(keys)
        self._ignored &= everything
        there = everything - self._ignored
        known = {key: self._records[key] for key in there if key in self._records}
        missing = [key for key in there if key not in known]
        for begin in range(0, len(missing), _READ_AT_ONCE):
            part = missing[begin : begin + _READ_AT_ONCE]
            read = await asyncio.gather(*(self._read_one(key) for key in part))
            known |= {key: record for key, record in zip(part, read, strict=True) if record is not None}
        self._records = known
        return known

    def invalidate(self) -> None:
        """Read all again next time: they may have changed after all."""
        self._records = {}

    def ignore(self, key: K) -> None:
        """Leave this one out from now on."""
        self._ignored.add(key)
