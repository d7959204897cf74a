"""The render stage on small real video files: decoding, drawing and encoding together."""

from __future__ import annotations

import threading
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from liftline.errors import Cancelled, InvalidVideoError, OutputError
from liftline.progress import FrameCounter, StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
from liftline_renderer.compositor import Compositor
from liftline_renderer.stage import RenderSettings, output_size, render_segment
from tests.unit.renderer.walking_poses import Walker, poses_of, room_of

pytestmark = pytest.mark.timeout(60)
WIDTH, HEIGHT, FRAMES = 160, 120, 40


@pytest.fixture(autouse=True)
def no_thread_is_left_behind():
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


@pytest.fixture(scope="module")
def clip(tmp_path_factory) -> Path:
    """Two seconds of a moving gradient."""
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(20), options={"g": "10"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        for number in range(FRAMES):
            rgb = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
            rgb[..., 0], rgb[..., 1] = np.arange(WIDTH), 5 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def job(clip):
    """Opener, plan with half-second segments, poses and scene."""
    opener = local_opener(clip)
    plan = plan_video(opener, name="clip.mp4", segment_s=0.5, stop=StopFlag())
    poses = poses_of(Walker(1), Walker(2, x_m=0.8), width_px=WIDTH, height_px=HEIGHT, frames=FRAMES, rate=20)
    return opener, plan, poses, room_of(poses)


def _render(job, number, output, *, layout="side-by-side", stop=None, progress=None):
    opener, plan, poses, scene = job
    return render_segment(
        opener, plan, plan.segments[number], poses, scene, output,
        settings=RenderSettings(layout), stop=stop or StopFlag(), progress=progress or FrameCounter(),
    )  # fmt: skip


@pytest.mark.parametrize("layout", ["overlay", "side-by-side", "3d"])
def test_a_segment_has_all_its_frames_at_their_times_and_the_layouts_size(job, tmp_path, layout):
    progress, output = FrameCounter(), tmp_path / "segment.mp4"
    written = _render(job, 1, output, layout=layout, progress=progress)
    segment, plan = job[1].segments[1], job[1]
    assert written.tolist() == list(range(segment.start, segment.stop))
    assert progress.frames == len(segment)
    with av.open(str(output)) as container:
        frames = list(container.decode(video=0))
        assert (frames[0].width, frames[0].height) == output_size(plan.info, layout)
        times = np.array([float(frame.pts * frame.time_base) for frame in frames])
    expected = plan.frame_times_s[segment.start : segment.stop]
    np.testing.assert_allclose(times - times[0], expected - expected[0], atol=1e-6)


def test_frames_are_drawn_equally_however_the_video_is_cut(job):
    opener, plan, poses, scene = job
    drawn = []
    for start, stop in ((0, 20), (10, 20)):
        compositor = Compositor(WIDTH, HEIGHT, poses, scene, RenderSettings())
        frames = read_frames(opener, plan, start=start, stop=stop, stop_token=StopFlag())
        drawn.append({frame.index: compositor.draw(frame) for frame in frames})
    assert sorted(drawn[1]) == list(range(10, 20))
    for index, picture in drawn[1].items():
        np.testing.assert_array_equal(picture, drawn[0][index])


def test_rendering_twice_gives_the_same_bytes(job, tmp_path):
    for name in ("a.mp4", "b.mp4"):
        _render(job, 0, tmp_path / name)
    assert (tmp_path / "a.mp4").read_bytes() == (tmp_path / "b.mp4").read_bytes()


def test_cancelling_midway_leaves_no_file_and_no_thread(job, tmp_path):
    stop = StopFlag()
    progress = FrameCounter(lambda frames: stop.stop() if frames == 4 else None)
    with pytest.raises(Cancelled):
        _render(job, 0, tmp_path / "segment.mp4", stop=stop, progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_an_earlier_result_survives_a_cancelled_run(job, tmp_path):
    output, stop = tmp_path / "segment.mp4", StopFlag()
    output.write_bytes(b"earlier")
    stop.stop()
    with pytest.raises(Cancelled):
        _render(job, 0, output, stop=stop)
    assert output.read_bytes() == b"earlier"


def test_a_video_that_cannot_be_opened_fails_cleanly(job, tmp_path):
    broken = tmp_path / "broken.mp4"
    broken.write_bytes(b"not a video")
    with pytest.raises(InvalidVideoError):
        _render((local_opener(broken), *job[1:]), 0, tmp_path / "out" / "segment.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_stream_that_breaks_off_ends_the_stage_with_its_error(job, tmp_path):
    def opener():
        raise ConnectionError("the store is away")

    with pytest.raises(ConnectionError, match="the store is away"):
        _render((opener, *job[1:]), 0, tmp_path / "out" / "segment.mp4")
    assert list((tmp_path / "out").iterdir()) == []


def test_an_output_folder_that_is_a_file_is_a_clear_error(job, tmp_path):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError, match="can't be written"):
        _render(job, 0, tmp_path / "taken" / "segment.mp4")


def test_an_error_while_drawing_ends_both_threads(job, tmp_path):
    def fail(frames):
        raise RuntimeError("told to fail")

    with pytest.raises(RuntimeError, match="told to fail"):
        _render(job, 0, tmp_path / "out" / "segment.mp4", progress=FrameCounter(fail))
    assert list((tmp_path / "out").iterdir()) == []


def test_a_video_without_people_is_rendered_too(job, tmp_path):
    opener, plan, _, _ = job
    poses = poses_of(width_px=WIDTH, height_px=HEIGHT, frames=FRAMES)
    written = _render((opener, plan, poses, room_of(poses)), 0, tmp_path / "segment.mp4")
    assert len(written) == len(plan.segments[0])


@pytest.mark.shared_data
def test_a_real_video_is_rendered_frame_for_frame(shared_data, tmp_path):
    opener = local_opener(shared_data / "videos" / "two_people_cam01.mp4")
    plan = plan_video(opener, name="two_people_cam01.mp4", segment_s=0.5, stop=StopFlag())
    info = plan.info
    poses = poses_of(Walker(), width_px=info.width_px, height_px=info.height_px, frames=plan.frame_count, rate=60)
    written = _render((opener, plan, poses, room_of(poses)), 1, tmp_path / "segment.mp4")
    assert written.tolist() == list(range(plan.segments[1].start, plan.segments[1].stop))
