"""Load a pickle of plain data: have it read by `child`, in a process of its own, and build what that tells of."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from liftline.errors import InvalidInputError, LiftlineError, UnsafePickleError

_CHILD = Path(__file__).with_name("child.py")
_SECONDS = 300
"""However busy the machine is; the process itself may compute for a minute."""


def loads(data: bytes, *, name: str, start: int = 0) -> Any:
    """The plain data in a pickle: containers, numbers, text, bytes, NumPy arrays and scalars.

    Args:
        data: the pickle, from `start` on; what follows its end is not looked at.
        name: of the file, for messages.
        start: where the pickle begins.

    Raises:
        InvalidInputError: damaged.
        UnsafePickleError: it asks for more than plain data, or for too much memory or time.
        LiftlineError: no process can be started.
    """
    program = memoryview(data)[start:]
    try:
        with _child(len(program)) as (to_child, from_child):
            with suppress(OSError):  # it may have ended before it read all
                to_child.write(program)
                to_child.close()
            return _built(_nodes(from_child.readline(), name), from_child)
    except (EOFError, ValueError, TypeError, OverflowError) as error:
        raise InvalidInputError(f"{name}: a damaged pickle ({error}); make the file again.") from error
    except MemoryError as error:
        raise UnsafePickleError(f"{name}: a pickle that takes too much memory; refused.") from error


@contextmanager
def _child(size: int) -> Iterator[tuple[IO[bytes], IO[bytes]]]:
    """Its standard input and output. Whatever happens, the process has ended afterwards."""
    command = [sys.executable, "-I", "-S", str(_CHILD), str(size)]
    try:
        process = subprocess.Popen(  # noqa: S603 - a fixed command of this interpreter
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, process_group=0
        )
    except OSError as error:
        raise LiftlineError(f"Can't start {sys.executable} to read a pickle in ({error.strerror}).") from error
    timer = threading.Timer(_SECONDS, process.kill)
    with process:
        timer.start()
        try:
            if process.stdin and process.stdout:
                yield process.stdin, process.stdout
        finally:
            timer.cancel()
            process.kill()


def _nodes(line: bytes, name: str) -> list[Any]:
    answer: dict[str, Any] = (
        json.loads(line) if line else {"unsafe": "takes too much memory or time, or crashes its reader"}
    )
    if "unsafe" in answer:
        said = " ".join(answer["unsafe"].split())
        raise UnsafePickleError(f"{name}: its pickle {said}; refused. Use a file from a source you trust.")
    if "damaged" in answer:
        raise ValueError(" ".join(answer["damaged"].split()))
    return list(answer["nodes"])


def _built(nodes: list[Any], contents: IO[bytes]) -> Any:
    """The data; the last node is a tuple of it."""
    made: list[Any] = []
    for kind, *parts in nodes:
        given = [made[part[0]] if type(part) is list else part for part in parts]
        made.append(_BUILDERS[kind](contents, *given))
    return made[-1][0]


def _contents(stream: IO[bytes], length: int) -> NDArray[np.uint8]:
    raw = np.empty(length, np.uint8)
    if stream.readinto(raw) != length:  # type: ignore[attr-defined]
        raise EOFError("its reader ended too early")
    return raw


def _array(stream: IO[bytes], code: str, order: Any, length: int, *shape: int) -> NDArray[Any]:
    """An array of its own memory. Raises ValueError where its contents and shape don't fit."""
    dtype = np.dtype(code)
    if not dtype.itemsize or prod(shape) * dtype.itemsize != length:
        raise ValueError("an array has other contents than its shape says")
    return _contents(stream, length).view(dtype).reshape(shape, order=order)


def _objects(_: IO[bytes], order: Any, items: list[Any], *shape: int) -> NDArray[Any]:
    if len(items) != prod(shape):
        raise ValueError("an array has other contents than its shape says")
    flat = np.empty(len(items), object)
    for place, item in enumerate(items):
        flat[place] = item
    return flat.reshape(shape, order=order)


_BUILDERS: dict[str, Callable[..., Any]] = {
    "text": lambda _, text: text,
    "bytes": lambda stream, length: _contents(stream, length).tobytes(),
    "list": lambda _, *items: list(items),
    "tuple": lambda _, *items: items,
    "dict": lambda _, *items: dict(zip(items[::2], items[1::2], strict=True)),
    "array": _array,
    "number": lambda *parts: _array(*parts)[()],
    "objects": _objects,
}
