"""Read one pickle from standard input, in a process of its own that `loading` starts, ends and limits.

It runs by its path on the standard library alone (`python -I -S`), so that it starts in 20 ms. Python's unpickler does
the reading. Whatever a pickle may name stands for something in `_NAMES`, which only notes what it was given: the
process has no NumPy, and makes no array. `check` looks beforehand for what the unpickler would take memory or time for
that isn't in the file.

Standard output gets a line of JSON and, after it, the contents of arrays and bytes. The line is {"unsafe": words},
{"damaged": words} or {"nodes": [...]}: of each part of the data its kind and what is in it, parts before their wholes.
In place of a part that is a node itself stands its number, in brackets.
"""

from __future__ import annotations

import contextlib
import io
import json
import pickle
import pickletools
import re
import sys
from collections.abc import Callable, Iterator
from typing import IO, Any

MAX_INSTRUCTIONS = 16_000_000

_MAX_DEPTH = 32
_MAX_UNFOLDED_BYTES = 1 << 30
_MAX_INTEGER_BITS = 64
_LEAF_BYTES = 8
_NEW = -1

_MEMORY_BYTES, _MEMORY_PER_BYTE = 1 << 30, 4
_CPU_SECONDS = 60

_NUMBERING = ("PUT", "BINPUT", "LONG_BINPUT")
_DTYPE = re.compile(r"[<>|=]?([biufcSUO]\d{1,9})")
_DAMAGED = (EOFError, ValueError, TypeError, LookupError, ArithmeticError, AttributeError, pickle.UnpicklingError)


class UnsafeError(Exception):
    """The pickle asks for more than plain data, or for too much of it."""


def check(program: IO[bytes]) -> None:
    """Walk through the instructions without running them.

    The unpickler makes room for as many values as the highest number that a pickle gives to one of them, and equal
    hashes, of which there are few among small integers, make a dictionary slow.

    Raises:
        UnsafeError: a number out of order, or too many instructions.
        ValueError: an integer that is too long, or damage.
    """
    for count, (instruction, argument, _) in enumerate(pickletools.genops(program)):
        if count >= MAX_INSTRUCTIONS:
            raise UnsafeError(f"has more than {MAX_INSTRUCTIONS} instructions")
        if type(argument) is int and argument.bit_length() > _MAX_INTEGER_BITS:
            raise ValueError("a number that is too long")
        if instruction.name in _NUMBERING and int(argument or 0) > count + 1:
            raise UnsafeError("numbers its parts without order")


class Name:
    """What a name stands for: it can be called, and nothing else can be done to it."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: object) -> Any:
        """What stands for what the function of that name would make."""
        return self._make(*arguments)

    def __setstate__(self, _: object) -> None:
        raise UnsafeError("changes something that is no array")


class _Dtype:
    """A type of numbers, texts or objects; without `code` until its state has come."""

    __slots__ = ("_letters", "code")

    def __init__(self, code: object, *_: object) -> None:
        text = code.decode("latin1") if isinstance(code, bytes) else str(code)
        match = _DTYPE.fullmatch(text)
        if match is None:
            raise UnsafeError(f"holds an array of type '{text[:40]}'")
        self._letters, self.code = match[1], ""

    def __setstate__(self, state: object) -> None:
        """The state is (version, byte order, nothing else)."""
        if not isinstance(state, tuple) or len(state) < 5 or any(field is not None for field in state[2:5]):
            raise UnsafeError("holds an array of records")
        self.code = (">" if state[1] in (">", b">") else "<") + self._letters


class _Encoded:
    """Bytes as old protocols write them, as text."""

    __slots__ = ("text",)

    def __init__(self, text: object, encoding: object = "latin1") -> None:
        if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
            raise UnsafeError("encodes something other than bytes")
        self.text = text


_CONTENTS = (bytes, bytearray, str, _Encoded)
_KEYS = (str, bytes, _Encoded, int, float, bool, type(None))


class _Array:
    """An array, or a single number; without contents until its state has come."""

    __slots__ = ("data", "dtype", "kind", "order", "shape")

    def __init__(self, kind: str = "array") -> None:
        self.kind = kind
        self.data: Any = None

    def __setstate__(self, state: object) -> None:
        match state:
            case (_, tuple(shape), _Dtype() as dtype, fortran, data) if self.data is None:
                self.fill(data, dtype, shape, "F" if fortran else "C")
            case _:
                raise ValueError("an array of an unknown form")

    def fill(self, data: object, dtype: object, shape: object, order: object) -> _Array:
        """Give it its contents. Raises ValueError."""
        lengths = shape if isinstance(shape, tuple) else (shape,)
        if not isinstance(dtype, _Dtype) or not dtype.code or not all(type(n) is int and n >= 0 for n in lengths):
            raise ValueError("an array without type or shape")
        if not isinstance(data, list if dtype.code.endswith("O8") else _CONTENTS):
            raise ValueError("an array without contents")
        self.data, self.dtype, self.shape, self.order = data, dtype, lengths, "F" if order in ("F", b"F") else "C"
        return self


def _refuse(*_: object) -> None:
    raise UnsafeError("calls numpy.ndarray itself")


_NDARRAY = Name(_refuse)


def _reconstruct(kind: object, *_: object) -> _Array:
    if kind is not _NDARRAY:
        raise UnsafeError("builds a subclass of numpy.ndarray")
    return _Array()


def _frombuffer(data: object, dtype: object, shape: object, order: object = "C") -> _Array:
    return _Array().fill(data, dtype, shape, order)


def _scalar(dtype: object, data: object = b"") -> _Array:
    if isinstance(data, list):
        raise UnsafeError("holds a single object as a number")
    return _Array("number").fill(data, dtype, (), "C")


def _empty(kind: Callable[[], Any]) -> Name:
    """How pickles begin what is then filled; with arguments it would be filled at once, by any amount."""
    return Name(lambda: kind())


_NAMES: dict[tuple[str, str], Name] = {
    ("numpy", "ndarray"): _NDARRAY,
    ("numpy", "dtype"): Name(_Dtype),
    ("_codecs", "encode"): Name(_Encoded),
    ("builtins", "bytes"): _empty(bytes),
    ("__builtin__", "bytes"): _empty(bytes),
    ("builtins", "list"): _empty(list),
    ("collections", "OrderedDict"): _empty(dict),
    **{
        (f"numpy.{core}.{module}", name): Name(make)
        for core in ("core", "_core")  # of NumPy 1 and 2
        for module, name, make in (
            ("multiarray", "_reconstruct", _reconstruct),
            ("multiarray", "scalar", _scalar),
            ("numeric", "_frombuffer", _frombuffer),
        )
    },
}


class Reader(pickle.Unpickler):
    """Python's unpickler, which finds nothing but `_NAMES`."""

    def find_class(self, module: str, name: str) -> Name:
        """What stands for the name. Raises UnsafeError."""
        found = _NAMES.get((module, name))
        if found is None:
            raise UnsafeError(f"asks for {module[:80]}.{name[:80]}; only plain containers and NumPy arrays are read")
        return found

    def persistent_load(self, _: object) -> None:
        """Refuse what is kept elsewhere."""
        raise UnsafeError("refers to something outside of it")


class Writer:
    """Takes plain data apart into `nodes`, each once, and `contents`. Raises UnsafeError for anything else."""

    def __init__(self, most_bytes: int) -> None:
        self.nodes: list[list[Any]] = []
        self.contents: list[bytes] = []
        self._bytes_left = most_bytes
        self._unfolded: list[int] = []
        self._numbers: dict[int, int | None] = {}

    def part(self, value: Any, depth: int = 0) -> Any:
        """What stands for `value`: itself, or the number of its node in brackets.

        A structure can be huge by naming the same list twice at every level. It takes no more memory than its parts
        until somebody copies it, so its size written out in full is limited.
        """
        if value is None or type(value) in (bool, int, float):
            return value
        number = self._numbers.get(id(value), _NEW)
        if number is None or depth > _MAX_DEPTH:
            raise UnsafeError(f"is nested more than {_MAX_DEPTH} deep")
        if number == _NEW:
            self._numbers[id(value)] = None  # until all that is in it has been seen
            number = self._numbers[id(value)] = self._add(*self._node(value, depth + 1))
        return [number]

    def _add(self, node: list[Any], own_bytes: int) -> int:
        parts = sum(self._unfolded[part[0]] if type(part) is list else _LEAF_BYTES for part in node[1:])
        if parts + own_bytes > _MAX_UNFOLDED_BYTES:
            raise UnsafeError(f"would unfold to more than {_MAX_UNFOLDED_BYTES >> 20} MiB")
        self._unfolded.append(_LEAF_BYTES + parts + own_bytes)
        self.nodes.append(node)
        return len(self.nodes) - 1

    def _node(self, value: Any, depth: int) -> tuple[list[Any], int]:
        """The node, and how many bytes of its own belong to it."""
        match value:
            case str():
                return ["text", value], len(value)
            case bytes() | bytearray() | _Encoded():
                length = self._keep(value)
                return ["bytes", length], length
            case list() | tuple():
                return [type(value).__name__, *(self.part(item, depth) for item in value)], 0
            case dict():
                return ["dict", *(self.part(item, depth) for item in _items(value))], 0
            case _Array(data=list() as items):
                return ["objects", value.order, self.part(items, depth), *value.shape], 0
            case _Array() if value.data is not None:
                length = self._keep(value.data)
                return [value.kind, value.dtype.code, value.order, length, *value.shape], length
        raise UnsafeError("holds something that is no plain data, or that isn't complete")

    def _keep(self, data: Any) -> int:
        text = data.text if isinstance(data, _Encoded) else data
        raw = text.encode("latin1") if isinstance(text, str) else text
        self._bytes_left -= len(raw)
        if self._bytes_left < 0:
            raise UnsafeError("makes many things out of the same bytes")
        self.contents.append(raw)
        return len(raw)


def _items(value: dict[Any, Any]) -> Iterator[Any]:
    """Keys and values in turn."""
    for key, content in value.items():
        if type(key) not in _KEYS:
            raise UnsafeError(f"has a dictionary whose key is of type {type(key).__name__}")
        yield from (key, content)


def answer(program: bytes) -> tuple[dict[str, Any], list[bytes]]:
    """The line to say, and what comes after it."""
    try:
        check(io.BytesIO(program))
        writer = Writer(2 * len(program))
        writer.part((Reader(io.BytesIO(program), encoding="latin1").load(),))
    except UnsafeError as error:
        return {"unsafe": str(error)}, []
    except _DAMAGED as error:
        return {"damaged": str(error)[:200]}, []
    except MemoryError:
        return {"unsafe": "would take too much memory"}, []
    return {"nodes": writer.nodes}, writer.contents


def limit(input_bytes: int) -> None:
    """Bound memory and time, where the system can (Linux: both; macOS: time; Windows: neither)."""
    try:
        import resource
    except ImportError:
        return
    memory = _MEMORY_BYTES + _MEMORY_PER_BYTE * input_bytes
    for kind, most in ((resource.RLIMIT_AS, memory), (resource.RLIMIT_CPU, _CPU_SECONDS), (resource.RLIMIT_CORE, 0)):
        hard = resource.getrlimit(kind)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (most, most))


def main() -> None:
    """Read, and answer; the only argument is the pickle's length."""
    limit(int(sys.argv[1]))
    line, contents = answer(sys.stdin.buffer.read())
    sys.stdout.buffer.write(json.dumps(line).encode() + b"\n")
    sys.stdout.buffer.writelines(contents)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
