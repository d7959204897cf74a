"""Long test videos without encoding anything: the packets of a short clip, again and again with shifted timestamps."""

from __future__ import annotations

from pathlib import Path

import av

from benchmarks.common import RESULTS, SAMPLE_VIDEO
from liftline.files.atomic import atomic_path
from liftline_demo.mannequin.clip import Clip, render_clip

CLIP_720P = (1280, 720)


def sample_clip() -> Path:
    """A 720p clip of one person: the shared recording where it is there, else the walking figure, drawn once."""
    if SAMPLE_VIDEO.exists():
        return SAMPLE_VIDEO
    path = RESULTS / "videos" / "walking_figure_720p.mp4"
    if not path.exists():
        render_clip(path, Clip(size_px=CLIP_720P))
    return path


def looped(clip: Path, seconds: float, output: Path) -> Path:
    """Write `clip`'s video, repeated whole until it lasts at least `seconds`, to `output`; no audio.

    The clip must begin with a key frame and refer to nothing outside itself, as the start of any file does.
    """
    with (
        atomic_path(output) as temporary,
        av.open(str(clip)) as source,
        av.open(str(temporary), "w", format="mp4") as target,
    ):
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        copy.time_base = stream.time_base
        length, wanted = 0, seconds / float(stream.time_base or 1)
        shift = 0
        while shift < wanted:
            source.seek(0)
            for packet in source.demux(stream):
                if packet.pts is None or packet.dts is None:
                    continue
                length = max(length, packet.pts + (packet.duration or 1)) if not shift else length
                packet.pts, packet.dts = packet.pts + shift, packet.dts + shift
                packet.stream = copy
                target.mux(packet)
            shift += length
    return output
