"""`liftline.ports.Records` in NATS KV buckets.

A bucket is a stream with one message per subject. This speaks to the stream itself, because nats-py's own class can
neither list by prefix without reading everything nor tell a lost answer from a conflict.

Each write says that it takes the place of the one before (`Nats-Rollup`), though the bucket would see to that by
itself: what nats-server 2.12 to 2.15.1 drop because a subject has too many messages comes back after a crash, once the
newer one was removed. What a rollup takes away stays away.
"""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import Mapping, Sequence
from functools import partial

from nats.aio.msg import Msg

from liftline.adapters.nats.connection import ApiError, Connection
from liftline.adapters.nats.subjects import subjects
from liftline.adapters.nats.topology import record_stream, record_subject
from liftline.ports import Entry, Records

_EXPECTED, _WRITER = "Nats-Expected-Last-Subject-Sequence", "Liftline-Write"
_REPLACES = {"Nats-Rollup": "sub"}
_CONFLICT, _NO_MESSAGE = 10071, 10037
_AT_ONCE = 256


class NatsRecords(Records):
    """Records in two KV buckets (`topology.record_stream`). Use it within the connection's event loop."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._writes = itertools.count()
        self._direct: bool | None = None

    async def get(self, key: str) -> Entry | None:
        found = await self._connection.retry(lambda: self._read(key))
        return found[0] if found else None

    async def get_all(self, keys: Sequence[str]) -> dict[str, Entry]:
        """What is there under these keys, in few requests; one by one where the leader alone may answer."""
        found: dict[str, Entry] = {}
        for begin in range(0, len(keys), _AT_ONCE):
            some = keys[begin : begin + _AT_ONCE]
            if await self._reads_directly(some[0]):
                found |= await self._read_all(some)
            else:
                entries = await asyncio.gather(*(self.get(key) for key in some))
                found |= {key: entry for key, entry in zip(some, entries, strict=True) if entry is not None}
        return found

    async def create(self, key: str, value: bytes) -> int | None:
        return await self._put(key, value, revision=0)

    async def update(self, key: str, value: bytes, *, revision: int) -> int | None:
        return await self._put(key, value, revision=revision)

    async def delete(self, key: str) -> None:
        await self._purge(key)

    async def keys(self, prefix: str) -> list[str]:
        found = await subjects(self._connection, record_stream(prefix), record_subject(f"{prefix}>"))
        before = record_subject(prefix).removesuffix(prefix)
        return sorted(subject.removeprefix(before) for subject in found)

    async def delete_all(self, prefix: str) -> None:
        await self._purge(f"{prefix}>")

    async def _put(self, key: str, value: bytes, *, revision: int) -> int | None:
        writer = f"{self._connection.identity}.{next(self._writes)}"
        headers = {_EXPECTED: str(revision), _WRITER: writer, **_REPLACES}
        tries = 0

        async def put() -> int | None:
            nonlocal tries
            tries += 1
            written = await self._write(key, value, headers)
            if written is None and tries > 1:  # perhaps an earlier try got there, and its answer not here
                found = await self._read(key)
                if found is not None and found[1].get(_WRITER) == writer:
                    return found[0].revision
            return written

        return await self._connection.retry(put)

    async def _write(self, key: str, value: bytes, headers: Mapping[str, str]) -> int | None:
        answer = await self._connection.once(record_subject(key), value, headers=headers)
        try:
            return int(self._connection.read(answer)["seq"])
        except ApiError as error:
            if error.number == _CONFLICT:
                return None
            raise self._connection.unavailable(f"{key} isn't kept, {error}") from error

    async def _read(self, key: str) -> tuple[Entry, Mapping[str, str]] | None:
        """The entry and its message's headers; None if there is none."""
        if await self._reads_directly(key):
            message = await self._connection.once(f"$JS.API.DIRECT.GET.{record_stream(key)}.{record_subject(key)}")
            return _directly_got(message)
        return await self._read_from_leader(key)

    async def _reads_directly(self, key: str) -> bool:
        if self._direct is None:
            self._direct = await self._may_be_direct(record_stream(key))
        return self._direct

    async def _read_all(self, keys: Sequence[str]) -> dict[str, Entry]:
        """A batch get (https://github.com/nats-io/nats-architecture-and-design, ADR-31), again for what didn't fit."""
        stream, found, missing = record_stream(keys[0]), dict[str, Entry](), list(keys)
        while missing:
            wanted = json.dumps({"multi_last": [record_subject(key) for key in missing]}).encode()
            *messages, status = await self._connection.retry(
                partial(self._connection.several, f"$JS.API.DIRECT.GET.{stream}", wanted)
            )
            said = status.headers or {}
            if said.get("Status") not in ("204", "404"):
                raise self._connection.unavailable(f"{stream} can't be read, {said.get('Description', said)}")
            prefix = len(record_subject(keys[0])) - len(keys[0])
            for message in messages:
                headers = message.headers or {}
                found[headers["Nats-Subject"][prefix:]] = Entry(message.data, int(headers["Nats-Sequence"]))
            if not messages or said.get("Nats-Num-Pending", "0") == "0":
                break
            missing = [key for key in missing if key not in found]
        return found

    async def _may_be_direct(self, stream: str) -> bool:
        try:
            answer = await self._connection.api(f"STREAM.INFO.{stream}")
        except ApiError as error:
            raise self._connection.unavailable(f"{stream}, {error}") from error
        return bool(answer["config"].get("allow_direct"))

    async def _read_from_leader(self, key: str) -> tuple[Entry, Mapping[str, str]] | None:
        try:
            answer = await self._connection.api(
                f"STREAM.MSG.GET.{record_stream(key)}", {"last_by_subj": record_subject(key)}
            )  # fmt: skip
        except ApiError as error:
            if error.number == _NO_MESSAGE:
                return None
            raise self._connection.unavailable(f"{key} can't be read, {error}") from error
        message = answer["message"]
        headers = base64.b64decode(message.get("hdrs", "")).decode(errors="replace").splitlines()
        named = dict(line.split(": ", 1) for line in headers if ": " in line)
        return Entry(base64.b64decode(message.get("data", "")), message["seq"]), named

    async def _purge(self, key_filter: str) -> None:
        request = {"filter": record_subject(key_filter)}
        await self._connection.retry(lambda: self._connection.api(f"STREAM.PURGE.{record_stream(key_filter)}", request))


def _directly_got(message: Msg) -> tuple[Entry, Mapping[str, str]] | None:
    headers = message.headers or {}
    if headers.get("Status") == "404":
        return None
    return Entry(message.data, int(headers["Nats-Sequence"])), headers
