"""Segment files: what they hold, and that they are the same every time."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.writing import even_size

SIZE = {"width_px": 64, "height_px": 48}
CLOCK = {"time_base": Fraction(1, 30000), "rate": Fraction(30000, 1001)}


def picture(number):
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[:, : 2 * number % 64] = (200, 60, 20)
    rgb[10:20] = number
    return rgb


def write(path, pts):
    with SegmentWriter(path, **SIZE, **CLOCK) as writer:
        for number, at in enumerate(pts):
            writer.write(picture(number), pts=at)


def packets(path):
    with av.open(str(path)) as container:
        return [(p.pts * p.time_base, p.dts == p.pts, p.is_keyframe) for p in container.demux(video=0) if p.size]


def test_the_same_frames_give_the_same_bytes(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        write(tmp_path / name, range(0, 90 * 1001, 1001))
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_timestamps_count_from_the_first_frame_and_keep_their_distances(tmp_path):
    pts = [-500, 501, 502, 9000, 90_000]
    write(tmp_path / "a.mp4", pts)
    assert [at for at, _, _ in packets(tmp_path / "a.mp4")] == [Fraction(p + 500, 30000) for p in pts]


def test_there_are_no_b_frames_and_a_key_frame_first(tmp_path):
    write(tmp_path / "a.mp4", range(0, 150 * 1001, 1001))
    found = packets(tmp_path / "a.mp4")
    assert len(found) == 150
    assert all(in_order for _, in_order, _ in found)
    keys = [n for n, (_, _, key) in enumerate(found) if key]
    assert keys[0] == 0
    assert max(np.diff([*keys, 150])) <= 60


def test_colours_survive_in_bt709(tmp_path):
    write(tmp_path / "a.mp4", range(0, 40 * 1001, 1001))
    with av.open(str(tmp_path / "a.mp4")) as container:
        frame = list(container.decode(video=0))[-1]
        assert (frame.format.name, frame.colorspace, frame.color_range) == ("yuv420p", 1, 1)
        rgb = frame.to_ndarray(format="rgb24", src_colorspace=1, dst_color_range=2)
    assert np.abs(rgb[30, 10].astype(int) - (200, 60, 20)).max() <= 6


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (0, 48)])
def test_an_odd_size_is_refused(size, tmp_path):
    with pytest.raises(ValueError, match="must be even"):
        SegmentWriter(tmp_path / "a.mp4", width_px=size[0], height_px=size[1], **CLOCK)


def test_even_size_rounds_up():
    assert even_size(63, 48) == (64, 48)
    assert even_size(1, 1) == (2, 2)


@pytest.mark.parametrize(
    "wrong", [np.zeros((48, 63, 3), np.uint8), np.zeros((48, 64), np.uint8), np.zeros((48, 64, 3))]
)
def test_a_picture_of_another_shape_is_refused(wrong, tmp_path):
    with (
        SegmentWriter(tmp_path / "a.mp4", **SIZE, **CLOCK) as writer,
        pytest.raises(ValueError, match="expected uint8"),
    ):
        writer.write(wrong, pts=0)


def test_time_must_rise(tmp_path):
    with SegmentWriter(tmp_path / "a.mp4", **SIZE, **CLOCK) as writer:
        writer.write(picture(0), pts=5)
        with pytest.raises(ValueError, match="must rise"):
            writer.write(picture(1), pts=5)


def test_a_picture_that_is_no_whole_array_is_encoded_as_it_looks(tmp_path):
    wide = np.zeros((48, 128, 3), np.uint8)
    wide[:, ::2] = (10, 200, 10)
    with SegmentWriter(tmp_path / "a.mp4", **SIZE, **CLOCK) as writer:
        writer.write(wide[:, ::2], pts=0)
    with av.open(str(tmp_path / "a.mp4")) as container:
        rgb = next(container.decode(video=0)).to_ndarray(format="rgb24", src_colorspace=1, dst_color_range=2)
    assert np.abs(rgb.astype(int) - (10, 200, 10)).max() <= 6


def test_a_failing_block_closes_the_file_and_keeps_its_error(tmp_path):
    writer = SegmentWriter(tmp_path / "a.mp4", **SIZE, **CLOCK)

    def fail():
        with writer:
            writer.write(picture(0), pts=0)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    with pytest.raises(ValueError, match="closed"):
        writer.write(picture(1), pts=1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_an_os_error():
    with pytest.raises(OSError, match="No space left"):
        write(Path("/dev/full"), range(0, 9000, 10))
