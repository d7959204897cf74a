"""Muxing without a source: what it refuses and that nothing half-written stays."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from liftline.errors import Cancelled, InvalidArtifactError, InvalidVideoError
from liftline.frames import VideoInfo
from liftline.plan import Plan, Segment
from liftline.progress import StopFlag
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.mux import MuxSegment, mux


def plan(frames=20, *, time_base=Fraction(1, 1000), step=40, first=7000):
    info = VideoInfo(
        name="clip.mp4", container="mp4", codec="h264", pixel_format="yuv420p", width_px=64, height_px=48,
        coded_width_px=64, coded_height_px=48, rotation_deg=0, sample_aspect_ratio=Fraction(1), time_base=time_base,
        average_rate=1 / (time_base * step), duration_s=float(frames * step * time_base), audio_codec=None,
        colour_range="limited", colour_space="bt709",
    )  # fmt: skip
    pts = first + step * np.arange(frames, dtype=np.int64)
    return Plan(info, pts, (Segment(0, 0, frames, 0),))


def segment(path, of, frames, *, crf=20, size=(64, 48)):
    with SegmentWriter(
        path, width_px=size[0], height_px=size[1], time_base=of.info.time_base, rate=of.info.average_rate, crf=crf
    ) as writer:
        for index in frames:
            writer.write(np.full((size[1], size[0], 3), 10 * index, np.uint8), pts=int(of.pts[index]))
    return MuxSegment(path, np.array(list(frames), np.int64))


def times(path):
    with av.open(str(path)) as container:
        return [p.pts * p.time_base for p in container.demux(video=0) if p.size]


@pytest.mark.parametrize(
    ("time_base", "step"),
    [(Fraction(1, 25), 1), (Fraction(1001, 30000), 1), (Fraction(1, 90_000), 3003), (Fraction(1, 1_000_000), 33_367),
     (Fraction(1, 1_000_000_000), 33_366_667), (Fraction(3, 7), 2)],
)  # fmt: skip
def test_every_time_base_comes_out_exact(time_base, step, tmp_path):
    whole = plan(time_base=time_base, step=step)
    parts = [segment(tmp_path / "0.mp4", whole, range(12)), segment(tmp_path / "1.mp4", whole, range(12, 20))]
    mux(parts, plan=whole, source=None, output=tmp_path / "out.mp4", stop=StopFlag())
    assert times(tmp_path / "out.mp4") == [n * step * time_base for n in range(20)]
    with av.open(str(tmp_path / "out.mp4")) as container:
        stream = container.streams.video[0]
        assert stream.duration * stream.time_base == 20 * step * time_base


def test_segments_without_frames_are_passed_over(tmp_path):
    whole = plan()
    empty = MuxSegment(tmp_path / "never written.mp4", np.zeros(0, np.int64))
    parts = [empty, segment(tmp_path / "1.mp4", whole, range(5, 20))]
    mux(parts, plan=whole, source=None, output=tmp_path / "out.mp4", stop=StopFlag())
    assert len(times(tmp_path / "out.mp4")) == 15


def test_no_frame_at_all_is_an_invalid_video(tmp_path):
    empty = MuxSegment(tmp_path / "0.mp4", np.zeros(0, np.int64))
    with pytest.raises(InvalidVideoError, match=r"clip\.mp4: none of its frames"):
        mux([empty], plan=plan(), source=None, output=tmp_path / "out.mp4", stop=StopFlag())


@pytest.mark.parametrize("claimed", [range(9), range(11)])
def test_a_segment_with_other_frames_than_its_index_is_refused(claimed, tmp_path):
    whole = plan()
    part = segment(tmp_path / "0.mp4", whole, range(10))
    with pytest.raises(InvalidArtifactError, match="render it again"):
        mux([MuxSegment(part.path, np.array(claimed, np.int64))], plan=whole, source=None,
            output=tmp_path / "out.mp4", stop=StopFlag())  # fmt: skip
    assert list(tmp_path.iterdir()) == [part.path]


def test_segments_of_different_make_are_refused(tmp_path):
    whole = plan()
    parts = [
        segment(tmp_path / "0.mp4", whole, range(10)),
        segment(tmp_path / "1.mp4", whole, range(10, 20), size=(32, 32)),
    ]
    with pytest.raises(InvalidArtifactError, match="other settings"):
        mux(parts, plan=whole, source=None, output=tmp_path / "out.mp4", stop=StopFlag())


@pytest.mark.parametrize("data", [b"", b"no segment at all", None])
def test_a_broken_or_missing_segment_is_refused(data, tmp_path):
    path = tmp_path / "0.mp4"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(InvalidArtifactError, match="not a readable segment"):
        mux([MuxSegment(path, np.arange(3))], plan=plan(), source=None, output=tmp_path / "out.mp4", stop=StopFlag())


def test_stopping_leaves_an_earlier_result_untouched(tmp_path):
    whole, flag, output = plan(), StopFlag(), tmp_path / "out.mp4"
    part = segment(tmp_path / "0.mp4", whole, range(20))
    output.write_bytes(b"earlier")
    flag.stop()
    with pytest.raises(Cancelled):
        mux([part], plan=whole, source=None, output=output, stop=flag)
    assert output.read_bytes() == b"earlier"
    assert {path.name for path in tmp_path.iterdir()} == {"0.mp4", "out.mp4"}
