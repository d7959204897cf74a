"""Videos in other containers that claim, nest or unpack to more than they hold; pictures and sound that do."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from tests.integration.hostile.bombs import Bomb
from tests.integration.video.factory import VideoFactory

DAY_S = 24 * 3600


class _Bits:
    """Writes H.264's numbers (ITU-T H.264, 7.2 and 9.1)."""

    def __init__(self) -> None:
        self._text = ""

    def plain(self, value: int, width: int) -> None:
        self._text += format(value, f"0{width}b")

    def golomb(self, *values: int) -> None:
        for value in values:
            text = format(value + 1, "b")
            self._text += "0" * (len(text) - 1) + text

    def unit(self, kind: int) -> bytes:
        text = self._text + "1"
        text += "0" * (-len(text) % 8)
        data = int(text, 2).to_bytes(len(text) // 8, "big")
        for end in (1, 2, 3, 0):  # emulation prevention, zeros before small numbers
            data = data.replace(bytes([0, 0, end]), bytes([0, 0, 3, end]))
        return b"\0\0\0\1" + bytes([kind]) + data


def sequence(width: int, height: int, *, references: int, chroma: int = 1, bits: int = 8) -> bytes:
    """A sequence parameter set of the High 4:4:4 Predictive profile (7.3.2.1.1)."""
    out = _Bits()
    out.plain(244, 8)
    out.plain(0, 8)
    out.plain(62, 8)
    out.golomb(0, chroma)
    if chroma == 3:
        out.plain(0, 1)
    out.golomb(bits - 8, bits - 8)
    out.plain(0, 2)
    out.golomb(0, 2, references)
    out.plain(0, 1)
    out.golomb(width // 16 - 1, height // 16 - 1)
    out.plain(0b1100, 4)
    return out.unit(0x67)


def pictures(count: int) -> bytes:
    """A picture parameter set and slices that hold one macroblock at most: what is missing, decoders make up."""
    out = _Bits()
    out.golomb(0, 0)
    out.plain(0, 2)
    out.golomb(0, 0, 0)
    out.plain(0, 3)
    out.golomb(0, 0, 0)
    out.plain(0, 3)
    units = [out.unit(0x68)]
    for number in range(count):
        head = _Bits()
        head.golomb(0, 7 if number == 0 else 5, 0)
        head.plain(number % 16, 4)
        if number == 0:
            head.golomb(0)
            head.plain(0, 2)
        else:
            head.plain(0, 2)
        head.golomb(0, 10_000) if number else head.golomb(0, 25)
        head.plain(0, 24)
        units.append(head.unit(0x65 if number == 0 else 0x61))
    return b"".join(units)


def _stream(*sizes: Sequence[int], each: int = 40, references: int = 16, chroma: int = 1, bits: int = 8) -> Bomb:
    """Raw H.264, of one size after the other."""

    def made(_: VideoFactory) -> bytes:
        return b"".join(
            sequence(width, height, references=references, chroma=chroma, bits=bits) + pictures(each)
            for width, height in sizes
        )

    return made


def encoded(name: str, size: tuple[int, int], frames: int, *, references: int, pix_fmt: str) -> Bomb:
    """Real pictures, all of which refer to many before them."""

    def made(make: VideoFactory) -> bytes:
        random = np.random.default_rng(0)
        options = {
            "preset": "ultrafast",
            "crf": "35",
            "x264-params": f"threads=2:ref={references}:keyint=999:scenecut=0",
        }
        return make(
            name,
            size=size,
            frames=frames,
            pix_fmt=pix_fmt,
            options=options,
            pictures=lambda _: np.broadcast_to(
                random.integers(0, 255, (size[1], 1, 3), np.uint8), (size[1], size[0], 3)
            ).copy(),
        ).read_bytes()

    return made


def _size(value: int, width: int = 8) -> bytes:
    return (value | 1 << 7 * width).to_bytes(width, "big")


def element(kind: int, body: bytes, claimed: int | None = None) -> bytes:
    """Of EBML (RFC 8794); `claimed`: another length than it has."""
    name = kind.to_bytes((kind.bit_length() + 7) // 8, "big")
    return name + _size(len(body) if claimed is None else claimed) + body


def _matroska(*elements: bytes, encoding: bytes = b"", private: bytes = b"", blocks: Sequence[bytes] = ()) -> bytes:
    """A file with one VP8 track of 128x96 and other elements beside it."""
    video = element(0xE0, element(0xB0, b"\x80") + element(0xBA, b"\x60"))
    track = element(0xD7, b"\1") + element(0x73C5, b"\1") + element(0x83, b"\1") + element(0x86, b"V_VP8") + video
    tracks = element(0x1654AE6B, element(0xAE, track + private + encoding))
    cluster = element(0xE7, b"\0") + b"".join(
        element(0xA3, b"\x81" + struct.pack(">h", number) + b"\x80" + block) for number, block in enumerate(blocks)
    )
    head = element(0x1A45DFA3, element(0x4282, b"matroska"))
    return head + element(0x18538067, tracks + b"".join(elements) + element(0x1F43B675, cluster))


def _vp8(make: VideoFactory, count: int = 10) -> list[bytes]:
    with av.open(str(make("vp8.webm", codec="libvpx", frames=count))) as given:
        return [bytes(packet) for packet in given.demux(video=0) if packet.size]


def _with_elements(*elements: bytes, private: bytes = b"") -> Bomb:
    return lambda make: _matroska(*elements, private=private, blocks=_vp8(make))


def _packed_blocks(make: VideoFactory) -> bytes:
    """Blocks by zlib that unpack to half a gigabyte each."""
    packer = zlib.compressobj(9)
    block = b"".join([*(packer.compress(bytes(1 << 20)) for _ in range(500)), packer.flush()])
    encoding = element(
        0x6D80,
        element(0x6240, element(0x5031, b"\0") + element(0x5033, b"\0") + element(0x5034, element(0x4254, b"\0"))),
    )
    return _matroska(encoding=encoding, blocks=[*_vp8(make, 2), *[block] * 20])


def _nested_element(kind: int, depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = element(kind, inner)
    return inner


def _attachments(count: int, size: int) -> bytes:
    one = element(
        0x61A7,
        element(0x466E, b"a.ttf")
        + element(0x4660, b"font/ttf")
        + element(0x465C, bytes(size))
        + element(0x46AE, b"\1"),
    )
    return element(0x1941A469, one * count)


def _cues(count: int) -> bytes:
    point = element(0xBB, element(0xB3, b"\1") + element(0xB7, element(0xF7, b"\1") + element(0xF1, b"\1")))
    return element(0x1C53BB6B, point * count)


def _beside(name: str, codec: str, count: int) -> Bomb:
    """Hundreds of tracks of subtitles or sound beside the video."""

    def made(make: VideoFactory) -> bytes:
        path = make.folder / name
        with av.open(str(make("v.mkv", options={"bf": "0"}))) as given, _opened(path) as target:
            video = target.add_stream_from_template(given.streams.video[0])
            if codec == "aac":
                sounds = [target.add_stream(codec, rate=8000, layout="mono") for _ in range(count)]
                for sound in sounds:
                    target.mux([*sound.encode(_silence()), *sound.encode(None)])
            else:
                for _ in range(count):
                    target.add_mux_stream(codec)
            _show(given, target, video)
        return path.read_bytes()

    return made


def _opened(path: Path) -> OutputContainer:
    return av.open(str(path), "w", format="matroska" if path.suffix == ".mkv" else None)


def _show(given: InputContainer, target: OutputContainer, video: VideoStream, *, start_s: int = 0) -> None:
    """Copy all pictures, of which none refers to a later one, so much later than they were."""
    for packet in given.demux(video=0):
        if packet.size:
            packet.stream = video
            packet.pts += round(start_s / packet.time_base)
            packet.dts = packet.pts
            target.mux(packet)


def _silence() -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 4608), np.int16), format="s16", layout="mono")
    frame.sample_rate, frame.pts = 8000, 0
    return frame


def long_silence(name: str, *, start_s: int = 0, seconds: int = DAY_S) -> Bomb:
    """A second of pictures with a day of silent sound, which takes megabytes."""

    def made(make: VideoFactory) -> bytes:
        path = make.folder / name
        with av.open(str(make("v.mkv", options={"bf": "0"}))) as given, _opened(path) as target:
            video = target.add_stream_from_template(given.streams.video[0])
            sound = target.add_stream("flac", rate=8000, layout="mono")
            target.start_encoding()
            if not start_s:
                _show(given, target, video)
            _be_silent(target, sound, seconds)
            if start_s:
                _show(given, target, video, start_s=start_s)
        return path.read_bytes()

    return made


def _be_silent(target: OutputContainer, sound: AudioStream, seconds: int) -> None:
    """The same packet again and again."""
    silence = bytes(next(packet for packet in [*sound.encode(_silence()), *sound.encode(None)]))
    for number in range(seconds * 8000 // 4608):
        packet = av.Packet(silence)
        packet.pts = packet.dts = number * 4608
        packet.time_base, packet.duration = Fraction(1, 8000), 4608
        packet.stream, packet.is_keyframe = sound, True
        target.mux(packet)


def _nested_script(depth: int) -> bytes:
    """An FLV file whose metadata are objects in objects (AMF 0)."""
    body = b"\2\0\nonMetaData" + b"\3\0\1a" * depth
    tag = b"\x12" + len(body).to_bytes(3, "big") + bytes(7) + body
    return b"FLV\1\5\0\0\0\x09\0\0\0\0" + tag + struct.pack(">I", len(tag))


def _avi_index(count: int, kind: bytes) -> Bomb:
    entries = b"00dc" + struct.pack("<III", 0x10, 4, 0x7FFFFFFF)
    return lambda make: (
        make("a.avi", codec="mpeg4").read_bytes().replace(b"idx1", kind, 1)
        + kind
        + struct.pack("<I", 16 * count)
        + entries * count
    )


def _patched(name: str, old: bytes, new: bytes, **options: object) -> Bomb:
    return lambda make: make(name, **options).read_bytes().replace(old, new, 1)  # type: ignore[arg-type]


OTHERS: dict[str, Bomb] = {
    "h264, 16 references of 8K": _stream((8192, 4320)),
    "h264, 16 references of 8K, 4:4:4, 14 bits": _stream((8192, 4320), chroma=3, bits=14),
    "h264, 16 references of 4K, 4:4:4, 10 bits": _stream((3840, 2160), chroma=3, bits=10),
    "h264, 2^20 references": _stream((1280, 720), references=1 << 20),
    "h264, 16384 x 16384": _stream((16384, 16384)),
    "h264, 2^20 x 16": _stream((1 << 20, 16)),
    "h264, grows to 8K in mid-stream": _stream((128, 96), (8192, 4320)),
    "h264, another size at every other picture": _stream(*[(3840, 2160), (2160, 3840), (1920, 1088)] * 20, each=2),
    "h264, a thousand sequences": _stream(*[(64 + 16 * (n % 50), 64) for n in range(1000)], each=1),
    "mkv, real 4K, 8 references": encoded("r8.mkv", (3840, 2160), 16, references=8, pix_fmt="yuv420p"),
    "mkv, blocks of zeros that unpack to gigabytes": _packed_blocks,
    "mkv, 200 attachments": _with_elements(_attachments(200, 100_000)),
    "mkv, an attachment of 60 MB": _with_elements(_attachments(1, 60 << 20)),
    "mkv, an attachment that claims 1 GB": _with_elements(
        element(0x1941A469, element(0x61A7, element(0x465C, b"x", claimed=1 << 30)))
    ),
    "mkv, a decoder's configuration that claims 900 MB": _with_elements(
        private=element(0x63A2, b"x", claimed=900 << 20)
    ),
    "mkv, a decoder's configuration of 60 MB": _with_elements(private=element(0x63A2, bytes(60 << 20))),
    "mkv, elements in elements": _with_elements(element(0x1254C367, element(0x7373, _nested_element(0x67C8, 3_000)))),
    "mkv, chapters in chapters": _with_elements(element(0x1043A770, element(0x45B9, _nested_element(0xB6, 3_000)))),
    "mkv, 300,000 cues": _with_elements(_cues(300_000)),
    "mkv, 300,000 tags": _with_elements(
        element(0x1254C367, element(0x7373, element(0x67C8, element(0x45A3, b"A")) * 300_000))
    ),
    "mkv, 200,000 chapters": _with_elements(
        element(0x1043A770, element(0x45B9, element(0xB6, element(0x91, b"\1")) * 200_000))
    ),
    "mkv, 5,000 tracks": _with_elements(
        element(
            0x1654AE6B,
            element(0xAE, element(0xD7, b"\2") + element(0x83, b"\x11") + element(0x86, b"S_TEXT/UTF8")) * 5_000,
        )
    ),
    "mkv, sizes of 2^56": lambda make: (
        _matroska(blocks=_vp8(make)) + element(0x1F43B675, b"", claimed=(1 << 56) - 2) * 1000
    ),
    "mkv, 300 tracks of subtitles": _beside("s.mkv", "srt", 300),
    "mp4, 300 tracks of subtitles": _beside("s.mp4", "mov_text", 300),
    "mp4, 200 tracks of sound": _beside("s.mp4", "aac", 200),
    "mkv, a day of silence": long_silence("d.mkv"),
    "mkv, a day of silence before the pictures": long_silence("b.mkv", start_s=DAY_S),
    "flv, objects in objects": lambda _: _nested_script(200_000),
    "flv, an array of 4 billion": lambda _: (
        b"FLV\1\5\0\0\0\x09\0\0\0\0\x12\0\0\x12" + bytes(7) + b"\2\0\nonMetaData\x0a\xff\xff\xff\xff" + bytes(16)
    ),
    "avi, an index that points nowhere": _avi_index(200_000, b"idx1"),
    "avi, 268 million streams": _patched("a.avi", b"avih8\0\0\0", b"avih8\0\0\0" + b"\xff" * 28, codec="mpeg4"),
    "avi, a header of 2 GB": _patched("a.avi", b"strf", b"strf\xff\xff\xff\x7f", codec="mpeg4"),
    "gif, no end of comments": lambda make: (
        make("a.gif", codec="gif", pix_fmt="rgb8").read_bytes()[:-1] + b"\x21\xfe\1a\0" * 500_000
    ),
    "id3, a picture of 256 MB": lambda make: (
        b"ID3\4\0\0\x7f\x7f\x7f\x7fAPIC\x7f\x7f\x7f\x00\0\0" + bytes(1000) + make("clip.mp4").read_bytes()
    ),
    "wav, a chunk of 4 GB": lambda _: b"RIFF\xff\xff\xff\xffWAVEfmt \xff\xff\xff\x7f" + bytes(1000),
    "nothing": lambda _: b"",
    "one byte": lambda _: b"\0",
    "zeros": lambda _: bytes(1 << 20),
    "ones": lambda _: b"\xff" * (1 << 20),
}
