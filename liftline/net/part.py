"""The unfinished file of a download: it outlives the process, so that a later run can go on with it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from liftline.files.atomic import output_errors, sha256_file


@dataclass(frozen=True)
class Part:
    """A file's beginning and, where it is `versioned`, the ETag of the version that it is a part of, beside it.

    One that is versioned is only gone on with where the server named that version by a strong ETag. One that isn't is
    for files that never change or whose hash is known.

    Attributes:
        disk_errors: turns what the disk refuses into OutputError, for the path that it is given.
    """

    path: Path
    versioned: bool = True
    disk_errors: Callable[[Path], AbstractContextManager[None]] = output_errors

    @property
    def etag_path(self) -> Path:
        """Path of the file beside it that holds its ETag."""
        return self.path.with_name(f"{self.path.name}.etag")

    @property
    def size_bytes(self) -> int:
        """How much of it is there. Raises OutputError."""
        with self.disk_errors(self.path):
            return self.path.stat().st_size if self.path.is_file() else 0

    def resume_point(self) -> tuple[int, str]:
        """The bytes to go on after and their ETag; (0, "") where that can't be. Raises OutputError."""
        size = self.size_bytes
        if not self.versioned:
            return size, ""
        with self.disk_errors(self.path):
            etag = self.etag_path.read_text(encoding="latin-1") if self.etag_path.is_file() else ""
        return (size, etag) if size and etag else (0, "")

    def start_over(self, etag: str) -> None:
        """Empty it; it'll be a part of the version named by `etag`, "" if that can't be resumed. Raises OutputError."""
        with self.disk_errors(self.path):
            self.etag_path.unlink(missing_ok=True)
            self.path.write_bytes(b"")
            if self.versioned:
                self.etag_path.write_text(etag, encoding="latin-1")

    @contextmanager
    def appending(self) -> Iterator[Callable[[bytes], object]]:
        """Give a function that writes at the end. Raises OutputError."""
        with self.disk_errors(self.path), self.path.open("ab") as file:
            yield file.write

    def has(self, sha256: str) -> bool:
        """Whether its bytes have that hash, in hexadecimal; any do where it is "". Raises OutputError."""
        with self.disk_errors(self.path):
            return not sha256 or sha256_file(self.path) == sha256

    def discard(self) -> None:
        """Remove the file and its ETag. Raises OutputError."""
        with self.disk_errors(self.path):
            self.path.unlink(missing_ok=True)
            self.etag_path.unlink(missing_ok=True)

    def become(self, target: Path) -> None:
        """Put it into its final place at once. Raises OutputError."""
        with self.disk_errors(target):
            self.path.replace(target)
            self.etag_path.unlink(missing_ok=True)
