"""Opening a video through PyAV so that a hostile file can neither name another file nor choose an odd demuxer.

libav gets a Python file object without a name, a whitelist of containers that hold their own data, an empty list of
protocols and a callback that refuses every further open. Containers: https://ffmpeg.org/ffmpeg-formats.html.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import av
from av.audio.stream import AudioStream
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from liftline.errors import InvalidVideoError
from liftline.ports import VideoOpener
from liftline.video.process import memory

CONTAINERS = (
    "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,mpegvideo,flv,asf,ogg,nut,mxf,ivf,gif,dv,rm,wtv,nsv,"
    "yuv4mpegpipe,h261,h263,h264,hevc,vvc,m4v,obu,av1,mjpeg,vc1,dirac,cavsvideo,mp3,wav,flac,aac"
)
"""Demuxers that may read a video: self-contained ones only (no hls, dash, concat, sdp, image2, ...).

The bare audio ones are there so that such a file is told apart from one that isn't media at all.
"""

_READ_BUFFER_BYTES = 1 << 16
_AVFMT_FLAG_GENPTS = 1
_MOST_BITS_PER_PIXEL = 64
_WITH_TABLES = 1.25
"""A picture takes a little more than its pixels."""

NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
_SUPPORTED = "give an mp4, mov, mkv, webm, avi, ts, flv, wmv or ogv file"


@dataclass(frozen=True)
class VideoLimits:
    """What a video may cost: pixels of one frame (coded or upright), frames, seconds shown or heard, and memory.

    max_memory_mb: what the process that opens and decodes it may take beside its own: libav's indexes, tracks and
    buffers, all pictures that a decoder keeps, so that depth, chroma and reference frames count, and those that are
    handed over.
    """

    max_pixels: int = 8192 * 4352
    max_frames: int = 24 * 3600 * 60
    max_duration_s: float = 24 * 3600.0
    max_memory_mb: int = 512


DEFAULT_LIMITS = VideoLimits()


def local_opener(path: Path) -> VideoOpener:
    """An opener of a local file. Raises InvalidVideoError at once if it is missing, a folder, or not readable."""
    path = Path(path)
    if not path.exists():
        raise InvalidVideoError(f"{path}: no such file; check the path.")
    if not path.is_file():
        raise InvalidVideoError(f"{path}: this is not a file; give the path of one video.")
    if not os.access(path, os.R_OK):
        raise InvalidVideoError(f"{path}: no permission to read it; change its permissions.")

    def opener() -> BinaryIO:
        return path.open("rb")

    return opener


@contextmanager
def open_container(opener: VideoOpener, *, name: str, limits: VideoLimits = DEFAULT_LIMITS) -> Iterator[InputContainer]:
    """Open a video for demuxing; `name` is what messages call it.

    Missing timestamps stay missing (libav's guessing is off). Errors of the opener's own stream, such as a store that
    is away, pass through unchanged.

    Raises InvalidVideoError when the file is empty, no video, holds no video stream, or its codec is unknown.
    """
    with opener() as file:
        if not file.read(1):
            raise InvalidVideoError(f"{name}: the file is empty (0 bytes); copy or record it again.")
        file.seek(0)
        stream = _Nameless(file)
        with stream.raising(), _open(stream, name, limits) as container:
            container.flags &= ~_AVFMT_FLAG_GENPTS
            main_video_stream(container, name=name)
            _limit_pictures(container, limits)
            yield container


def main_video_stream(container: InputContainer, *, name: str) -> VideoStream:
    """The stream to work on: never a cover picture; libav's choice among the others.

    Raises InvalidVideoError when there is none, or no decoder for it.
    """
    streams = [s for s in container.streams.video if not s.disposition & NOT_THE_VIDEO]
    if not streams:
        raise InvalidVideoError(f"{name}: no video stream (found: {_found(container)}); give a file with pictures.")
    readable = [s for s in streams if s.codec_context is not None]
    if not readable:
        raise InvalidVideoError(f"{name}: no decoder for its video codec; convert it to H.264 first.")
    best = container.streams.best("video")
    chosen = best if best in readable else max(readable, key=lambda s: s.width * s.height)
    if not isinstance(chosen, VideoStream):
        raise InvalidVideoError(f"{name}: no video stream (found: {_found(container)}); give a file with pictures.")
    return chosen


def main_audio_stream(container: InputContainer) -> AudioStream | None:
    """The audio that goes with the video, None if there is none or no decoder for it."""
    best = container.streams.best("audio")
    streams = [best, *container.streams.audio]
    return next((s for s in streams if isinstance(s, AudioStream) and s.codec_context is not None), None)


def data_packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """Packets that hold data, of all streams or of those given, until the file's end. Raises av.FFmpegError.

    Streams that begin later than a file was probed (MPEG-TS) are left out: PyAV doesn't know them, and after the last
    packet it stumbles over them with an IndexError.
    """
    try:
        for packet in container.demux(*streams):
            if packet.size:
                yield packet
    except IndexError:
        return


def raise_if_out_of_memory(error: av.FFmpegError, stream: VideoStream) -> None:
    """Raise MemoryError where decoding failed because no further picture fits; decoders call that invalid data, too."""
    context = stream.codec_context
    bits = context.format.padded_bits_per_pixel if context.format else _MOST_BITS_PER_PIXEL
    picture_bytes = context.width * context.height * bits // 8
    if isinstance(error, MemoryError) or memory.left_bytes() < picture_bytes * _WITH_TABLES:
        raise MemoryError from error


class _Nameless:
    """Hides a file's name from libav, so that a format is found by content alone, the same for files and stores."""

    def __init__(self, file: BinaryIO) -> None:
        self.tell, self._read, self._seek = file.tell, file.read, file.seek
        self._error: Exception | None = None

    def read(self, size: int) -> bytes:
        """After an error there is nothing more: libav would ask again and again, and wait each time."""
        if self._error is not None:
            return b""
        try:
            return self._read(size)
        except Exception as error:
            self._error = error
            raise

    @contextmanager
    def raising(self) -> Iterator[None]:
        """Let an error of reading be what the block ends with, whatever libav made of it."""
        try:
            yield
        except Exception as error:
            if self._error is None or error is self._error:
                raise
        if self._error is not None:
            raise self._error

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """A damaged index may point to where no file can be: libav takes the error's number and goes on without."""
        try:
            return self._seek(offset, whence)
        except (OSError, ValueError) as error:
            if isinstance(error, OSError) and error.errno != errno.EINVAL:
                raise
            return -errno.EINVAL


def _open(file: _Nameless, name: str, limits: VideoLimits) -> InputContainer:
    try:
        return av.open(
            file,
            mode="r",
            options=_decoder_options(limits),
            container_options={"format_whitelist": CONTAINERS, "protocol_whitelist": ""},
            metadata_errors="replace",
            buffer_size=_READ_BUFFER_BYTES,
            io_open=_refuse,
        )
    except MemoryError:
        raise  # which is an FFmpegError, too
    except av.error.ArgumentError as error:
        raise InvalidVideoError(
            f"{name}: this kind of file isn't read as a video (playlists, pictures and lists of other files are "
            f"refused); {_SUPPORTED}."
        ) from error
    except av.FFmpegError as error:
        file.seek(0)
        if file.read(8)[4:] == b"ftyp":
            raise InvalidVideoError(
                f"{name}: its index is missing or damaged ({reason(error)}), as when a recording or a copy is cut off; "
                "copy or record it again."
            ) from error
        raise InvalidVideoError(f"{name}: not a readable video ({reason(error)}); {_SUPPORTED}.") from error


def _limit_pictures(container: InputContainer, limits: VideoLimits) -> None:
    """What `av.open` is given reaches the decoders that probe a file, not those that read it."""
    for stream in container.streams.video:
        if stream.codec_context is not None:
            stream.codec_context.options = _decoder_options(limits)


def _decoder_options(limits: VideoLimits) -> dict[str, str]:
    return {"max_pixels": str(limits.max_pixels)}


def _refuse(url: str, _flags: int, _options: dict[str, Any]) -> NoReturn:
    raise InvalidVideoError(
        f"the video refers to another file ({url}), which is never opened; use a self-contained one."
    )


def reason(error: av.FFmpegError) -> str:
    """What libav says, in a few words."""
    return (error.strerror or str(error)).lower()


def _found(container: InputContainer) -> str:
    def describe(stream: Any) -> str:
        codec = getattr(stream.codec_context, "codec", None)
        kind = "cover picture" if stream.type == "video" else stream.type
        return f"{codec.canonical_name} {kind}" if codec else f"unknown {kind}"

    return ", ".join(describe(stream) for stream in container.streams) or "nothing"
