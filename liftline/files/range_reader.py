"""A seekable stream over anything that gives byte ranges, for libav, zip files and whoever else wants a file.

Ranges are read in blocks; the last few are kept, and where reading goes forward the next one is fetched meanwhile.
Trying again is up to whoever reads the ranges; its errors pass through.
"""

from __future__ import annotations

import io
import os
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from liftline.errors import InvalidArtifactError

BLOCK_BYTES = 1 << 20
KEPT_BLOCKS = 8
"""Enough for a file whose sound and pictures lie apart: a block of each, its index, and those read ahead."""


class RangeReader(io.BufferedIOBase):
    """Reads `size` bytes through `read_range(offset, length)`, which answers with exactly so many bytes.

    Memory: at most `kept_blocks + 1` blocks. Threads may take turns, not read at once from one position.

    Raises InvalidArtifactError where an answer is of another length.
    """

    def __init__(
        self,
        read_range: Callable[[int, int], bytes],
        size: int,
        *,
        block_bytes: int = BLOCK_BYTES,
        kept_blocks: int = KEPT_BLOCKS,
    ) -> None:
        self._read_range, self._size = read_range, size
        self._block_bytes, self._kept_blocks = block_bytes, max(2, kept_blocks)
        self._blocks: OrderedDict[int, bytes] = OrderedDict()
        self._ahead: tuple[int, Future[bytes]] | None = None
        self._reader: ThreadPoolExecutor | None = None
        self._position = 0
        self._lock = threading.RLock()

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        """Offset of the next read, bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Set the offset, also behind the end. Raises ValueError for one before the start."""
        self._check_open()
        with self._lock:
            position = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
            if position < 0:
                raise ValueError(f"negative seek position {position}")
            self._position = position
            return position

    def read(self, size: int | None = -1, /) -> bytes:
        """Exactly so many bytes, fewer at the end only; all that are left for None or a negative number."""
        self._check_open()
        with self._lock:
            left = max(0, self._size - self._position)
            wanted = left if size is None or size < 0 else min(size, left)
            parts = []
            while wanted:
                parts.append(self._part(wanted))
                self._position += len(parts[-1])
                wanted -= len(parts[-1])
            return parts[0] if len(parts) == 1 else b"".join(parts)

    def close(self) -> None:
        """Drop all blocks; a read-ahead in progress isn't waited for."""
        if self.closed:
            return
        super().close()
        if self._reader is not None:
            self._reader.shutdown(wait=False, cancel_futures=True)
        self._blocks.clear()
        self._ahead = None

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("read of a closed stream")

    def _part(self, wanted: int) -> bytes:
        """What one block has of the next bytes."""
        number, start = divmod(self._position, self._block_bytes)
        return self._block(number)[start : start + wanted]

    def _block(self, number: int) -> bytes:
        self._take_what_came_ahead(number)
        if number not in self._blocks:
            self._keep(number, self._fetch(number))
        self._blocks.move_to_end(number)
        if number - 1 in self._blocks:
            self._fetch_ahead(number + 1)
        return self._blocks[number]

    def _take_what_came_ahead(self, wanted: int) -> None:
        """Keep it once it is there, and wait for it where it is wanted now; what failed is as if never asked for."""
        if self._ahead is None:
            return
        number, coming = self._ahead
        if number == wanted or coming.done():
            self._ahead = None
            if coming.exception() is None:
                self._keep(number, coming.result())

    def _keep(self, number: int, block: bytes) -> None:
        self._blocks[number] = block
        if len(self._blocks) > self._kept_blocks:
            self._blocks.popitem(last=False)

    def _fetch_ahead(self, number: int) -> None:
        if number * self._block_bytes >= self._size or number in self._blocks or self._ahead is not None:
            return
        if self._reader is None:
            self._reader = ThreadPoolExecutor(1, thread_name_prefix="read-ahead")
        self._ahead = number, self._reader.submit(self._fetch, number)

    def _fetch(self, number: int) -> bytes:
        offset = number * self._block_bytes
        length = min(self._block_bytes, self._size - offset)
        block = self._read_range(offset, length)
        if len(block) != length:
            raise InvalidArtifactError(
                f"{len(block)} bytes instead of {length} at {offset}: it was replaced while it was read."
            )
        return block
