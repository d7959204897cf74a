"""What all writers of video files through libav need: even sizes, and errors of the disk as OSError."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

import av

_OF_THE_DISK = frozenset(
    {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.EACCES, errno.EROFS, errno.ENOENT, errno.ENOTDIR}
)


@contextmanager
def disk_errors() -> Iterator[None]:
    """Raise libav's reports of a full disk or a missing permission as the OSError they are."""
    try:
        yield
    except av.FFmpegError as error:
        if error.errno is not None and error.errno in _OF_THE_DISK:
            raise OSError(error.errno, error.strerror or str(error)) from error
        raise


def even_size(width_px: int, height_px: int) -> tuple[int, int]:
    """The next even width and height, which 4:2:0 chroma needs."""
    return width_px + width_px % 2, height_px + height_px % 2
