"""Memory that a reading process and its parent share: decoded pictures come back through it without being copied.

It has room for a few pictures. One is the parent's from when it is told of it until nothing refers to its array any
more, the child's otherwise. The parent keeps few at a time; further ones it copies, so that the child can always go on.
"""

from __future__ import annotations

import mmap
import os
import tempfile
import weakref
from collections import deque
from typing import Any

import numpy as np
from numpy.typing import NDArray

_KEPT_BYTES, _MOST_KEPT = 64 << 20, 6
_LARGE_BYTES = 32 << 20
"""Of smaller pictures one may be drawn while one is being taken."""


class SharedPictures:
    """The parent's side."""

    def __init__(self, height_px: int, width_px: int) -> None:
        """Room for pictures (height, width, 3) uint8."""
        self.shape = height_px, width_px, 3
        size = height_px * width_px * 3
        self._may_keep = min(_MOST_KEPT, _KEPT_BYTES // size)
        self.count = self._may_keep + (2 if size < _LARGE_BYTES else 1)
        self.descriptor = _anonymous_file(self.count * size)
        self._memory = mmap.mmap(self.descriptor, self.count * size)
        self._rooms = as_pictures(self._memory, self.count, self.shape)
        self._given_back: deque[int] = deque()
        self._theirs = set(range(self.count))

    def close(self) -> None:
        """Pictures that were given out stay."""
        os.close(self.descriptor)

    def take(self, room: int) -> NDArray[np.uint8]:
        """The picture that the child has put there. Raises ValueError where it isn't the child's to use."""
        if room not in self._theirs:
            raise ValueError(f"room {room} isn't in use by the reading process")
        if self.count - len(self._theirs) >= self._may_keep:
            self._given_back.append(room)
            self._theirs.discard(room)
            return np.array(self._rooms[room])
        self._theirs.discard(room)
        lease = _Lease(self._rooms[room])
        weakref.finalize(lease, self._given_back.append, room).atexit = False
        return np.asarray(lease)

    def given_back(self) -> bytes:
        """Rooms that the child may use again from now on."""
        rooms = [self._given_back.popleft() for _ in range(len(self._given_back))]
        self._theirs.update(rooms)
        return bytes(rooms)


class _Lease:
    """What every view of a picture that was given out refers to."""

    def __init__(self, picture: NDArray[np.uint8]) -> None:
        self._picture = picture
        self.__array_interface__: dict[str, Any] = picture.__array_interface__


def as_pictures(memory: mmap.mmap, count: int, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """(count,height,width,3) over shared memory."""
    return np.frombuffer(memory, np.uint8).reshape(count, *shape)


def _anonymous_file(size: int) -> int:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("liftline-pictures")
    else:
        with tempfile.TemporaryFile() as file:
            descriptor = os.dup(file.fileno())
    os.ftruncate(descriptor, size)
    return descriptor
