"""What the function that works in a reading process is given: the video's bytes, room for pictures, ways to speak.

The process ends itself where nothing is said for `SILENT_S`: `Session.alive` is a StopToken that says so at most a few
times a second, and is asked at every packet by all that read videos.
"""

from __future__ import annotations

import io
import json
import mmap
import os
import signal
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from liftline.video.process._messages import FRAME, READ, Say, receive, send
from liftline.video.process.pictures import as_pictures

SILENT_S = 60.0
"""Waiting for the parent, which may wait for a store or for who takes the pictures, doesn't count."""

_ALIVE_S = 0.2


class Session:
    """One task of a reading process."""

    def __init__(self, parent: socket.socket, task: dict[str, Any], descriptors: list[int]) -> None:
        """`task` as `running` sends it; descriptors: of the shared pictures and the file, those of them it has."""
        self._parent, self._task = parent, task
        self._descriptors = descriptors
        self._rooms: NDArray[np.uint8] | None = None
        self._free: deque[int] = deque()
        if task["pictures"]:
            count, shape = task["pictures"]
            memory = mmap.mmap(descriptors[0], 0)
            self._rooms, self._free = as_pictures(memory, count, tuple(shape)), deque(range(count))
        self._file = descriptors[-1] if task["is_file"] else None
        self.alive = Alive(self)

    def opener(self) -> BinaryIO:
        """The video's bytes, from the start."""
        return cast("BinaryIO", _Bytes(self))

    @property
    def length(self) -> int:
        """Of the video, in bytes."""
        return int(self._task["length"])

    def read_at(self, offset: int, size: int) -> bytes:
        """The video's bytes from there on, fewer at its end."""
        if self._file is not None:
            return os.pread(self._file, size, offset)
        send(self._parent, Say.READ, READ.pack(offset, size))
        return self._wait_for(Say.BYTES)

    def ask(self, what: str, *about: int) -> str:
        """What the parent answers."""
        self.say(Say.ASK, json.dumps([what, *about]).encode())
        return str(json.loads(self._wait_for(Say.ANSWER)))

    def say(self, kind: Say, body: bytes = b"") -> None:
        """Tell the parent; the process has its time again."""
        signal.setitimer(signal.ITIMER_REAL, SILENT_S)
        send(self._parent, kind, body)

    def room(self) -> tuple[int, NDArray[np.uint8]]:
        """Where the next picture may be put, once there is room for one."""
        assert self._rooms is not None
        while not self._free:
            self._wait_for(Say.FREED)
        room = self._free.popleft()
        return room, self._rooms[room]

    def put(self, room: int, index: int) -> None:
        """The picture there is done, and is this one of the plan."""
        self.say(Say.FRAME, FRAME.pack(room, index))

    def close(self) -> None:
        """Let go of what belongs to the task."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self._rooms = None
        for descriptor in self._descriptors:
            os.close(descriptor)

    def _wait_for(self, wanted: Say) -> bytes:
        with _clock_stopped():
            while True:
                kind, body = receive(self._parent)
                if kind is Say.FREED:
                    self._free.extend(body)
                if kind is wanted:
                    return body


class Alive:
    """A StopToken that never stops anything (the parent ends the process for that), but shows that work goes on."""

    def __init__(self, session: Session) -> None:
        """For this session."""
        self._session, self._said = session, 0.0

    def raise_if_stopped(self) -> None:
        """Say so, if it wasn't said just now."""
        now = time.monotonic()
        if now - self._said > _ALIVE_S:
            self._said = now
            self._session.say(Say.ALIVE)


@contextmanager
def _clock_stopped() -> Iterator[None]:
    left, _ = signal.setitimer(signal.ITIMER_REAL, 0)
    yield
    signal.setitimer(signal.ITIMER_REAL, left or SILENT_S)


class _Bytes(io.RawIOBase):
    """The video as a file."""

    def __init__(self, session: Session) -> None:
        self._session, self._at = session, 0

    def read(self, size: int = -1, /) -> bytes:
        if size < 0:
            size = max(0, self._session.length - self._at)
        data = self._session.read_at(self._at, size) if size else b""
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._session.length}.get(whence)
        if start is None or start + offset < 0:
            raise ValueError("no such place in the file")
        self._at = start + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True
