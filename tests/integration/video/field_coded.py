"""H.264 whose frames are stored as two fields, one picture each, as broadcasts do (x264 can't write it).

Every macroblock is raw samples (I_PCM), so that no transform is needed: ITU-T H.264, 7.3.2.1 (sequence), 7.3.2.2
(picture parameters), 7.3.3 (slice header), 7.3.5 (macroblock).
"""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
from numpy.typing import NDArray

_START = b"\0\0\0\1"
_BLOCK = 16


class _Bits:
    def __init__(self) -> None:
        self.text = ""

    def fixed(self, value: int, width: int) -> None:
        self.text += format(value, f"0{width}b")

    def golomb(self, *values: int) -> None:
        for value in values:
            digits = format(value + 1, "b")
            self.text += "0" * (len(digits) - 1) + digits

    def raw(self, samples: bytes) -> None:
        self.text += "0" * (-len(self.text) % 8)
        self.text += format(int.from_bytes(samples, "big"), f"0{len(samples) * 8}b")

    def unit(self, header: int) -> bytes:
        text = self.text + "1"
        text += "0" * (-len(text) % 8)
        payload = int(text, 2).to_bytes(len(text) // 8, "big")
        escaped, zeros = bytearray(), 0
        for byte in payload:
            if zeros >= 2 and byte <= 3:
                escaped.append(3)
                zeros = 0
            escaped.append(byte)
            zeros = zeros + 1 if byte == 0 else 0
        return _START + bytes([header]) + bytes(escaped)


def _parameters(width: int, height: int) -> bytes:
    sequence, picture = _Bits(), _Bits()
    for value in (77, 0, 30):  # Main profile, level 3
        sequence.fixed(value, 8)
    sequence.golomb(0, 0, 2, 1)  # id, 4 bits of frame_num, shown in stored order, one reference
    sequence.fixed(0, 1)
    sequence.golomb(width // _BLOCK - 1, height // (2 * _BLOCK) - 1)
    sequence.fixed(0b00100, 5)  # fields allowed; no adaptive frame/field blocks; direct_8x8; no cropping; no VUI
    picture.golomb(0, 0)
    picture.fixed(0b00, 2)
    picture.golomb(0, 0, 0)
    picture.fixed(0b000, 3)
    picture.golomb(0, 0, 0)
    picture.fixed(0b100, 3)  # slices say how to deblock
    return sequence.unit(0x67) + picture.unit(0x68)


def _field(planes: tuple[NDArray[np.uint8], ...], *, bottom: bool, number: int) -> bytes:
    bits = _Bits()
    bits.golomb(0, 7, 0)
    bits.fixed(0, 4)
    bits.fixed(0b11 if bottom else 0b10, 2)
    if bottom:
        bits.fixed(0, 1)
    else:
        bits.golomb(number % 2)
        bits.fixed(0, 2)
    bits.golomb(0, 1)  # QP as it is, no deblocking
    luma, *chroma = planes
    for y in range(0, luma.shape[0], _BLOCK):
        for x in range(0, luma.shape[1], _BLOCK):
            bits.golomb(25)
            block = luma[y : y + _BLOCK, x : x + _BLOCK].tobytes()
            bits.raw(block + b"".join(c[y // 2 : y // 2 + 8, x // 2 : x // 2 + 8].tobytes() for c in chroma))
    return bits.unit(0x61 if bottom else 0x65)


def field_coded(draw: Callable[[int], NDArray[np.uint8]], frames: int) -> list[tuple[bytes, bytes]]:
    """The top and the bottom field of every frame, as Annex B bytes; sizes are multiples of 16 by 32."""
    pictures = []
    for number in range(frames):
        frame = av.VideoFrame.from_ndarray(draw(number), format="rgb24").reformat(format="yuv420p", dst_colorspace=5)
        planes = [np.frombuffer(p, np.uint8).reshape(p.height, p.line_size)[:, : p.width] for p in frame.planes]
        top, bottom = (
            _field(tuple(p[parity::2] for p in planes), bottom=bool(parity), number=number) for parity in (0, 1)
        )
        pictures.append((_parameters(frame.width, frame.height) + top, bottom))
    return pictures
