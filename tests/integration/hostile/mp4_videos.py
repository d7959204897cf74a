"""mp4 files that claim, hide, repeat or nest more than their few kilobytes can hold."""

from __future__ import annotations

import struct
import zlib

import av
import numpy as np

from tests.integration.hostile.bombs import BEFORE, BOMBS, Bomb, claimed_frames, packed_index
from tests.integration.hostile.boxes import box, changed_boxes, full_box, replaced
from tests.integration.video.factory import VideoFactory

HUGE, MOST = 0x0FFFFFFF, 0xFFFFFFFF


def _plain(make: VideoFactory, **options: str) -> bytes:
    return make("clip.mp4", movflags=BEFORE, **options).read_bytes()  # type: ignore[arg-type]


def _with_table(kind: bytes, *numbers: int) -> Bomb:
    """One table says something else."""
    return lambda make: replaced(_plain(make), {kind: struct.pack(f">I{len(numbers)}I", 0, *numbers)})


def hidden_index(kind: bytes, count: int = 20_000_000) -> Bomb:
    """The whole index in a box of another name, which libav takes for one when it finds none."""

    def made(make: VideoFactory) -> bytes:
        data = claimed_frames(make, count)
        at = data.index(b"moov") - 4
        return data[:at] + box(kind, data[at + 8 :])

    return made


def _more_in(folder: bytes, extra: bytes) -> Bomb:
    return lambda make: changed_boxes(_plain(make), lambda kind, body: body + extra if kind == folder else body)


def _nested(kind: bytes, depth: int) -> bytes:
    inner = b""
    for _ in range(depth):
        inner = box(kind, inner)
    return inner


def _edits(count: int, *, length: int, start: int) -> bytes:
    return box(
        b"edts", box(b"elst", struct.pack(">II", 0, count) + struct.pack(">IiI", length, start, 1 << 16) * count)
    )


def _with_edits(count: int, *, length: int, start: int = 0) -> Bomb:
    edits = _edits(count, length=length, start=start)

    def change(kind: bytes, body: bytes) -> bytes:
        return (
            body.replace(body[body.find(b"edts") - 4 :][: len(_edits(1, length=0, start=0))], b"") + edits
            if (kind == b"trak")
            else body
        )

    return lambda make: changed_boxes(_plain(make), change)


def _tracks_that_claim(count: int, samples: int) -> Bomb:
    """Each of them few enough alone."""

    def made(make: VideoFactory) -> bytes:
        data = claimed_frames(make, samples)

        def change(kind: bytes, body: bytes) -> bytes:
            if kind != b"moov":
                return body
            at = body.index(b"trak") - 4
            size = int.from_bytes(body[at : at + 4], "big")
            return body + body[at : at + size] * (count - 1)

        return changed_boxes(data, change)

    return made


def _description(make: VideoFactory, entry: bytes) -> bytes:
    """With another sample description."""
    return replaced(_plain(make), {b"stsd": entry})


def _extradata(make: VideoFactory) -> bytes:
    entry = box(
        b"avc1", bytes(6) + b"\0\1" + bytes(16) + struct.pack(">HH", 128, 96) + bytes(50) + box(b"avcC", bytes(4 << 20))
    )
    return _description(make, struct.pack(">II", 0, 1) + entry)


def _mdhd(timescale: int, duration: int) -> Bomb:
    return lambda make: replaced(_plain(make), {b"mdhd": struct.pack(">6I", 0, 0, 0, timescale, duration, 0)})


def _fragments(make: VideoFactory, *, count: int) -> bytes:
    """Many fragments that say each what the first one says."""
    data = make("pieces.mp4", movflags="frag_keyframe+empty_moov").read_bytes()
    at, end = data.index(b"moof") - 4, data.index(b"mdat") - 4
    return data + data[at:end] * count


def copies(name: str, tracks: int, size: tuple[int, int], *, frames: int = 2, **options: object) -> Bomb:
    """The same few pictures in many tracks."""

    def made(make: VideoFactory) -> bytes:
        grey = np.full((size[1], size[0], 3), 100, np.uint8)
        chosen = {"codec": "libx264", "options": {"preset": "ultrafast", "crf": "40", "x264-params": "threads=1"}}
        source = make("one.mkv", frames=frames, size=size, pictures=lambda _: grey, **(chosen | options))  # type: ignore[arg-type]
        path = make.folder / name
        forced = {".mkv": "matroska", ".ts": "mpegts", ".ogv": "ogg"}.get(path.suffix)
        with av.open(str(source)) as given, av.open(str(path), "w", format=forced) as target:
            packets = [packet for packet in given.demux(video=0) if packet.size]
            streams = [target.add_stream_from_template(given.streams.video[0]) for _ in range(tracks)]
            for packet in packets:
                for stream in streams:
                    copy = av.Packet(bytes(packet))
                    copy.pts, copy.dts, copy.time_base = packet.pts, packet.dts, packet.time_base
                    copy.is_keyframe, copy.stream = packet.is_keyframe, stream
                    target.mux(copy)
        return path.read_bytes()

    return made


MP4: dict[str, Bomb] = {
    **{
        f"mp4, index hidden in {kind}": hidden_index(kind.encode().ljust(4))
        for kind in ("free", "skip", "uuid", "wide", "mdat", "junk", "udta", "meta")
    },
    "mp4, fifty million pictures hidden in free": hidden_index(b"free", 50_000_000),
    "mp4, sizes of 268 million pictures": _with_table(b"stsz", 0, HUGE),
    "mp4, pictures of 2 GB": _with_table(b"stsz", 0x7FFFFFFF, 30),
    "mp4, 268 million steps of time": _with_table(b"stts", HUGE, 1, 1),
    "mp4, one step of time for 4 billion pictures": _with_table(b"stts", 1, MOST, 1),
    "mp4, 268 million offsets of time": _with_table(b"ctts", HUGE, 1, 1),
    "mp4, one offset of time for 4 billion pictures": _with_table(b"ctts", 1, MOST, 1),
    "mp4, offsets of time at their extremes": _with_table(b"ctts", 2, 15, 0x7FFFFFFF, 15, 0x80000000),
    "mp4, 268 million changes of chunks": _with_table(b"stsc", HUGE, 1, 1, 1),
    "mp4, chunks of 4 billion pictures": _with_table(b"stsc", 1, 1, MOST, 1),
    "mp4, 268 million chunks": _with_table(b"stco", HUGE, 1),
    "mp4, key pictures by the billion": _more_in(b"stbl", full_box(b"stss", HUGE, 1)),
    "mp4, 64-bit chunks by the billion": _more_in(b"stbl", full_box(b"co64", HUGE, 0, 1)),
    "mp4, groups of samples by the billion": _more_in(b"stbl", full_box(b"sbgp", 0x726F6C6C, HUGE, 1, 1)),
    "mp4, descriptions by the billion": lambda make: _description(make, struct.pack(">II", 0, HUGE)),
    "mp4, no descriptions": lambda make: _description(make, struct.pack(">II", 0, 0)),
    "mp4, a decoder's configuration of 4 MB": _extradata,
    "mp4, 50 tracks of a million pictures": _tracks_that_claim(50, 1_000_000),
    "mp4, 400 tracks of 50,000 pictures": _tracks_that_claim(400, 50_000),
    "mp4, edits that show the same again and again": _with_edits(20_000, length=1000),
    "mp4, an edit of a thousand years": _with_edits(1, length=MOST),
    "mp4, edits that begin after the end": _with_edits(100, length=10, start=0x7FFFFFFF),
    "mp4, 268 million edits": _more_in(b"trak", box(b"edts", full_box(b"elst", HUGE, 1, 0, 1 << 16))),
    "mp4, boxes in boxes": _more_in(b"moov", _nested(b"udta", 5_000)),
    "mp4, tracks in tracks": _more_in(b"moov", _nested(b"trak", 5_000)),
    "mp4, indexes in indexes": lambda make: _plain(make) + _nested(b"moov", 5_000),
    "mp4, 100,000 empty tracks": _more_in(b"moov", box(b"trak", b"") * 100_000),
    "mp4, a million boxes": lambda make: box(b"free", b"") * 1_000_000 + _plain(make),
    "mp4, boxes of no length": lambda make: _plain(make) + struct.pack(">I4sQ", 1, b"moov", 0) * 100,
    "mp4, a box of 2^63 bytes": lambda make: struct.pack(">I4sQ", 1, b"moov", 1 << 63) + _plain(make),
    "mp4, 20 MB of tags": _more_in(
        b"moov", box(b"udta", b"".join(box(b"\xa9nam", b"\0\x0c\0\0abcdefghijkl") for _ in range(800_000)))
    ),
    "mp4, a cover picture of 2 GB": _more_in(
        b"moov", box(b"udta", full_box(b"meta", 0x7FFFFFFF, 0x696C7374, 0x7FFFFFF0))
    ),
    "mp4, time in units of nothing": _mdhd(0, MOST),
    "mp4, four billion units a second": _mdhd(MOST, MOST),
    "mp4, one unit a second, for ages": _mdhd(1, MOST),
    "mp4, 20,000 fragments without contents": lambda make: _fragments(make, count=20_000),
    "mp4, fragments' index of billions": lambda make: (
        make("f.mp4", movflags="frag_keyframe+empty_moov").read_bytes() + full_box(b"sidx", 1, 1000, 0, 0, HUGE)
    ),
    "mp4, random access by the billion": lambda make: _plain(make) + box(b"mfra", full_box(b"tfra", 1, 0, HUGE)),
    "mp4, an index in an index, compressed": lambda make: packed_index(packed_index(_plain(make))),
    "mp4, a compressed index that claims": lambda make: packed_index(claimed_frames(make, 20_000_000)),
    "mp4, a compressed index of zeros": lambda make: (
        _plain(make)[: _plain(make).index(b"moov") - 4]
        + box(
            b"moov",
            box(
                b"cmov",
                box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", 0x7FFFFFF0) + zlib.compress(bytes(50 << 20), 9)),
            ),
        )
    ),
    "mp4, 100 tracks of 4K": copies("t.mp4", 100, (3840, 2160)),
    "mp4, 12 tracks of 8K": copies("t.mp4", 12, (8192, 4320)),
    "mkv, 40 tracks of 4K": copies("t.mkv", 40, (3840, 2160)),
    "mkv, 8 tracks of 8K, 4:4:4, 10 bits": copies("t.mkv", 8, (8192, 4320), pix_fmt="yuv444p10le"),
    "ts, 30 tracks of 4K": copies("t.ts", 30, (3840, 2160)),
    "avi, 40 tracks of 4K": copies("t.avi", 40, (3840, 2160), codec="mpeg4", options={"qscale": "30"}),
    "nut, 40 tracks of 4K": copies("t.nut", 40, (3840, 2160)),
    "ogg, 30 tracks of 4K": copies(
        "t.ogv", 30, (3840, 2160), codec="libvpx", options={"cpu-used": "8", "deadline": "realtime"}
    ),
    **{f"bomb: {name}": maker for name, (maker, _) in BOMBS.items()},
}
