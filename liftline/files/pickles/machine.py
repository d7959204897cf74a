"""The machine that a pickle is a program for: a stack, marks on it, and a memo of numbered values.

It knows nothing of the instructions' encoding; `instructions` does. Bounds: a program has at most `MAX_INSTRUCTIONS`,
each of which makes one small object or copies a part of the input; what is made out of things named before, which
could be done over and over, is counted in bytes.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from liftline.errors import UnsafePickleError
from liftline.files.pickles.names import ALLOWED, Name, Unbuilt

MAX_INSTRUCTIONS = 16_000_000

_LARGE_BYTES = 1 << 12
_KEY_TYPES = (str, bytes, int, float, bool, type(None))
_STOP = ord(".")


class _Again:
    """A large text or bytes that was given a number: where its instruction is, to be read again if it's asked for."""

    __slots__ = ("at",)

    def __init__(self, at: int) -> None:
        self.at = at


_SPENT = object()
"""Stands in the memo for what an array was made of, so that its bytes can go."""


class Machine:
    """One run of one program. Methods raise UnsafePickleError, or ValueError and its like where it is damaged."""

    def __init__(self, data: bytes, instructions: Sequence[Callable[[Machine], Any] | None], start: int) -> None:
        self._data, self._instructions, self._at = data, instructions, start
        self._stack: list[Any] = []
        self._marks: list[int] = []
        self._memo: dict[int, Any] = {}
        self._large: tuple[Any, int] = (None, 0)
        self._last_key = -1
        self._unbuilt = 0
        self._bytes_left = 2 * len(data)

    def run(self) -> Any:
        """What the program makes."""
        data, instructions = self._data, self._instructions
        for _ in range(MAX_INSTRUCTIONS):
            if self._at >= len(data):
                raise EOFError("it ends too early")
            code = data[self._at]
            self._at += 1
            if code == _STOP:
                return self._result()
            instruction = instructions[code]
            if instruction is None:
                raise UnsafePickleError(f"its pickle uses instruction 0x{code:02x}, which plain data doesn't need")
            instruction(self)
        raise UnsafePickleError(f"its pickle has more than {MAX_INSTRUCTIONS} instructions")

    def _result(self) -> Any:
        if self._unbuilt:
            raise UnsafePickleError("its pickle uses an array before it is complete")
        return self._stack.pop()

    def take(self, count: int) -> bytes:
        """The next bytes of the program."""
        end = self._at + count
        if count < 0 or end > len(self._data):
            raise EOFError("it ends too early")
        taken = self._data[self._at : end]
        self._at = end
        return taken

    def number(self, layout: struct.Struct) -> Any:
        """The next bytes as a number."""
        return layout.unpack(self.take(layout.size))[0]

    def line(self) -> bytes:
        """What is left of the line."""
        end = self._data.find(b"\n", self._at)
        taken = self.take(end - self._at)
        self._at += 1
        return taken

    def push(self, value: Any) -> None:
        """Put a value on the stack."""
        self._stack.append(value)

    def push_counted(self, length: struct.Struct, decode: Callable[[bytes], Any]) -> None:
        """Put a text or bytes on the stack whose length comes first."""
        at = self._at - 1
        value = decode(self.take(self.number(length)))
        if len(value) >= _LARGE_BYTES:
            self._large = (value, at)
        self._stack.append(value)

    def pop(self) -> Any:
        """Take the topmost value."""
        return self._stack.pop()

    def mark(self) -> None:
        """Remember how high the stack is."""
        self._marks.append(len(self._stack))

    def pop_to_mark(self) -> list[Any]:
        """Take all above the mark."""
        at = self._marks.pop()
        items = self._stack[at:]
        del self._stack[at:]
        return items

    def pop_tuple(self, length: int) -> None:
        """The topmost items become a tuple."""
        start = len(self._stack) - length
        if start < 0:
            raise IndexError("nothing to make a tuple of")
        self._stack[start:] = [tuple(self._stack[start:])]

    def extend(self, items: list[Any]) -> None:
        """Add items to the list on top."""
        target = self._stack[-1]
        if type(target) is not list:
            raise UnsafePickleError("its pickle adds items to something other than a list")
        target.extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Add keys and values, in turn, to the dictionary on top."""
        target = self._stack[-1]
        if type(target) is not dict:
            raise UnsafePickleError("its pickle adds keys to something other than a dictionary")
        target.update(pairs(items))

    def remember(self, key: int) -> None:
        """Give the topmost value a number."""
        value = self._stack[-1]
        if isinstance(value, Unbuilt):
            value.memo_keys.append(key)
        elif value is self._large[0] and value is not None:
            value = _Again(self._large[1])
        self._memo[key], self._last_key = value, key

    def remember_next(self) -> None:
        """Give the topmost value the next number."""
        self.remember(len(self._memo))

    def recall(self, key: int) -> None:
        """Put the value of a number on the stack."""
        value = self._memo[key]
        if isinstance(value, Unbuilt) or value is _SPENT:
            raise UnsafePickleError("its pickle uses the parts of an array for something else")
        if isinstance(value, _Again):
            value = self._memo[key] = self._read_again(value.at)
        self._stack.append(value)

    def _read_again(self, at: int) -> Any:
        instruction, back = self._instructions[self._data[at]], self._at
        if instruction is None:
            raise ValueError("no instruction")
        self._at = at + 1
        instruction(self)
        self._at = back
        return self._stack.pop()

    def name(self, module: object, name: object) -> None:
        """Put what a name stands for on the stack."""
        found = ALLOWED.get((module, name)) if isinstance(module, str) and isinstance(name, str) else None
        if found is None:
            asked = f"{str(module)[:80]}.{str(name)[:80]}"
            raise UnsafePickleError(f"its pickle asks for {asked}; only plain containers and NumPy arrays are read")
        self._stack.append(found)

    def call(self) -> None:
        """Call one of our functions."""
        arguments, function = self._stack.pop(), self._stack.pop()
        if not isinstance(function, Name) or not isinstance(arguments, tuple):
            raise UnsafePickleError("its pickle calls something that is no function")
        made = function(*arguments)
        self._unbuilt += isinstance(made, Unbuilt)
        self._count(made)
        if isinstance(made, bytes):
            self._forget(arguments)
        self._stack.append(made)

    def build(self) -> None:
        """Complete an array or a type."""
        state, unbuilt = self._stack.pop(), self._stack.pop()
        if not isinstance(unbuilt, Unbuilt):
            raise UnsafePickleError("its pickle changes something that is no array")
        made = unbuilt.build(state)
        self._unbuilt -= 1
        self._count(made)
        self._memo.update(dict.fromkeys(unbuilt.memo_keys, made))
        self._forget(state)
        self._stack.append(made)

    def _forget(self, used: object) -> None:
        """Let go of what was numbered last, if that is `used`: picklers number it, and never mention it again."""
        if self._memo.get(self._last_key) is used:
            self._memo[self._last_key] = _SPENT

    def _count(self, made: object) -> None:
        if isinstance(made, np.ndarray):
            self._bytes_left -= made.nbytes
        elif isinstance(made, bytes):
            self._bytes_left -= len(made)
        if self._bytes_left < 0:
            raise UnsafePickleError("its pickle makes many things out of the same bytes")


def pairs(items: list[Any]) -> dict[Any, Any]:
    """Keys and values, in turn, as a dictionary."""
    if len(items) % 2:
        raise ValueError("a key without a value")
    for key in items[::2]:
        if type(key) not in _KEY_TYPES:
            raise UnsafePickleError(f"its pickle has a dictionary whose key is of type {type(key).__name__}")
    return dict(zip(items[::2], items[1::2], strict=True))
