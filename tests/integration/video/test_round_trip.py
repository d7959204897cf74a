"""Read, encode segment by segment, mux: frames, timestamps, orientation and audio as they went in."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import pytest

from liftline.progress import StopFlag
from liftline.video.opening import local_opener, main_audio_stream, open_container
from liftline_renderer.encoding.encode import SegmentWriter
from liftline_renderer.encoding.gif import write_gif
from liftline_renderer.encoding.mux import MuxSegment, mux
from liftline_renderer.encoding.writing import even_size
from tests.integration.video.odd_table import ODD

NTSC = Fraction(30000, 1001)


@pytest.fixture
def round_trip(tmp_path, plan_of, read):
    """Encodes every segment of a plan as it is and muxes them; returns (plan of the source, the result's path)."""

    def run(path, segment_s=0.3, leave_out=()):
        plan = plan_of(path, segment_s=segment_s)
        width, height = even_size(plan.info.width_px, plan.info.height_px)
        segments = []
        for segment in plan.segments:
            target, written = tmp_path / f"segment{segment.number}.mp4", []
            with SegmentWriter(
                target, width_px=width, height_px=height, time_base=plan.info.time_base, rate=plan.info.average_rate
            ) as writer:
                for frame in read(path, plan, segment.start, segment.stop):
                    if frame.index in leave_out:
                        continue
                    rgb = np.zeros((height, width, 3), np.uint8)
                    rgb[: plan.info.height_px, : plan.info.width_px] = frame.rgb
                    writer.write(rgb, pts=int(plan.pts[frame.index]))
                    written.append(frame.index)
            segments.append(MuxSegment(target, np.array(written, np.int64)))
        output = tmp_path / "result.mp4"
        mux(segments, plan=plan, source=local_opener(path), output=output, stop=StopFlag())
        return plan, output

    return run


def times_of(plan):
    return [(int(p) - int(plan.pts[0])) * plan.info.time_base for p in plan.pts]


def sound(path):
    """(codec, seconds from the first picture to the first sound, samples as decoded) of a file."""
    with open_container(local_opener(path), name=path.name) as container:
        stream = main_audio_stream(container)
        if stream is None:
            return None
        codec = stream.codec_context.codec.canonical_name
        audio = list(container.decode(stream))
    with open_container(local_opener(path), name=path.name) as container:
        picture = min(p.pts * p.time_base for p in container.demux(video=0) if p.size and p.pts is not None)
    samples = np.concatenate([np.atleast_2d(frame.to_ndarray())[0].astype(float) for frame in audio])
    start = audio[0].pts * audio[0].time_base
    loud = np.flatnonzero(np.abs(samples) > 0.2 * np.abs(samples).max())
    return codec, float(start - picture) + loud[0] / audio[0].sample_rate, samples


@pytest.mark.parametrize(
    ("name", "codec", "rate"),
    [
        ("a.mp4", "libx264", NTSC), ("a.mp4", "libx265", Fraction(24000, 1001)), ("a.webm", "libvpx-vp9", Fraction(25)),
        ("a.avi", "mpeg4", NTSC), ("a.mkv", "libx264", Fraction(60000, 1001)), ("a.ts", "libx264", Fraction(50)),
        ("a.h264", "libx264", NTSC), ("a.avi", "libx264", Fraction(30)), ("a.mkv", "ffv1", Fraction(1)),
    ],
)  # fmt: skip
def test_every_timestamp_comes_out_as_it_went_in(name, codec, rate, make_video, round_trip, plan_of, read, number_in):
    plan, output = round_trip(make_video(name, codec=codec, rate=rate))
    result = plan_of(output)
    assert times_of(result) == times_of(plan)
    assert result.info.average_rate == pytest.approx(rate, rel=2e-3 if name == "a.mkv" else 0)  # mkv rounds to ms
    assert result.info.duration_s == pytest.approx(plan.info.duration_s, abs=1e-6)
    assert [number_in(frame.rgb) for frame in read(output, result)] == list(range(30))


def test_variable_frame_rate_comes_out_exact(make_video, round_trip, plan_of):
    pts = np.cumsum([0, 40, 33, 17, 200, 41, 1, 90, 33, 500, 7, 7]).tolist()
    _, output = round_trip(make_video(pts=pts, time_base=Fraction(1, 1000)))
    assert times_of(plan_of(output)) == [Fraction(p, 1000) for p in pts]


@pytest.mark.parametrize(
    ("clockwise_deg", "matrix"), [(90, (0, 1, -1, 0)), (180, (-1, 0, 0, -1)), (270, (0, -1, 1, 0))]
)
def test_turned_videos_come_out_upright_with_no_turn_left(
    clockwise_deg, matrix, make_video, numbered_pictures, round_trip, plan_of, read, assert_upright
):
    a, b, c, d = (value << 16 for value in matrix)
    size = (96, 128) if clockwise_deg != 180 else (128, 96)

    def coded(number):
        return np.ascontiguousarray(np.rot90(numbered_pictures(*size)(number), clockwise_deg // 90))

    path = make_video("turned.mov", pictures=coded, matrix=[a, b, 0, c, d, 0, 0, 0, 1 << 30], frames=9)
    _, output = round_trip(path)
    result = plan_of(output)
    assert (result.info.width_px, result.info.height_px, result.info.rotation_deg) == (*size, 0)
    for frame in read(output, result):
        assert_upright(frame.rgb, tolerance=12)


@pytest.mark.parametrize(
    ("name", "codec", "out"),
    [("a.mp4", "aac", "aac"), ("a.mkv", "libmp3lame", "mp3"), ("a.avi", "pcm_s16le", "aac"),
     ("a.mkv", "libopus", "aac"), ("a.ts", "aac", "aac"), ("a.mkv", "ac3", "aac")],
)  # fmt: skip
@pytest.mark.parametrize("late_s", [0.0, 0.4])
def test_audio_keeps_its_place(name, codec, out, late_s, make_video, round_trip):
    path = make_video(
        name, codec="mpeg4" if name.endswith("avi") else "libx264", audio=codec, audio_start_s=late_s, frames=45
    )
    _, output = round_trip(path)
    before, after = sound(path), sound(output)
    assert after is not None
    assert after[0] == out
    assert after[1] == pytest.approx(before[1], abs=0.004)
    assert len(after[2]) == pytest.approx(1.5 * 48_000, abs=5_000)


def test_audio_that_begins_before_the_video_is_not_cut(make_video, round_trip, plan_of):
    path = make_video("early.mkv", audio="libopus", video_start_s=0.5)
    plan, output = round_trip(path)
    before, after = sound(path), sound(output)
    assert before[1] == pytest.approx(-0.5, abs=0.02)
    assert after[1] == pytest.approx(before[1], abs=0.004)
    assert times_of(plan_of(output)) == times_of(plan)


def test_audio_that_begins_after_what_is_probed_is_kept_in_its_place(make_video, round_trip):
    path = ODD["sound begins after half a minute"].make(make_video)
    _, output = round_trip(path)
    codec, start_s, _ = sound(output)
    assert codec == "aac"
    assert start_s == pytest.approx(30.0, abs=0.01)


def test_copied_audio_is_the_same_bytes(make_video, round_trip):
    path = make_video(audio="aac")
    _, output = round_trip(path)
    packets = []
    for file in (path, output):
        with av.open(str(file)) as container:
            packets.append([bytes(p) for p in container.demux(audio=0) if p.size])
    assert packets[0] == packets[1]


def test_a_silent_video_stays_silent(make_video, round_trip):
    assert sound(round_trip(make_video())[1]) is None


def test_the_result_plays_in_browsers(make_video, round_trip):
    _, output = round_trip(make_video(audio="libopus"))
    data = output.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(output)) as container:
        stream = container.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert not stream.codec_context.has_b_frames
        frame = next(container.decode(stream))
        assert (frame.colorspace, frame.color_range, frame.color_primaries, frame.color_trc) == (1, 1, 1, 1)


def test_frames_that_were_missing_leave_their_time_to_the_one_before(make_video, round_trip, plan_of):
    plan, output = round_trip(make_video(frames=20), leave_out=(6, 7, 19))
    expected = times_of(plan)
    assert times_of(plan_of(output)) == [expected[n] for n in range(20) if n not in (6, 7, 19)]
    assert plan_of(output).info.duration_s == pytest.approx(20 / 30)


def test_a_truncated_source_with_audio_still_comes_out(make_video, round_trip, plan_of, tmp_path):
    data = make_video("whole.mkv", audio="libopus", frames=90).read_bytes()
    path = tmp_path / "cut.mkv"
    path.write_bytes(data[: len(data) // 2])
    plan, output = round_trip(path)
    assert plan_of(output).frame_count == plan.frame_count
    assert sound(output) is not None


def test_a_gif_is_made_of_the_result(make_video, round_trip, tmp_path, assert_upright):
    _, output = round_trip(make_video(frames=60))
    write_gif(output, tmp_path / "result.gif", max_width_px=64, max_fps=10, stop=StopFlag())
    with av.open(str(tmp_path / "result.gif")) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
    assert len(frames) == 20
    assert frames[0].shape == (48, 64, 3)
    assert_upright(frames[-1], tolerance=30)
