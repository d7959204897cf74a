"""Ways to damage a file, each drawn from a random generator, so that a case can be made again from its number."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np

Random = np.random.Generator
Mutation = Callable[[bytearray, Random], None]

_HEADER_BYTES = 2048
_EXTREMES = (0, 1, 7, 0x7FFFFFFF, 0x80000000, 0xFFFFFFF0, 0xFFFFFFFF)
_INDEX_NAMES = re.compile(
    rb"moov|mvhd|tkhd|elst|mdhd|stsd|avcC|hvcC|stts|ctts|stsc|stsz|stco|co64|stss|moof|traf|trun|tfhd|sidx|mfra"
    rb"|idx1|indx|avih|strh|strf|\x1c\x53\xbb\x6b|\x16\x54\xae\x6b|\x1f\x43\xb6\x75|\x15\x49\xa9\x66"
)
"""Names of mp4 boxes, AVI chunks and Matroska elements (Cues, Tracks, Cluster, Info) that say where things are."""


def truncate(data: bytearray, random: Random) -> None:
    """Cut off at any byte."""
    del data[int(random.integers(1, len(data))) :]


def drop_start(data: bytearray, random: Random) -> None:
    """As if switched on late."""
    del data[: int(random.integers(1, len(data) // 2))]


def flip_anywhere(data: bytearray, random: Random) -> None:
    """1 to 200 bytes, anywhere."""
    _flip(data, random, random.integers(0, len(data), _few(random, 200)))


def flip_header(data: bytearray, random: Random) -> None:
    """1 to 20 bytes at the file's start."""
    _flip(data, random, random.integers(0, min(len(data), _HEADER_BYTES), _few(random, 20)))


def flip_index(data: bytearray, random: Random) -> None:
    """1 to 20 bytes right after the name of a part of the index."""
    start = _index_part(data, random)
    _flip(data, random, random.integers(start, min(len(data), start + 120), _few(random, 20)))


def flip_cluster(data: bytearray, random: Random) -> None:
    """Many bytes of one stretch."""
    start, stop = _stretch(data, random)
    _flip(data, random, random.integers(start, stop, _few(random, 200)))


def change_length(data: bytearray, random: Random) -> None:
    """A length or a count: the four bytes before or soon after the name of a part of the index."""
    at = max(0, _index_part(data, random) - 4 + int(random.choice([-4, 4, 8, 12, 16])))
    if at + 4 <= len(data):
        data[at : at + 4] = _number(data[at : at + 4], random).to_bytes(4, "big")


def zero_block(data: bytearray, random: Random) -> None:
    """As a bad sector."""
    start, stop = _stretch(data, random)
    data[start:stop] = bytes(stop - start)


def noise_block(data: bytearray, random: Random) -> None:
    """A stretch of noise."""
    start, stop = _stretch(data, random)
    data[start:stop] = random.bytes(stop - start)


def swap_blocks(data: bytearray, random: Random) -> None:
    """Two stretches change places."""
    (a, b), (c, d) = sorted((_stretch(data, random), _stretch(data, random)))
    if b <= c:
        data[a:d] = data[c:d] + data[b:c] + data[a:b]


def repeat_block(data: bytearray, random: Random) -> None:
    """A stretch comes twice."""
    start, stop = _stretch(data, random)
    data[stop:stop] = data[start:stop]


def drop_block(data: bytearray, random: Random) -> None:
    """A stretch is missing."""
    start, stop = _stretch(data, random)
    del data[start:stop]


MUTATIONS: dict[str, Mutation] = {
    f.__name__: f
    for f in (
        truncate, drop_start, flip_anywhere, flip_header, flip_index, flip_cluster, change_length, zero_block,
        noise_block, swap_blocks, repeat_block, drop_block,
    )
}  # fmt: skip


def mutated(original: bytes, random: Random) -> tuple[bytes, str]:
    """The file damaged in one to three ways, and their names. Never empty."""
    data, names = bytearray(original), list(random.choice(list(MUTATIONS), 1 + int(random.integers(0, 3))))
    for name in names:
        if len(data) > 64:
            MUTATIONS[name](data, random)
    return bytes(data), "+".join(names)


def _few(random: Random, most: int) -> int:
    """1 to `most`, few more often than many."""
    return round(most ** random.random())


def _flip(data: bytearray, random: Random, places: np.ndarray) -> None:
    for place in places.tolist():
        data[place] = int(random.integers(0, 256)) if random.random() < 0.5 else data[place] ^ 1 << random.integers(8)


def _stretch(data: bytearray, random: Random) -> tuple[int, int]:
    start = int(random.integers(0, len(data)))
    return start, min(len(data), start + _few(random, max(2, len(data) // 4)))


def _index_part(data: bytearray, random: Random) -> int:
    """Where the name of a part of the index ends; somewhere in the header if there is none."""
    ends = [match.end() for match in _INDEX_NAMES.finditer(data)]
    return int(random.choice(ends)) if ends else int(random.integers(0, min(len(data), _HEADER_BYTES)))


def _number(old: bytes, random: Random) -> int:
    if random.random() < 0.5:
        return int(random.choice(_EXTREMES))
    return (int.from_bytes(old, "big") + int(random.integers(-64, 65))) % (1 << 32)
