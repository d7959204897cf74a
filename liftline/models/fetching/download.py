"""A model file from its public addresses into the model folder: one process at a time, checked before it's in place."""

from __future__ import annotations

import errno
import hashlib
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import IO

from filelock import FileLock, Timeout

from liftline.errors import Cancelled, ModelError, OutputError
from liftline.files.atomic import write_bytes
from liftline.models import catalogue as models
from liftline.models.catalogue import Address, ModelFile
from liftline.net.download import OnBytes, RefusedError, RemoteFile, TooLargeError, fetch_file
from liftline.net.https import AddressError, Interrupted
from liftline.net.part import Part
from liftline.net.retrying import MODEL_DOWNLOAD, RetryPolicy

_MOST_COMPANION_BYTES = 1 << 20


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
    on_mirror: Callable[[str], None] = lambda _why: None,
    policy: RetryPolicy = MODEL_DOWNLOAD,
) -> Outcome:
    """Make sure that a model file is in the model folder and its SHA-256 known.

    A good file that is there stays. One without a record of its SHA-256 (copied by hand) is checked against what is
    known and recorded. `on_wait` is called if another process fetches it already, `on_mirror` with what was wrong with
    an address where there is another one to ask.

    Raises:
        ModelError: from no address came the expected file: no connection, a refused answer, another file.
        OutputError: the folder can't be written or the disk is full.
        Cancelled: Ctrl-C; what came so far is kept.
    """
    with _alone(model, on_wait):
        if (there := _already_there(model, source)) is not None:
            return there
        problems = list[_AddressProblem]()
        for number, address in enumerate(source.all):
            if problems:
                on_mirror(str(problems[-1]))
            try:
                _fetch_from(model, address, _part(model, number), policy, on_bytes)
            except _AddressProblem as problem:
                problems.append(problem)
            else:
                return Outcome.FETCHED
        raise ModelError(f"{' '.join(map(str, problems))} {_by_hand(model)}") from problems[-1]


class _AddressProblem(Exception):  # noqa: N818 - no failure yet: there may be a mirror
    """Why the model didn't come from an address, in sentences."""


def _part(model: ModelFile, number: int) -> Part:
    """The unfinished file of the address of that number: what one server began, another doesn't go on with."""
    ending = f".mirror{number}.part" if number else ".part"
    return Part(models.path(model).with_name(model.file_name + ending), disk_errors=_disk_errors)


def _fetch_from(model: ModelFile, source: Address, part: Part, policy: RetryPolicy, on_bytes: OnBytes) -> None:
    """Get the model from one address, put it into place. Raises _AddressProblem, OutputError, Cancelled."""
    try:
        fetch_file(RemoteFile(source.url, source.max_bytes), part, policy, on_bytes=on_bytes)
    except KeyboardInterrupt as error:
        raise Cancelled("Stopped; what came so far is kept, and the same command goes on from there.") from error
    except Interrupted as problem:
        raise _AddressProblem(_unreachable(source, str(problem))) from problem
    except TooLargeError as error:
        raise _AddressProblem(_too_large(source, str(error))) from error
    except RefusedError as error:
        raise _AddressProblem(f"{source.url}: {error}.") from error
    except AddressError as error:
        raise _AddressProblem(str(error)) from error
    _install(model, source, part)


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
    """Check a complete part, or what is wanted of it, and put it into place; a wrong one is deleted."""
    unpacked = part
    if source.member:
        unpacked = Part(part.path.with_name(f"{model.file_name}.unpacked"), disk_errors=_disk_errors)
    try:
        small = _unpack(source, part, unpacked) if source.member else {}
        sha256, md5 = _digests(unpacked.path)
        if problem := _mismatch(model, source, sha256, md5):
            raise _AddressProblem(f"{source.url}: what came from there {problem}; it was deleted.")
    except _AddressProblem:
        part.discard()
        unpacked.discard()
        raise
    if models.known_sha256(model) is None:
        models.record(model, sha256)
    for name, content in small.items():
        write_bytes(models.companion_path(model, name), content)
    unpacked.become(models.path(model))
    part.discard()


def _unpack(source: Address, part: Part, target: Part) -> dict[str, bytes]:
    """Write the zip's member to `target`; its companions' contents. Raises _AddressProblem."""
    try:
        with zipfile.ZipFile(part.path) as archive:
            found = [one for one in archive.infolist() if PurePosixPath(one.filename).name == source.member]
            if len(found) != 1:
                raise _AddressProblem(f"{source.url}: the archive has {len(found)} files '{source.member}', not one.")
            target.start_over("")
            with archive.open(found[0]) as stream, target.appending() as write:
                _copy(stream, write, source)
            return {name: content for name in source.companions if (content := _small(archive, name))}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise _AddressProblem(f"{source.url}: not a zip that can be read ({error}); it was deleted.") from error


def _copy(stream: IO[bytes], write: Callable[[bytes], object], source: Address) -> None:
    done = 0
    while block := stream.read(1 << 20):
        done += len(block)
        if done > source.max_bytes:
            raise _AddressProblem(_too_large(source, "more in an archive"))
        write(block)


def _small(archive: zipfile.ZipFile, name: str) -> bytes:
    """The content of the first file of that name, empty where there is none or it is large."""
    for one in archive.infolist():
        if PurePosixPath(one.filename).name == name:
            with archive.open(one) as stream:
                content = stream.read(_MOST_COMPANION_BYTES + 1)
            return content if len(content) <= _MOST_COMPANION_BYTES else b""
    return b""


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


def _too_large(source: Address, what: str) -> str:
    return (
        f"{source.url}: the server sends {what} where at most {source.max_bytes / 1e6:.0f} MB are expected; "
        "that can't be the model file, so it wasn't kept."
    )


def _unreachable(source: Address, problem: str) -> str:
    return (
        f"{source.url}: {problem}. Check the network (behind a proxy, set HTTPS_PROXY) and run again: it goes on where "
        "it stopped."
    )


def _by_hand(model: ModelFile) -> str:
    return (
        f"Without a way to that address, copy the file from another machine to {models.path(model)} and run "
        f"`{models.fetch_command(model)}`, which checks it."
    )
