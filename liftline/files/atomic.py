"""Files that are whole or absent, and their hashes."""

from __future__ import annotations

import errno
import hashlib
import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from liftline.errors import OutputError, causes


@contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; when the block ends without error it becomes `path`, else it is gone.

    The temporary name keeps the suffix, since encoders choose the container by it.

    Raises OutputError when the folder can't be written or the disk is full.
    """
    temporary = path.with_name(f".{path.stem[:40]}-{secrets.token_hex(4)}.partial{path.suffix}")
    try:
        with output_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.touch(exist_ok=False)
            yield temporary
            temporary.replace(path)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def output_errors(path: Path) -> Iterator[None]:
    """Raise OutputError, which names `path`, for an OSError in the block."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise OutputError(
                f"{path}: the disk is full; nothing half-written was left. Free some space and run again."
            ) from error
        raise OutputError(
            f"{path}: can't be written ({error.strerror or error}); choose another --output-dir."
        ) from error


def disk_is_full(error: BaseException) -> bool:
    """Whether an error came of that."""
    return any(isinstance(one, OSError) and one.errno in (errno.ENOSPC, errno.EDQUOT) for one in causes(error))


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically. Raises OutputError."""
    with atomic_path(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write `value` as JSON: UTF-8, no NaN (missing numbers must be null)."""
    write_bytes(path, (json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode())


def sha256_file(path: Path) -> str:
    """Hexadecimal SHA-256 of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
