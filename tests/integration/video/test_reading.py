"""Reading frames: the right pixels, upright, in order, wherever reading starts and whatever is damaged."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import psutil
import pytest

from liftline.errors import Cancelled, InvalidVideoError
from liftline.progress import StopFlag
from liftline.video.opening import local_opener
from liftline.video.reading import read_frames
from tests.integration.video.factory import Tags
from tests.integration.video.odd_videos import display_matrix

ONE = 1 << 16
COSINE_SINE = {0: (1, 0), 90: (0, 1), 180: (-1, 0), 270: (0, -1)}
BT709, BT601 = 1, 5
LIMITED, FULL = 1, 2


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mkv", "libx264"), ("a.ts", "libx264"), ("a.mp4", "libx265"), ("a.webm", "libvpx-vp9"),
     ("a.webm", "libvpx"), ("a.avi", "mpeg4")],
)  # fmt: skip
def test_segments_read_apart_are_the_same_pixels_as_the_whole(name, codec, make_video, plan_of, read, number_in):
    path = make_video(name, codec=codec, frames=50, rate=Fraction(30000, 1001))
    plan = plan_of(path, segment_s=0.23)
    assert len(plan.segments) > 5
    whole = read(path, plan)
    apart = [frame for segment in plan.segments for frame in read(path, plan, segment.start, segment.stop)]
    assert [frame.index for frame in whole] == list(range(50))
    assert [number_in(frame.rgb) for frame in whole] == list(range(50))
    assert [frame.index for frame in apart] == list(range(50))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(whole, apart, strict=True))


def test_open_groups_of_pictures_are_read_whole_from_the_middle(make_video, plan_of, read):
    options = {"bf": "3", "g": "10", "preset": "fast", "x264-params": "open-gop=1:b-adapt=0:scenecut=0"}
    path = make_video("open.mkv", frames=60, options=options)
    plan = plan_of(path)
    whole = read(path, plan)
    for start in range(60):
        (frame,) = read(path, plan, start, start + 1)
        assert frame.index == start
        assert np.array_equal(frame.rgb, whole[start].rgb)


def test_the_number_of_threads_changes_no_pixel(make_video, plan_of, read):
    path = make_video(frames=40)
    plan = plan_of(path)
    one, three = (read(path, plan, threads=n) for n in (1, 3))
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in zip(one, three, strict=True))


def threads_of_reading_processes():
    children = psutil.Process().children()
    return sum(each.num_threads() for each in children if "liftline.video.process.child" in each.cmdline())


@pytest.mark.parametrize(("processors", "threads"), [(1, 2), (2, 3), (64, 4)])
def test_many_processors_are_not_all_taken_for_one_video(
    processors, threads, make_video, plan_of, stop, monkeypatch
):  # fmt: skip
    monkeypatch.setattr("liftline.video.reading.processors", lambda: processors)
    plan = plan_of(path := make_video(frames=40))
    before = threads_of_reading_processes()
    frames = read_frames(local_opener(path), plan, start=0, stop=plan.frame_count, stop_token=stop)
    next(frames)
    assert threads_of_reading_processes() - before == threads
    frames.close()


def test_times_are_those_of_the_plan(make_video, plan_of, read):
    pts = [0, 40, 73, 90, 290]
    path = make_video(pts=pts, time_base=Fraction(1, 1000), video_start_s=1.5)
    plan = plan_of(path)
    assert [frame.time_s for frame in read(path, plan)] == pytest.approx([p / 1000 for p in pts])


def test_a_turned_video_with_long_pixels_is_scaled_before_it_is_turned(make_video, plan_of):
    plan = plan_of(make_video("turned.mov", aspect=Fraction(2), matrix=display_matrix(90, mirrored=False), frames=3))
    assert (plan.info.width_px, plan.info.height_px) == (96, 256)


@pytest.mark.parametrize(
    ("codec", "pix_fmt", "matrix", "colour_range"),
    [
        ("libx264", "yuv420p", BT601, LIMITED),
        ("libx264", "yuv420p", BT709, LIMITED),
        ("libx264", "yuv420p", BT709, FULL),
        ("libx264", "yuv444p", BT601, FULL),
        ("libx265", "yuv420p10le", BT709, LIMITED),
        ("libvpx-vp9", "yuv420p", BT709, LIMITED),
        ("ffv1", "yuv422p10le", BT601, FULL),
    ],
)
def test_colours_come_out_within_a_few_levels(
    codec, pix_fmt, matrix, colour_range, make_video, plan_of, read, assert_upright
):
    path = make_video("colour.mkv", codec=codec, pix_fmt=pix_fmt, tags=Tags(matrix, colour_range == FULL), frames=3)
    plan = plan_of(path)
    assert plan.info.colour_space == {BT601: "bt601", BT709: "bt709"}[matrix]
    assert plan.info.colour_range == {LIMITED: "limited", FULL: "full"}[colour_range]
    for frame in read(path, plan):
        assert_upright(frame.rgb)


def test_frames_that_cannot_be_decoded_are_left_out_and_the_others_keep_their_places(
    make_video, plan_of, read, number_in
):
    path = make_video("damaged.mov", codec="png", pix_fmt="rgb24", frames=20)
    data = bytearray(path.read_bytes())
    at = -1
    for _ in range(8):
        at = data.index(b"\x89PNG", at + 1)
    data[at + 8 : at + 40] = bytes(32)
    path.write_bytes(bytes(data))
    plan = plan_of(path)
    assert plan.frame_count == 20
    frames = read(path, plan)
    assert [frame.index for frame in frames] == [n for n in range(20) if n != 7]
    assert [number_in(frame.rgb) for frame in frames] == [frame.index for frame in frames]
    assert [frame.index for frame in read(path, plan, 7, 10)] == [8, 9]
    assert read(path, plan, 7, 8) == []


def test_a_video_of_which_nothing_decodes_any_more_is_refused(make_video, plan_of, read):
    path = make_video(options={"bf": "0", "crf": "10", "g": "1"}, frames=3)
    plan = plan_of(path)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 4
    data[start:] = b"\xff" * (len(data) - start)
    path.write_bytes(bytes(data))
    with pytest.raises(InvalidVideoError, match="none of its 3 frames can be decoded"):
        read(path, plan)


def test_reading_stops_between_frames_when_told(make_video, plan_of):
    path, flag = make_video(frames=60), StopFlag()
    frames = read_frames(local_opener(path), plan_of(path), start=0, stop=60, stop_token=flag)
    next(frames)
    flag.stop()
    with pytest.raises(Cancelled):
        list(frames)


def test_leaving_early_closes_the_file(make_video, plan_of):
    path, opened = make_video(frames=60), []

    def opener():
        opened.append(path.open("rb"))
        return opened[-1]

    frames = read_frames(opener, plan_of(path), start=10, stop=60, stop_token=StopFlag())
    next(frames)
    frames.close()
    assert all(file.closed for file in opened)


def test_an_error_of_the_store_is_not_taken_for_a_bad_video(make_video, plan_of):
    path = make_video("clip.mkv", codec="rawvideo", frames=60)

    class Failing:
        def __init__(self):
            self._file = path.open("rb")

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self._file.close()

        def seek(self, *args):
            return self._file.seek(*args)

        def tell(self):
            return self._file.tell()

        def read(self, size=-1):
            if self._file.tell() > path.stat().st_size // 2:
                raise ConnectionError("the store is away")
            return self._file.read(size)

    plan = plan_of(path)
    assert plan.frame_count == 60
    with pytest.raises(ConnectionError, match="the store is away"):
        list(read_frames(Failing, plan, start=0, stop=60, stop_token=StopFlag()))


@pytest.mark.parametrize(("start", "stop_index"), [(-1, 3), (2, 1), (0, 31)])
def test_a_range_outside_the_plan_is_an_error(start, stop_index, make_video, plan_of, read):
    path = make_video()
    with pytest.raises(ValueError, match=r"not in 0\.\.30"):
        read(path, plan_of(path), start, stop_index)
