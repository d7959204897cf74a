"""The unfinished file beside a model file: it outlives the process, so that a later run can go on with it."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from liftline.errors import OutputError


@contextmanager
def disk_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into OutputError."""
    try:
        yield
    except OSError as error:
        elsewhere = "or choose another folder by LIFTLINE_MODELS_DIR"
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise OutputError(
                f"{path}: the disk is full; free some space, {elsewhere}, and run again. What came so far is kept."
            ) from error
        raise OutputError(
            f"{path}: can't be written ({error.strerror or error}); check its permissions, {elsewhere}."
        ) from error


@dataclass(frozen=True)
class Part:
    """A `.part` file and, beside it, the ETag of the version that it is a part of."""

    path: Path

    @property
    def etag_path(self) -> Path:
        """Where the ETag is kept."""
        return self.path.with_name(f"{self.path.name}.etag")

    def resume_point(self) -> tuple[int, str]:
        """The bytes that are there and their ETag; (0, "") where one of both is missing. Raises OutputError."""
        with disk_errors(self.path):
            if not (self.path.is_file() and self.etag_path.is_file()):
                return 0, ""
            size, etag = self.path.stat().st_size, self.etag_path.read_text(encoding="latin-1")
        return (size, etag) if size and etag else (0, "")

    def start_over(self, etag: str) -> None:
        """Empty it; it'll be a part of the version named by `etag`, "" if that can't be resumed. Raises OutputError."""
        with disk_errors(self.path):
            self.etag_path.unlink(missing_ok=True)
            self.path.write_bytes(b"")
            self.etag_path.write_text(etag, encoding="latin-1")

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], object]]:
        """Give a function that writes at the end. Raises OutputError."""
        with disk_errors(self.path), self.path.open("ab") as file:
            yield file.write

    def discard(self) -> None:
        """Remove it. Raises OutputError."""
        with disk_errors(self.path):
            self.path.unlink(missing_ok=True)
            self.etag_path.unlink(missing_ok=True)

    def become(self, target: Path) -> None:
        """Put it into its final place at once. Raises OutputError."""
        with disk_errors(target):
            self.path.replace(target)
            self.etag_path.unlink(missing_ok=True)
