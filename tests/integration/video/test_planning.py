"""Plans of videos of every kind: frame counts, exact timestamps, segments."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from liftline import plan as plans
from liftline.errors import Cancelled, LimitExceededError
from liftline.progress import StopFlag
from liftline.video.opening import VideoLimits, local_opener
from liftline.video.planning import plan_video

NTSC = Fraction(30000, 1001)
KINDS = [
    ("clip.mp4", "libx264", "h264"),
    ("clip.mov", "libx264", "h264"),
    ("clip.mkv", "libx264", "h264"),
    ("clip.ts", "libx264", "h264"),
    ("clip.mp4", "libx265", "hevc"),
    ("clip.webm", "libvpx-vp9", "vp9"),
    ("clip.webm", "libvpx", "vp8"),
    ("clip.avi", "mpeg4", "mpeg4"),
    ("clip.mkv", "ffv1", "ffv1"),
]


@pytest.mark.parametrize(("name", "codec", "known_as"), KINDS)
def test_every_frame_of_every_container_and_codec_is_planned_at_its_own_time(
    name, codec, known_as, make_video, plan_of, packet_times
):
    path = make_video(name, codec=codec, rate=NTSC)
    plan = plan_of(path)
    assert plan.frame_count == 30
    assert plan.exact_times
    assert plan.info.codec == known_as
    assert plan.info.average_rate == NTSC
    shown = [Fraction(int(p)) * plan.info.time_base for p in plan.pts]
    if known_as != "vp8":  # its hidden packets have times, too
        assert shown == packet_times(path)
    assert not plan.warnings


def test_29_97_frames_a_second_stay_exact_fractions(make_video, plan_of):
    plan = plan_of(make_video(rate=NTSC))
    assert [(int(p) - int(plan.pts[0])) * plan.info.time_base for p in plan.pts] == [n / NTSC for n in range(30)]
    assert plan.info.duration_s == pytest.approx(30 * 1001 / 30000, abs=1e-9)


def test_a_video_that_does_not_start_at_zero_keeps_its_timestamps(make_video, plan_of):
    plan = plan_of(make_video("clip.mkv", video_start_s=2.0))
    assert int(plan.pts[0]) * plan.info.time_base == 2
    assert plan.frame_times_s[0] == 0


def test_a_raw_stream_without_timestamps_is_counted_at_its_rate_in_one_segment(make_video, plan_of, read, number_in):
    path = make_video("clip.h264", rate=NTSC)
    plan = plan_of(path, segment_s=0.2)
    assert not plan.exact_times
    assert len(plan.segments) == 1
    assert plan.info.average_rate == NTSC
    assert plan.frame_times_s.tolist() == pytest.approx([n / NTSC for n in range(30)])
    assert [number_in(f.rgb) for f in read(path, plan)] == list(range(30))


def test_segments_are_cut_by_time_and_begin_warm(make_video, plan_of):
    plan = plan_of(make_video(frames=65), segment_s=1.0, warmup_s=0.5)
    assert [(s.start, s.stop, s.warmup_start) for s in plan.segments] == [(0, 30, 0), (30, 60, 15), (60, 65, 45)]


def test_segments_skip_a_long_pause(make_video, plan_of):
    pts = [0, 1, 2, 30, 31, 32]
    plan = plan_of(make_video(pts=pts, time_base=Fraction(1, 10), rate=Fraction(10)), segment_s=1.0, warmup_s=0.1)
    assert [(s.start, s.stop, s.warmup_start) for s in plan.segments] == [(0, 3, 0), (3, 6, 3)]


def test_a_plan_comes_back_from_its_file(make_video, plan_of, tmp_path):
    plan = plan_of(make_video(rate=NTSC, audio="aac"), segment_s=0.3)
    plans.save(tmp_path / "plan.npz", plan)
    again = plans.load(tmp_path / "plan.npz")
    assert again.info == plan.info
    assert again.segments == plan.segments
    assert again.pts.tolist() == plan.pts.tolist()


@pytest.mark.parametrize(
    ("limits", "what"),
    [
        (VideoLimits(max_pixels=100), "128x96 pixels, the limit is 100"),
        (VideoLimits(max_frames=29), "more than 29 frames"),
        (VideoLimits(max_duration_s=0.5), "1.0 s long, the limit is 0.5 s"),
    ],
)
def test_a_video_over_a_limit_is_refused_while_planning(limits, what, make_video, plan_of):
    with pytest.raises(LimitExceededError, match=what):
        plan_of(make_video(), limits=limits)


def test_planning_stops_when_told(make_video):
    flag = StopFlag()
    flag.stop()
    with pytest.raises(Cancelled):
        plan_video(local_opener(make_video()), name="clip", stop=flag)


@pytest.mark.parametrize("name", ["cut.mp4", "cut.mkv", "cut.avi", "cut.webm"])
def test_a_truncated_file_keeps_what_is_there_and_says_so(name, make_video, plan_of, read, number_in, tmp_path):
    codec = {"cut.avi": "mpeg4", "cut.webm": "libvpx-vp9"}.get(name, "libx264")
    whole = make_video(
        f"whole{Path(name).suffix}", codec=codec, frames=120, audio="libopus" if name == "cut.mkv" else None
    )
    path = tmp_path / name
    data = whole.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    plan = plan_of(path)
    assert 20 < plan.frame_count < 100
    assert len(plan.warnings) == 1
    assert "cut off or damaged" in plan.warnings[0]
    frames = read(path, plan)
    assert len(frames) >= plan.frame_count - 2
    times = [round(t * 30) for t in plan.frame_times_s]
    assert [number_in(f.rgb) for f in frames] == [times[f.index] for f in frames]
    one_thread = read(path, plan, threads=1)
    assert [f.index for f in one_thread] == [f.index for f in frames]
