"""H.264 frames that are stored as two fields, each in a packet of its own: which packets are second fields.

ITU-T H.264: NAL units 7.3.1 and annex B, sequence parameters 7.3.2.1.1, slice header 7.3.3.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple

_IDR, _SEQUENCE = 5, 7
_SLICES = frozenset({1, _IDR})
_ENOUGH_BYTES = 64
_PROFILES_WITH_CHROMA_FORMAT = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})


class SecondFields:
    """Fed with a stream's packets in stored order."""

    def __init__(self, extradata: bytes | None) -> None:
        """`extradata`: the decoder configuration; where it begins with 1 (avcC), lengths precede the NAL units."""
        self._length_bytes = 0
        self._sequence: _Sequence | None = None
        self._open: tuple[int, bool] | None = None
        if extradata and extradata[0] == 1 and len(extradata) > 8:
            self._length_bytes = (extradata[4] & 3) + 1
            self._read_sequence(extradata[8:])
        elif extradata:
            self.is_second(extradata)

    def is_second(self, data: bytes) -> bool:
        """Whether a packet holds the field that completes the frame before it. Damaged ones count as frames."""
        try:
            field = self._first_field(data)
        except IndexError:
            field = None
        pairs = field is not None and not field.starts_anew and self._open == (field.frame_num, not field.is_bottom)
        self._open = None if pairs or field is None else (field.frame_num, field.is_bottom)
        return pairs

    def _first_field(self, data: bytes) -> _Field | None:
        """What the first slice belongs to; None for a whole frame."""
        for at in self._units(data):
            kind = data[at] & 31
            if kind == _SEQUENCE:
                self._read_sequence(data[at:])
            elif kind in _SLICES:
                return self._sequence.field_of(data[at : at + _ENOUGH_BYTES]) if self._sequence else None
        return None

    def _units(self, data: bytes) -> list[int]:
        """Where the first NAL units start, until the one with the first slice."""
        starts, at = [], 0
        while at + 4 < len(data):
            if self._length_bytes:
                start = at + self._length_bytes
                at = start + int.from_bytes(data[at:start], "big")
            else:
                start = at = data.find(b"\0\0\1", at) + 3
                if start == 2:
                    break
            starts.append(start)
            if data[start] & 31 in _SLICES:
                break
        return starts

    def _read_sequence(self, unit: bytes) -> None:
        with suppress(IndexError):
            self._sequence = _Sequence.parse(unit)


class _Field(NamedTuple):
    frame_num: int
    is_bottom: bool
    starts_anew: bool  # an IDR picture; the field that completes one is none


@dataclass(frozen=True)
class _Sequence:
    """What a slice header needs of the sequence parameters."""

    frame_num_bits: int
    separate_planes: bool
    has_fields: bool

    @classmethod
    def parse(cls, unit: bytes) -> _Sequence:
        bits, separate_planes = _Bits(unit[1:]), False
        profile = bits.fixed(8)
        bits.fixed(16)
        bits.golomb()
        if profile in _PROFILES_WITH_CHROMA_FORMAT:
            chroma_format = bits.golomb()
            separate_planes = chroma_format == 3 and bool(bits.fixed(1))
            bits.golomb()
            bits.golomb()
            bits.fixed(1)
            if bits.fixed(1):
                _skip_scaling_lists(bits, 12 if chroma_format == 3 else 8)
        frame_num_bits = bits.golomb() + 4
        _skip_picture_order(bits)
        bits.golomb()
        bits.fixed(1)
        bits.golomb()
        bits.golomb()
        return cls(frame_num_bits, separate_planes, has_fields=not bits.fixed(1))

    def field_of(self, unit: bytes) -> _Field | None:
        if not self.has_fields:
            return None
        bits = _Bits(unit[1:])
        for _ in range(3):
            bits.golomb()
        bits.fixed(2 if self.separate_planes else 0)
        frame_num = bits.fixed(self.frame_num_bits)
        return _Field(frame_num, bool(bits.fixed(1)), unit[0] & 31 == _IDR) if bits.fixed(1) else None


def _skip_scaling_lists(bits: _Bits, count: int) -> None:
    for number in range(count):
        last = following = 8 if bits.fixed(1) else 0
        for _ in range(16 if number < 6 else 64):
            if following:
                following = (last + bits.signed_golomb()) % 256
                last = following or last


def _skip_picture_order(bits: _Bits) -> None:
    kind = bits.golomb()
    if kind == 0:
        bits.golomb()
    elif kind == 1:
        bits.fixed(1)
        bits.golomb()
        bits.golomb()
        for _ in range(bits.golomb()):
            bits.golomb()


class _Bits:
    """Reads bits, most significant first, past emulation prevention bytes. Raises IndexError at the end."""

    def __init__(self, data: bytes) -> None:
        data = data[: 4 * _ENOUGH_BYTES].replace(b"\0\0\3", b"\0\0")
        self._bits, self._at = "".join(f"{byte:08b}" for byte in data), 0

    def fixed(self, width: int) -> int:
        """An unsigned number of so many bits."""
        if self._at + width > len(self._bits):
            raise IndexError("no bits left")
        digits = self._bits[self._at : self._at + width]
        self._at += width
        return int(digits or "0", 2)

    def golomb(self) -> int:
        """ue(v), 9.1."""
        zeros = 0
        while not self.fixed(1):
            zeros += 1
        return (1 << zeros) - 1 + self.fixed(zeros)

    def signed_golomb(self) -> int:
        """se(v), 9.1.1."""
        code = self.golomb()
        return (code + 1) // 2 if code % 2 else -(code // 2)
