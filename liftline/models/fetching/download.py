"""A model file from its public address into the model folder: one process at a time, checked before it's in place."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from filelock import FileLock, Timeout

from liftline.errors import Cancelled, ModelError, OutputError
from liftline.models import catalogue as models
from liftline.models.catalogue import Address, ModelFile
from liftline.net.download import OnBytes, RefusedError, RemoteFile, TooLargeError, fetch_file
from liftline.net.https import AddressError, Interrupted
from liftline.net.part import Part
from liftline.net.retrying import MODEL_DOWNLOAD, RetryPolicy


class Outcome(StrEnum):
    """What `download` had to do."""

    THERE = "there already"
    RECORDED = "there already, its SHA-256 now recorded"
    FETCHED = "fetched"


def download(
    model: ModelFile,
    source: Address,
    *,
    on_bytes: OnBytes,
    on_wait: Callable[[], None],
    policy: RetryPolicy = MODEL_DOWNLOAD,
) -> Outcome:
    """Make sure that a model file is in the model folder and its SHA-256 known.

    A good file that is there stays. One without a record of its SHA-256 (copied by hand) is checked against what is
    known and recorded. `on_wait` is called if another process fetches it already.

    Raises:
        ModelError: no connection, a refused answer, or a file that isn't the expected one.
        OutputError: the folder can't be written or the disk is full.
        Cancelled: Ctrl-C; what came so far is kept.
    """
    with _alone(model, on_wait):
        if (there := _already_there(model, source)) is not None:
            return there
        part = Part(models.path(model).with_name(f"{model.file_name}.part"), disk_errors=_disk_errors)
        try:
            fetch_file(RemoteFile(source.url, source.max_bytes), part, policy, on_bytes=on_bytes)
        except KeyboardInterrupt as error:
            raise Cancelled("Stopped; what came so far is kept, and the same command goes on from there.") from error
        except Interrupted as problem:
            raise _unreachable(model, source, str(problem)) from problem
        except TooLargeError as error:
            raise _too_large(model, source, str(error)) from error
        except RefusedError as error:
            raise ModelError(f"{source.url}: {error}. {_by_hand(model)}") from error
        except AddressError as error:
            raise ModelError(f"{error} {_by_hand(model)}") from error
        _install(model, source, part)
    return Outcome.FETCHED


@contextmanager
def _alone(model: ModelFile, on_wait: Callable[[], None]) -> Iterator[None]:
    """Hold the lock of one model file; the system frees it when the process ends, however that ends."""
    where = models.models_dir() / f".{model.file_name}.lock"
    lock = FileLock(where)
    with _disk_errors(where):
        where.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(blocking=False)
        except Timeout:
            on_wait()
            lock.acquire()
    try:
        yield
    finally:
        lock.release()


def _already_there(model: ModelFile, source: Address) -> Outcome | None:
    where = models.path(model)
    if not where.is_file():
        return None
    sha256, md5 = _digests(where)
    if _mismatch(model, source, sha256, md5):
        return None
    if models.known_sha256(model) is not None:
        return Outcome.THERE
    models.record(model, sha256)
    return Outcome.RECORDED


def _install(model: ModelFile, source: Address, part: Part) -> None:
    """Check a complete part and put it into place; a wrong one is deleted."""
    sha256, md5 = _digests(part.path)
    if problem := _mismatch(model, source, sha256, md5):
        part.discard()
        raise ModelError(f"{source.url}: what came from there {problem}; it was deleted. {_by_hand(model)}")
    if models.known_sha256(model) is None:
        models.record(model, sha256)
    part.become(models.path(model))


def _mismatch(model: ModelFile, source: Address, sha256: str, md5: str) -> str:
    """How the contents contradict what is known of the file; "" if they don't."""
    expected = models.known_sha256(model)
    if expected is not None and sha256 != expected:
        known = "the catalogue" if model.sha256 else f"{models.record_path(model)} recorded at the first download"
        return f"has the SHA-256 {sha256[:12]}…, not the one of {known} ({expected[:12]}…)"
    if not md5.startswith(source.md5_prefix):
        return f"has the MD5 {md5[:12]}…, not {source.md5_prefix}… as its name promises"
    return ""


def _digests(path: Path) -> tuple[str, str]:
    """SHA-256 and MD5 of a file, hexadecimal, in one reading. Raises ModelError."""
    sha256, md5 = hashlib.sha256(), hashlib.md5(usedforsecurity=False)
    try:
        with path.open("rb") as file:
            while block := file.read(1 << 20):
                sha256.update(block)
                md5.update(block)
    except OSError as error:
        raise ModelError(f"{path}: can't be read ({error.strerror or error}); check its permissions.") from error
    return sha256.hexdigest(), md5.hexdigest()


@contextmanager
def _disk_errors(path: Path) -> Iterator[None]:
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


def _too_large(model: ModelFile, source: Address, what: str) -> ModelError:
    return ModelError(
        f"{source.url}: the server sends {what} where at most {source.max_bytes / 1e6:.0f} MB are expected; "
        f"that can't be the model file, so it wasn't kept. {_by_hand(model)}"
    )


def _unreachable(model: ModelFile, source: Address, problem: str) -> ModelError:
    return ModelError(
        f"{source.url}: {problem}. Check the network (behind a proxy, set HTTPS_PROXY) and run again: it goes on where "
        f"it stopped. {_by_hand(model)}"
    )


def _by_hand(model: ModelFile) -> str:
    return (
        f"Without a way to that address, copy the file from another machine to {models.path(model)} and run "
        f"`{models.fetch_command(model)}`, which checks it."
    )
