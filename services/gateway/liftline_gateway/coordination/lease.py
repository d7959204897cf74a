"""Who does something that one gateway is enough for: an entry with a date, taken over when that has passed.

A clock that is wrong holds up nobody and takes nothing away: an entry that nobody renews is taken over whatever its
date, and one that somebody renews is not. What is done under a lease must be safe to do twice: a holder may be asleep
while its time runs out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from google.protobuf.message import DecodeError

from liftline.ports import Entry, Records
from liftline.v1 import records_pb2

_LONG_AGO = datetime.fromtimestamp(0, UTC)


class Lease:
    """One lease as one holder sees it. Every method raises UnavailableError."""

    def __init__(
        self,
        records: Records,
        name: str,
        *,
        holder: str,
        duration: timedelta,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        elapsed_s: Callable[[], float] = time.monotonic,
    ) -> None:
        """`holder` is a name that no other process has. It is to `hold` twice within half of `duration`, or more often.

        Entries have dates of `now`; how long they stay unchanged is told by `elapsed_s`.
        """
        self._records, self._key = records, f"leases.{name}"
        self._holder, self._duration, self._now, self._elapsed_s = holder, duration, now, elapsed_s
        self._seen = (0, 0.0)

    async def hold(self) -> bool:
        """Take it, or keep it for another while; False where another one has it."""
        entry = await self._records.get(self._key)
        if entry is None:
            return await self._records.create(self._key, self._until(self._now() + self._duration)) is not None
        if not self._is_free(entry):
            return False
        return await self._write(entry, self._now() + self._duration)

    async def release(self) -> None:
        """Let others have it at once, if it is held."""
        entry = await self._records.get(self._key)
        if entry is not None and _read(entry).holder == self._holder:
            await self._write(entry, _LONG_AGO)

    async def _write(self, entry: Entry, end: datetime) -> bool:
        return await self._records.update(self._key, self._until(end), revision=entry.revision) is not None

    def _is_free(self, entry: Entry) -> bool:
        lease = _read(entry)
        end = lease.expire_time.ToDatetime(tzinfo=UTC)
        if lease.holder in ("", self._holder) or end == _LONG_AGO:
            return True
        if self._seen[0] != entry.revision:
            self._seen = (entry.revision, self._elapsed_s())
        unchanged = timedelta(seconds=self._elapsed_s() - self._seen[1])
        return unchanged >= (self._duration if end > self._now() else self._duration / 2)

    def _until(self, end: datetime) -> bytes:
        lease = records_pb2.Lease(holder=self._holder)
        lease.expire_time.FromDatetime(end)
        return lease.SerializeToString()


def _read(entry: Entry) -> records_pb2.Lease:
    """What it says; nobody's, and over, where it says nothing."""
    lease = records_pb2.Lease()
    try:
        lease.ParseFromString(entry.value)
    except DecodeError:
        return records_pb2.Lease()
    return lease
