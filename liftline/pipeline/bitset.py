"""Sets of task numbers as bytes: bit n (of byte n / 8, least significant first) is set when n is in the set."""

from __future__ import annotations

from collections.abc import Iterator


def contains(bits: bytes, number: int) -> bool:
    """Whether `number` is in the set."""
    return number // 8 < len(bits) and bool(bits[number // 8] >> number % 8 & 1)


def added(bits: bytes, number: int) -> bytes:
    """A new set with `number` added."""
    grown = bytearray(max(len(bits), number // 8 + 1))
    grown[: len(bits)] = bits
    grown[number // 8] |= 1 << number % 8
    return bytes(grown)


def below(bits: bytes, limit: int) -> bytes:
    """The subset of numbers less than `limit`, in (limit + 7) // 8 bytes."""
    return (_whole(bits) & ((1 << limit) - 1)).to_bytes((limit + 7) // 8, "little")


def count_below(bits: bytes, limit: int) -> int:
    """How many numbers of the set are less than `limit`."""
    return (_whole(bits) & ((1 << limit) - 1)).bit_count()


def missing_below(bits: bytes, limit: int) -> Iterator[int]:
    """Numbers less than `limit` that aren't in the set, rising."""
    rest = ~_whole(bits) & ((1 << limit) - 1)
    while rest:
        lowest = rest & -rest
        yield lowest.bit_length() - 1
        rest ^= lowest


def _whole(bits: bytes) -> int:
    return int.from_bytes(bits, "little")
