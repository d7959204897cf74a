"""The instructions of pickle that plain data needs, protocols 0 to 5; encodings as in CPython's `pickletools`.

Text of Python 2 is read as Latin-1. Left out, and so refused: all that builds objects or sets, persistent names,
extension codes, and buffers outside the file.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Callable
from typing import Any

from liftline.files.pickles.machine import Machine, pairs

_LONGEST_NUMBER_BYTES = 80
_LONGEST_INTEGER_BYTES = 8
_INT8, _INT16, _INT32, _SIGNED32, _INT64, _FLOAT64 = (
    struct.Struct(form) for form in ("<B", "<H", "<I", "<i", "<Q", ">d")
)


def _number_line(machine: Machine) -> bytes:
    line = machine.line()
    if len(line) > _LONGEST_NUMBER_BYTES:
        raise ValueError("a number that is too long")
    return line


def _integer_line(machine: Machine) -> int | bool:
    """Protocol 0 writes truth values as `00` and `01`, and an L after what Python 2 called long."""
    line = _number_line(machine)
    if line in (b"00", b"01"):
        return line == b"01"
    return _integer(int(line.removesuffix(b"L")).to_bytes(_LONGEST_INTEGER_BYTES, "little", signed=True))


def _integer(raw: bytes) -> int:
    if len(raw) > _LONGEST_INTEGER_BYTES:
        raise ValueError("a number that is too long")
    return int.from_bytes(raw, "little", signed=True)


def _quoted(line: bytes) -> str:
    if len(line) < 2 or line[:1] != line[-1:] or line[:1] not in (b"'", b'"'):
        raise ValueError("a text without quotation marks")
    text: bytes = codecs.escape_decode(line[1:-1])[0]
    return text.decode("latin1")


def _utf8(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogatepass")


def _latin1(raw: bytes) -> str:
    return raw.decode("latin1")


def _global(machine: Machine) -> None:
    module = machine.line().decode()
    machine.name(module, machine.line().decode())


def _stack_global(machine: Machine) -> None:
    name = machine.pop()
    machine.name(machine.pop(), name)


def _set_item(machine: Machine) -> None:
    value = machine.pop()
    machine.set_items([machine.pop(), value])


_BY_CODE: dict[bytes, Callable[[Machine], Any]] = {
    # numbers and singletons
    b"N": lambda m: m.push(None),
    b"\x88": lambda m: m.push(True),
    b"\x89": lambda m: m.push(False),
    b"I": lambda m: m.push(_integer_line(m)),
    b"L": lambda m: m.push(_integer_line(m)),
    b"J": lambda m: m.push(m.number(_SIGNED32)),
    b"K": lambda m: m.push(m.number(_INT8)),
    b"M": lambda m: m.push(m.number(_INT16)),
    b"\x8a": lambda m: m.push(_integer(m.take(m.number(_INT8)))),
    b"\x8b": lambda m: m.push(_integer(m.take(m.number(_SIGNED32)))),
    b"F": lambda m: m.push(float(_number_line(m))),
    b"G": lambda m: m.push(m.number(_FLOAT64)),
    # text and bytes
    b"S": lambda m: m.push(_quoted(m.line())),
    b"V": lambda m: m.push(m.line().decode("raw-unicode-escape")),
    b"U": lambda m: m.push_counted(_INT8, _latin1),
    b"T": lambda m: m.push_counted(_SIGNED32, _latin1),
    b"\x8c": lambda m: m.push_counted(_INT8, _utf8),
    b"X": lambda m: m.push_counted(_INT32, _utf8),
    b"\x8d": lambda m: m.push_counted(_INT64, _utf8),
    b"C": lambda m: m.push_counted(_INT8, bytes),
    b"B": lambda m: m.push_counted(_INT32, bytes),
    b"\x8e": lambda m: m.push_counted(_INT64, bytes),
    b"\x96": lambda m: m.push_counted(_INT64, bytearray),
    # containers
    b"]": lambda m: m.push([]),
    b"l": lambda m: m.push(m.pop_to_mark()),
    b"a": lambda m: m.extend([m.pop()]),
    b"e": lambda m: m.extend(m.pop_to_mark()),
    b"}": lambda m: m.push({}),
    b"d": lambda m: m.push(pairs(m.pop_to_mark())),
    b"s": _set_item,
    b"u": lambda m: m.set_items(m.pop_to_mark()),
    b")": lambda m: m.push(()),
    b"t": lambda m: m.push(tuple(m.pop_to_mark())),
    b"\x85": lambda m: m.pop_tuple(1),
    b"\x86": lambda m: m.pop_tuple(2),
    b"\x87": lambda m: m.pop_tuple(3),
    # the stack and the memo
    b"(": Machine.mark,
    b"0": Machine.pop,
    b"1": Machine.pop_to_mark,
    b"p": lambda m: m.remember(int(_number_line(m))),
    b"q": lambda m: m.remember(m.number(_INT8)),
    b"r": lambda m: m.remember(m.number(_INT32)),
    b"\x94": Machine.remember_next,
    b"g": lambda m: m.recall(int(_number_line(m))),
    b"h": lambda m: m.recall(m.number(_INT8)),
    b"j": lambda m: m.recall(m.number(_INT32)),
    # names, calls and states
    b"c": _global,
    b"\x93": _stack_global,
    b"R": Machine.call,
    b"b": Machine.build,
    # what only guides a reader of streams: the protocol's number, a frame's length
    b"\x80": lambda m: m.take(1),
    b"\x95": lambda m: m.take(8),
}

INSTRUCTIONS: list[Callable[[Machine], Any] | None] = [_BY_CODE.get(bytes([code])) for code in range(256)]
"""By code; None for those that are refused."""
