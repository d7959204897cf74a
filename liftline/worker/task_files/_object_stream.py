"""An object of the store as a stream, of which is counted what is read, and how often the store is away."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, cast

from liftline.errors import UnavailableError, WrongAnswerError
from liftline.net.rereading import read_again
from liftline.net.retrying import TASK_FETCH
from liftline.ports import ArtifactStore, BlockCheck
from liftline.v1.artifacts_pb2 import ArtifactRef
from liftline.worker.running_task import RunningTask


def open_counted(store: ArtifactStore, ref: ArtifactRef, running: RunningTask, check: BlockCheck | None) -> BinaryIO:
    """As `ArtifactStore.open`, of as many bytes as the reference says; raises what that raises."""

    def open_whole() -> BinaryIO:
        stream = store.open(ref.key, check=check)
        if (size := stream.seek(0, os.SEEK_END)) == ref.size_bytes:
            stream.seek(0)
            return stream
        stream.close()
        raise WrongAnswerError(
            f"{ref.key}: {size} bytes where {ref.size_bytes} were stored; it was changed in the bucket. Submit the "
            "video again.",
            answer=str(size),
        )

    try:
        stream = read_again(TASK_FETCH, open_whole, stop=running.stop)
    except UnavailableError as error:
        running.store_is_away(error)
        raise
    return cast(BinaryIO, _Counted(stream, running))


class _Counted(io.BufferedIOBase):
    """What a video's reader asks for, which is a little less than what the store sends: blocks are read ahead."""

    def __init__(self, stream: BinaryIO, running: RunningTask) -> None:
        self._stream, self._running = stream, running

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._stream.tell()

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._stream.seek(offset, whence)

    def read(self, size: int | None = -1, /) -> bytes:
        try:
            read = self._stream.read(-1 if size is None else size)
        except UnavailableError as error:
            self._running.store_is_away(error)
            raise
        self._running.fetched(len(read))
        return read

    def close(self) -> None:
        self._stream.close()
        super().close()
