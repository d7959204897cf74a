"""GIFs: size, rate, colours, and that they fail cleanly."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from liftline.errors import Cancelled, InvalidVideoError
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.gif import write_gif


@pytest.fixture
def clip(tmp_path):
    with SegmentWriter(
        tmp_path / "clip.mp4", width_px=96, height_px=64, time_base=Fraction(1, 30), rate=Fraction(30)
    ) as writer:
        for number in range(45):
            rgb = np.full((64, 96, 3), (30, 40, 160), np.uint8)
            rgb[:, 2 * number : 2 * number + 6] = (230, 220, 30)
            writer.write(rgb, pts=number)
    return tmp_path / "clip.mp4"


def frames(path):
    with av.open(str(path)) as container:
        return [(float(f.pts * f.time_base), f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def test_width_and_rate_are_held_down_and_the_shape_kept(clip, tmp_path):
    write_gif(clip, tmp_path / "out.gif", max_width_px=48, max_fps=10, stop=StopFlag())
    found = frames(tmp_path / "out.gif")
    assert found[0][1].shape == (32, 48, 3)
    assert np.diff([at for at, _ in found]) == pytest.approx(0.1, abs=0.011)
    assert len(found) == 15


def test_a_small_slow_video_keeps_its_size(clip, tmp_path):
    write_gif(local_opener(clip), tmp_path / "out.gif", max_fps=50, stop=StopFlag())
    found = frames(tmp_path / "out.gif")
    assert found[0][1].shape == (64, 96, 3)
    assert len(found) == 45


def test_colours_stay_close(clip, tmp_path):
    write_gif(clip, tmp_path / "out.gif", stop=StopFlag())
    rgb = frames(tmp_path / "out.gif")[5][1].astype(int)
    assert np.abs(np.median(rgb.reshape(-1, 3), axis=0) - (30, 40, 160)).max() <= 16


def test_it_repeats_for_ever(clip, tmp_path):
    write_gif(clip, tmp_path / "out.gif", stop=StopFlag())
    assert b"NETSCAPE2.0\x03\x01\x00\x00" in (tmp_path / "out.gif").read_bytes()


def test_no_video_makes_no_gif(tmp_path):
    path = tmp_path / "text.mp4"
    path.write_bytes(b"no video\n" * 99)
    with pytest.raises(InvalidVideoError):
        write_gif(path, tmp_path / "out.gif", stop=StopFlag())
    assert list(tmp_path.iterdir()) == [path]


def test_stopping_leaves_nothing_half_written(clip, tmp_path):
    flag = StopFlag()
    flag.stop()
    with pytest.raises(Cancelled):
        write_gif(clip, tmp_path / "out.gif", stop=flag)
    assert list(tmp_path.iterdir()) == [clip]


@pytest.mark.parametrize("options", [{"max_width_px": 1}, {"max_fps": 0}, {"max_fps": 60}])
def test_senseless_limits_are_refused(options, clip, tmp_path):
    with pytest.raises(ValueError, match="max_width_px must be"):
        write_gif(clip, tmp_path / "out.gif", stop=StopFlag(), **options)
