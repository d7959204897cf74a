"""`ArtifactStore` in a folder, for runs on one machine and tests; behaves as `liftline.adapters.s3`.

One difference: where `a` is an object, nothing can be below `a/`. Keys of Liftline's own never ask for it.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO, cast

from liftline.errors import InvalidArtifactError, UnavailableError
from liftline.files.atomic import atomic_path
from liftline.files.range_reader import RangeReader
from liftline.files.store_keys import check_key, check_prefix, check_upload_key
from liftline.net.rereading import read_again
from liftline.net.retrying import S3_ANSWER
from liftline.ports import ArtifactStore, BlockCheck
from liftline.upload_form import UploadForm

_INCOMING = ".incoming"


class FolderStore(ArtifactStore):
    """Objects are files below `root`, under their keys; `root` is made when something is put.

    Addresses are file URLs: they don't expire, and whoever uses them writes and reads the file.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, key: str, path: Path) -> None:
        with path.open("rb") as source, self._incoming(key) as temporary, temporary.open("wb") as target:
            shutil.copyfileobj(source, target)

    def move_file(self, key: str, path: Path) -> None:
        """Store a file by moving it; on one file system nothing is copied. Raises UnavailableError."""
        target = self._path(key)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            path.replace(target)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise _not_stored(key, self._root, error) from error
            self.put_file(key, path)
            path.unlink()

    def file(self, key: str) -> Path | None:
        """The object's own file, read-only by agreement; None if it doesn't exist."""
        path = self._path(key)
        return path if path.is_file() else None

    def put_bytes(self, key: str, data: bytes) -> None:
        with self._incoming(key) as temporary:
            temporary.write_bytes(data)

    def get_file(self, key: str, path: Path) -> None:
        with self._existing(key) as source, atomic_path(path) as temporary, temporary.open("wb") as target:
            shutil.copyfileobj(source, target)

    def get_bytes(self, key: str, *, at_most: int) -> bytes:
        with self._existing(key) as source:
            data = source.read(at_most + 1)
        if len(data) > at_most:
            raise InvalidArtifactError(f"{key}: more than the {at_most} bytes that are taken of it.")
        return data

    def open(self, key: str, *, check: BlockCheck | None = None) -> BinaryIO:
        if check is None:
            return self._existing(key)
        with self._existing(key) as file:
            size = os.fstat(file.fileno()).st_size
        return cast(BinaryIO, RangeReader(partial(self._read_checked, key, check), size))

    def size(self, key: str) -> int | None:
        path = self._path(key)
        return path.stat().st_size if path.is_file() else None

    def copy(self, source: str, target: str) -> None:
        check_key(target)
        with self._existing(source) as file, self._incoming(target) as temporary, temporary.open("wb") as copied:
            shutil.copyfileobj(file, copied)

    def remove(self, key: str) -> None:
        with suppress(FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self._path(key).unlink()

    def remove_all(self, prefix: str) -> None:
        check_prefix(prefix)
        shutil.rmtree(self._root / prefix, ignore_errors=True)

    def keys(self, prefix: str) -> Iterator[str]:
        """See `ArtifactStore.keys`; sorted. Folders may be removed meanwhile."""
        folder = self._root / prefix.rpartition("/")[0]
        files = (Path(parent, name) for parent, _, names in os.walk(folder) for name in names)
        found = (path.relative_to(self._root).as_posix() for path in files)
        return iter(sorted(key for key in found if key.startswith(prefix) and not key.startswith(f"{_INCOMING}/")))

    def upload_form(self, key: str, *, size_bytes: int, expires: timedelta) -> UploadForm:  # noqa: ARG002 - see above
        """The file's URL, and no fields; its folder is made, so that it can be written. The length isn't enforced."""
        path = self._path(check_upload_key(key))
        path.parent.mkdir(parents=True, exist_ok=True)
        return UploadForm(path.absolute().as_uri(), {}, size_bytes)

    def download_address(self, key: str, *, expires: timedelta, file_name: str) -> str:  # noqa: ARG002 - see above
        """The file's URL; `file_name` can't be part of it."""
        return self._path(key).absolute().as_uri()

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _existing(self, key: str) -> BinaryIO:
        path = self._path(key)
        if not path.is_file():
            raise InvalidArtifactError(f"{key}: not in the store; it was removed, or never stored.")
        return path.open("rb")

    def _read_checked(self, key: str, check: BlockCheck, offset: int, length: int) -> bytes:
        def read() -> bytes:
            with self._existing(key) as file:
                file.seek(offset)
                block = file.read(length)
            check(offset, block)
            return block

        return read_again(S3_ANSWER, read)

    @contextmanager
    def _incoming(self, key: str) -> Iterator[Path]:
        """A path to write to; what is there becomes the object when the block ends without error."""
        path, temporary = self._path(key), self._root / _INCOMING / secrets.token_hex(8)
        try:
            temporary.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(path)
        except OSError as error:
            raise _not_stored(key, self._root, error) from error
        finally:
            temporary.unlink(missing_ok=True)


def _not_stored(key: str, root: Path, error: OSError) -> UnavailableError:
    return UnavailableError(f"{key}: can't be stored in {root} ({error.strerror or error}).")
