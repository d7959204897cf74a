"""Files that pass for videos and name another file, or a host."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import av

from tests.integration.hostile.boxes import box, full_box, replaced
from tests.integration.video.factory import VideoFactory

Text = Callable[[str], str]
MPD = (
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" mediaPresentationDuration="PT9S" '
    'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet mimeType="video/mp4">'
    '<Representation id="1" bandwidth="1"><BaseURL>{0}</BaseURL></Representation></AdaptationSet></Period></MPD>\n'
)
LISTS: dict[str, str] = {
    "hls": "#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n{0}\n#EXT-X-ENDLIST\n",
    "hls of lists": "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{0}\n",
    "hls with a key and a map": '#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXT-X-KEY:METHOD=AES-128,URI="{0}"\n'
    '#EXT-X-MAP:URI="{0}"\n#EXTINF:9,\n{0}\n#EXT-X-ENDLIST\n',
    "concat": "ffconcat version 1.0\nfile '{0}'\nduration 9\n",
    "concat with options": "ffconcat version 1.0\nfile '{0}'\noption protocol_whitelist file,http,tcp\n",
    "dash": MPD,
    "sdp": "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\na=control:{0}\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
    "a=rtpmap:96 H264/90000\n",
    "asf redirector": "[Reference]\nRef1={0}\nRef2={0}\n",
    "asx": '<ASX version="3.0"><Entry><Ref href="{0}"/></Entry></ASX>\n',
    "smil": '<smil xmlns="http://www.w3.org/ns/SMIL"><body><video src="{0}"/></body></smil>\n',
    "pls": "[playlist]\nFile1={0}\nNumberOfEntries=1\nVersion=2\n",
    "ram": "{0}\n",
    "xspf": '<?xml version="1.0"?><playlist version="1" xmlns="http://xspf.org/ns/0/"><trackList><track>'
    "<location>{0}</location></track></trackList></playlist>\n",
    "svg": '<svg xmlns="http://www.w3.org/2000/svg"><image href="{0}"/></svg>\n',
    "html": '<html><video src="{0}"></video></html>\n',
    "avisynth": 'FFmpegSource("{0}")\n',
    "filter graph": "movie={0}[out]\n",
    "vobsub index": "# VobSub index file, v7 (do not modify this line!)\n# {0}\nid: en, index: 0\n",
    "ffmetadata": ";FFMETADATA1\nfile={0}\n",
    "webvtt": "WEBVTT\n\n00:00.000 --> 00:09.000\n<img src={0}>\n",
    "name alone": "{0}",
}
"""Whole files, with the address in place of {0}."""


def inside_videos(folder: Path, address: str) -> dict[str, Path]:
    """Real videos with a reference in them that a player may follow, must not here."""
    make = VideoFactory(folder)
    plain = make("plain.mp4", movflags="write_colr").read_bytes()
    url = address.encode() + b"\0"
    contents = {
        "mp4 data elsewhere": replaced(plain, {b"dref": _one(box(b"url ", bytes(4) + url))}),
        "mp4 data elsewhere, by name": replaced(plain, {b"dref": _one(box(b"urn ", bytes(4) + b"x\0" + url))}),
        "mov data elsewhere, by alias": replaced(plain, {b"dref": _one(_alias(address))}),
        "mov reference movie": _reference_movie(url),
        "mov reference movie before a movie": plain + _reference_movie(url),
    }
    for name, content in contents.items():
        (folder / f"{name}.mov").write_bytes(content)
    attached = folder / "mkv with an attachment.mkv"
    with av.open(str(make("plain.mkv"))) as given, av.open(str(attached), "w") as target:
        stream = target.add_stream_from_template(given.streams.video[0])
        target.add_attachment("../../attached", "application/x-truetype-font", address.encode())
        target.metadata.update({"title": address, "comment": f"file '{address}'"})
        for packet in given.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return {**{name: folder / f"{name}.mov" for name in contents}, attached.stem: attached}


def _one(entry: bytes) -> bytes:
    return struct.pack(">II", 0, 1) + entry


def _alias(address: str) -> bytes:
    """A Macintosh alias record, as far as libav reads it, with an absolute path and one to be joined."""
    path, name = address.encode(), address.rpartition("/")[2].encode()
    fixed = bytes(10) + bytes([1]) + b"/".ljust(27, b"\0") + bytes(12) + bytes([len(name)]) + name.ljust(63, b"\0")
    fixed += bytes(16) + struct.pack(">HH", 1, 1) + bytes(16)
    items = b"".join(struct.pack(">HH", kind, len(text)) + text + b"\0" * (len(text) % 2)
                     for kind, text in ((0, b"/"), (2, path)))  # fmt: skip
    return box(b"alis", bytes(4) + fixed + items + struct.pack(">HH", 0xFFFF, 0))


def _reference_movie(url: bytes) -> bytes:
    """QuickTime's rmra: a movie that is only the address of another."""
    address = box(b"rdrf", bytes(4) + b"url " + struct.pack(">I", len(url)) + url)
    return box(b"ftyp", b"qt  " + bytes(4) + b"qt  ") + box(
        b"moov", box(b"rmra", box(b"rmda", address + full_box(b"rmqu", 1)))
    )
