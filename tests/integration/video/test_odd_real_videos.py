"""Real footage made odd or broken: cut, joined, damaged and rewritten, as the self-made table can't have it."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
from tests.integration.video.broken_videos import changed, cut, overwritten, without_start
from tests.integration.video.factory import Tags
from tests.integration.video.odd_videos import concatenated, made, remuxed, tracks

pytestmark = pytest.mark.shared_data

FRAMES = 40


@pytest.fixture
def copied(shared_data):
    """A maker of the first frames of a real video, copied as they are into any container."""

    def maker(source, name, frames=FRAMES, **container):
        return remuxed(lambda _: shared_data / "videos" / source, name, lambda n, _: n < frames, **container)

    return maker


@pytest.fixture
def redrawn(shared_data):
    """A maker of a few small real pictures, encoded anew."""

    def maker(source, name, size, **options):
        with av.open(str(shared_data / "videos" / source)) as container:
            frames = [frame for frame, _ in zip(container.decode(video=0), range(10), strict=False)]
        pictures = [frame.reformat(*size, format="rgb24").to_ndarray() for frame in frames]
        return made(name, pictures=pictures.__getitem__, frames=10, size=size, **options)

    return maker


@pytest.fixture
def outcome(make_video, stop):
    """What becomes of a maker's file: (plan, its frames, scaled to a tenth of their size)."""

    def run(make):
        path = make(make_video)
        plan = plan_video(local_opener(path), name=path.name, segment_s=0.5, stop=stop)
        frames = read_frames(local_opener(path), plan, start=0, stop=plan.frame_count, stop_token=stop)
        return plan, [(frame.index, frame.rgb[::10, ::10].astype(int)) for frame in frames]

    return run


def same(a, b):
    return [index for index, _ in a] == [index for index, _ in b] and all(
        np.array_equal(x, y) for (_, x), (_, y) in zip(a, b, strict=True)
    )


@pytest.mark.parametrize("ending", [".mkv", ".ts", ".mov", ".fragmented.mp4"])
def test_the_container_changes_no_picture_and_no_time(ending, copied, outcome):
    options = {"movflags": "frag_keyframe+empty_moov"} if "fragmented" in ending else {}
    plan, frames = outcome(copied("football_juggle.mp4", f"copy{ending}", **options))
    original, expected = outcome(copied("football_juggle.mp4", "copy.mp4"))
    assert same(frames, expected)
    assert plan.frame_times_s == pytest.approx(original.frame_times_s, abs=1e-3)
    assert plan.exact_times
    assert not plan.warnings


@pytest.mark.parametrize(
    ("source", "name", "frames"),
    [
        ("walk_outdoor_vp9.mp4", "cut.mkv", 40),
        ("walk_outdoor_vp9.mp4", "cut.mp4", 40),
        ("walk_side_view.mp4", "cut.flv", 150),
        ("walk_side_view.mp4", "cut.ts", 150),
    ],
)
def test_what_comes_before_the_cut_is_used(source, name, frames, copied, outcome):
    options = {"movflags": "faststart"} if name == "cut.mp4" else {}
    _, whole = outcome(copied(source, f"whole{Path(name).suffix}", frames=24))
    plan, read = outcome(changed(copied(source, name, frames=frames, **options), cut(0.6)))
    assert frames * 0.25 < plan.frame_count < frames
    assert len(read) >= plan.frame_count - 2
    assert same(read[:10], whole[:10])


def test_a_broadcast_switched_on_late_begins_with_its_first_key_frame(copied, outcome):
    plan, frames = outcome(changed(copied("sprinters_far.mp4", "late.ts", frames=200), without_start(0.1)))
    assert plan.frame_count == len(frames) == 200 - 159
    assert "can't be decoded (cut in between key frames" in plan.warnings[0]


def test_noise_in_the_middle_leaves_the_groups_of_pictures_around_it(copied, outcome):
    _, whole = outcome(copied("walk_outdoor_vp9.mp4", "whole.mkv", frames=130))
    plan, frames = outcome(changed(copied("walk_outdoor_vp9.mp4", "noise.mkv", frames=130), overwritten(0.6, 0.65)))
    times = np.round(plan.frame_times_s * 30).astype(int)
    found = {int(times[index]): picture for index, picture in frames}
    assert all(np.array_equal(found[n], whole[n][1]) for n in (*range(60), *range(120, 130)))


def test_two_recordings_in_one_stream_come_one_after_the_other(copied, outcome):
    """The clock goes back and the picture turns from landscape to portrait."""
    make = concatenated(copied("walk_side_view.mp4", "a.ts"), copied("two_people_cam01.mp4", "b.ts"), name="joined.ts")
    plan, frames = outcome(make)
    assert plan.frame_count == len(frames) == 2 * FRAMES
    assert (plan.info.width_px, plan.info.height_px) == (1280, 720)
    assert not plan.exact_times
    _, first = outcome(copied("walk_side_view.mp4", "first.ts"))
    assert same(frames[:FRAMES], first)
    assert all(not picture[:, 0].any() and not picture[:, -1].any() for _, picture in frames[FRAMES:]), "bars"
    assert all(picture[:, 64].mean() > 20 for _, picture in frames[FRAMES:])


def test_of_four_cameras_in_one_file_the_default_one_is_used(copied, outcome):
    cameras = [copied(f"two_people_cam0{n}.mp4", f"{n}.mp4", frames=10) for n in (1, 2, 3, 4)]
    plan, frames = outcome(tracks("all.mkv", *cameras, main=2))
    _, third = outcome(cameras[2])
    assert same(frames, third)
    assert "4 video tracks; number 3" in plan.warnings[0]


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"codec": "libx265", "pix_fmt": "yuv420p10le", "tags": Tags(9, False, 16, 9)}, "HDR (PQ)"),
        ({"fields": "tff", "options": {"flags": "+ildct", "crf": "10"}}, "interlaced"),
        ({"pix_fmt": "yuv422p10le"}, None),
        ({"aspect": Fraction(3, 2)}, None),
    ],
)
def test_real_pictures_in_odd_pixels_look_the_same(options, phrase, redrawn, outcome):
    name = "odd.mkv"
    plan, frames = outcome(redrawn("football_juggle.mp4", name, (320, 180), **options))
    _, expected = outcome(redrawn("football_juggle.mp4", "plain.mkv", (320, 180), codec="ffv1", pix_fmt="bgr0"))
    assert len(plan.warnings) == (phrase is not None)
    assert phrase is None or phrase in plan.warnings[0]
    grey = [np.abs(f.mean() - e.mean()) for (_, f), (_, e) in zip(frames, expected, strict=True)]
    assert max(grey) < 6
