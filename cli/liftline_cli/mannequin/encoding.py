"""A small H.264 writer with the interface of the renderer's."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray


class SegmentWriter:
    """Writes RGB frames to an mp4."""

    def __init__(
        self, path: Path, *, width_px: int, height_px: int, time_base: Fraction, rate: Fraction, threads: int
    ) -> None:
        """Open the file."""
        self._container = av.open(str(path), "w", format="mp4", options={"movflags": "faststart"})
        stream = self._container.add_stream("libx264", rate=rate, options={"crf": "18", "bf": "0"})
        assert isinstance(stream, VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.time_base = width_px, height_px, "yuv420p", time_base
        stream.codec_context.thread_count = threads
        self._stream, self._time_base = stream, time_base

    def write(self, rgb: NDArray[np.uint8], *, pts: int) -> None:
        """Encode one frame."""
        frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
        frame.pts, frame.time_base = pts, self._time_base
        self._container.mux(self._stream.encode(frame))

    def __enter__(self) -> Self:
        """Start."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Flush and close."""
        if error is None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
