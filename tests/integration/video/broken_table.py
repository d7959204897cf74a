"""The table of broken videos: those of which a part is used, and those that are refused."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.integration.video.broken_videos import (
    changed,
    cut,
    no_pictures,
    overwritten,
    picture,
    spoilt_after,
    swapped,
    without_start,
    written,
    zipped,
)
from tests.integration.video.odd_table import Odd
from tests.integration.video.odd_videos import PLAIN, Maker, made, remuxed, tracks

OPEN_GROUPS = {"bf": "3", "g": "10", "preset": "fast", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"}
CUT_OFF, CUT_IN = "cut off or damaged; the {} frames before that are used", "the first {} frames can't be decoded"


def cut_off(name: str, frames: int, **options: Any) -> Odd:
    """Sixty percent of four seconds."""
    make = changed(made(name, frames=120, **{"options": PLAIN} | options), cut(0.6))
    return Odd(make, frames, segments=5, warns=(CUT_OFF.format(frames),))


def from_frame(first: int) -> Any:
    return lambda number, _: number >= first


DAMAGED = {
    "mp4 cut off": cut_off("clip.mp4", 69),
    "mkv cut off": cut_off("clip.mkv", 70),
    "flv cut off": cut_off("clip.flv", 70),
    "avi cut off": cut_off("clip.avi", 70, codec="mjpeg", pix_fmt="yuvj420p", options={}),
    "fragmented mp4 cut off": cut_off("clip.mp4", 70, movflags="frag_keyframe+empty_moov"),
    "ts cut off": Odd(changed(made("clip.ts", options=PLAIN), cut(0.6)), 17, tolerance=None),
    "ts cut in": Odd(
        changed(made("clip.ts", frames=40, options=PLAIN), without_start(0.4)),
        20, shows=range(20, 40), warns=(CUT_IN.format(5),),
    ),
    "mp4 without its first key frame": Odd(
        remuxed(made(frames=40, options=PLAIN), "cut.mp4", from_frame(5)),
        shows=range(10, 40), warns=(CUT_IN.format(5),),
    ),
    "open groups cut in": Odd(
        remuxed(made("x.mkv", frames=40, options=OPEN_GROUPS), "cut.mkv", from_frame(5)),
        shows=range(10, 40), warns=(CUT_IN.format(5),),
    ),
}  # fmt: skip

HOLED = {
    "noise in mp4": made("clip.mp4", frames=60),
    "noise in mkv": made("clip.mkv", frames=60),
    "noise in ts": made("clip.ts", frames=60),
    "noise in MJPEG": made("clip.mov", codec="mjpeg", pix_fmt="yuvj420p", frames=60),
    "noise in webm": made("clip.webm", codec="libvpx-vp9", frames=60),
    "noise in AV1": made("clip.mp4", codec="libsvtav1", frames=60),
}
"""Sixty frames; a stretch in the middle is overwritten."""

overwrite = overwritten(0.45, 0.5)

UNREADABLE, LISTS = "not a readable video", "pictures and lists of other files are refused"
KEY = "00112233445566778899aabbccddeeff"
ENCRYPTED = {"encryption_scheme": "cenc-aes-ctr", "encryption_key": KEY, "encryption_kid": KEY}
PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/passwd\n#EXT-X-ENDLIST\n"
SDP = (
    b"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n"
)
DASH = (
    b'<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static" '
    b'profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"><Period><AdaptationSet><Representation id="1">'
    b"<BaseURL>/etc/passwd</BaseURL></Representation></AdaptationSet></Period></MPD>\n"
)

BROKEN: dict[str, tuple[Maker, str]] = {
    "empty": (written("clip.mp4", b""), "the file is empty"),
    "text": (written("clip.mp4", b"This is no video.\n" * 100), UNREADABLE),
    "noise": (written("clip.mp4", np.random.default_rng(0).bytes(50_000)), UNREADABLE),
    "zeros": (written("clip.mp4", bytes(9_000)), UNREADABLE),
    "zip": (written("clip.mp4", zipped), UNREADABLE),
    "m3u8 playlist": (written("clip.mp4", PLAYLIST), UNREADABLE),
    "ffconcat list": (written("clip.mp4", b"ffconcat version 1.0\nfile '/etc/passwd'\n"), LISTS),
    "sdp": (written("clip.mp4", SDP), LISTS),
    "dash manifest": (written("clip.mp4", DASH), UNREADABLE),
    "png": (written("clip.mp4", picture("png", "rgb24")), LISTS),
    "jpg": (written("clip.mp4", picture("mjpeg", "yuvj420p")), LISTS),
    "bmp": (written("clip.mp4", picture("bmp", "bgr24")), LISTS),
    "webp": (written("clip.mp4", picture("libwebp", "bgra")), LISTS),
    "animated webp": (written("clip.mp4", picture("libwebp_anim", "bgra", 3)), LISTS),
    "animated png": (made("clip.apng", codec="apng", pix_fmt="rgb24"), LISTS),
    "flash animation": (made("clip.swf", codec="flv"), LISTS),
    "sound in m4a": (no_pictures("clip.m4a", "aac"), "no video stream (found: aac audio)"),
    "sound in mp3": (no_pictures("clip.mp3", "libmp3lame"), "no video stream (found: mp3 audio)"),
    "sound in wav": (no_pictures("clip.wav", "pcm_s16le"), "no video stream (found: pcm_s16le audio)"),
    "subtitles": (no_pictures("clip.mkv", "subtitles"), "no video stream (found: subrip subtitle)"),
    "a cover picture alone": (tracks("clip.mp4", cover=True), "no video stream (found: mjpeg cover picture)"),
    "no frames in mp4": (made(frames=0), "no video stream"),
    "no frames in mkv": (made("clip.mkv", frames=0), UNREADABLE),
    "no frames in avi": (made("clip.avi", frames=0), "its video stream has no frames"),
    "unknown codec in mp4": (changed(made(), swapped(b"avc1", b"zzz1")), "no decoder for its video codec"),
    "unknown codec in mkv": (changed(made("clip.mkv"), swapped(b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/XYZ")), "no decoder"),
    "unknown codec in avi": (changed(made("clip.avi", codec="mpeg4"), swapped(b"FMP4", b"ZZZZ")), "no decoder"),
    "mp4 without its index": (changed(made(movflags="write_colr"), cut(0.6)), "its index is missing or damaged"),
    "mp4 after rubbish": (changed(made(), lambda data: bytes(5_000) + data), UNREADABLE),
    "nothing decodes": (changed(made(frames=3, options=PLAIN), spoilt_after(b"mdat", 4)), "none of its 3 frames"),
    "encrypted": (made(container=ENCRYPTED), "its pictures are encrypted"),
}
