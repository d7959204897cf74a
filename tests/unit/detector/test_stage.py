"""The detect stage: warm-up frames are seen but not reported, and work stops when told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import av
import numpy as np
import pytest

from liftline.detections import Detections, People
from liftline.errors import Cancelled
from liftline.frames import Frame
from liftline.plan import Segment
from liftline.ports import Detector, DetectorSession, ModelInfo
from liftline.progress import FrameCounter, StopFlag
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_detector.stage import detect_segment
from tests.synthetic_video import HEIGHT, WIDTH, shot

FRAMES = 20


@dataclass
class Recorder(Detector, DetectorSession):
    """Reports one person per frame, and remembers what it was shown."""

    batch_size: int = 4
    max_sessions: int | None = None
    batches: list[list[int]] = field(default_factory=list)
    sessions_start_at: list[int] = field(default_factory=list)
    on_batch: object = None

    @property
    def model(self) -> ModelInfo:
        return ModelInfo("recorder", "0" * 64, "MIT", "this test")

    def start(self) -> DetectorSession:
        self.sessions_start_at.append(sum(map(len, self.batches)))
        return self

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        self.batches.append([f.index for f in frames])
        if callable(self.on_batch):
            self.on_batch()
        one = np.ones((1, 17), np.float32)
        return [
            People(np.full((1, 4), f.index, np.float32), one[:, 0], np.stack([one, one], axis=2), one) for f in frames
        ]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    path = tmp_path_factory.mktemp("stage") / "two seconds é.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height = 64, 48
        for number in range(FRAMES):
            picture = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 12 * number, np.uint8), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


@pytest.fixture
def planned(video):
    opener = local_opener(video)
    return opener, plan_video(opener, name=video.name, segment_s=1.0, warmup_s=0.5, stop=StopFlag())


def test_a_segment_is_reported_whole_and_its_warmup_is_not(planned):
    opener, plan = planned
    second, progress = plan.segments[1], FrameCounter()
    found = detect_segment(opener, plan, second, Recorder(), stop=StopFlag(), progress=progress)
    assert (found.frame_start, found.frame_stop) == (second.start, second.stop)
    assert found.frame_index.tolist() == list(range(second.start, second.stop))
    assert found.boxes_px[:, 0].tolist() == found.frame_index.tolist()
    assert found.detector == "recorder"
    assert progress.frames == len(second)


def test_the_detector_sees_the_warmup_in_batches_of_its_size(planned):
    opener, plan = planned
    detector, second = Recorder(batch_size=4), plan.segments[1]
    detect_segment(opener, plan, second, detector, stop=StopFlag(), progress=FrameCounter())
    assert second.warmup_start < second.start
    assert [i for batch in detector.batches for i in batch] == list(range(second.warmup_start, second.stop))
    assert {len(batch) for batch in detector.batches[:-1]} == {4}


def test_work_stops_when_told(planned):
    opener, plan = planned
    stop = StopFlag()
    detector = Recorder(on_batch=stop.stop)
    with pytest.raises(Cancelled):
        detect_segment(opener, plan, plan.segments[0], detector, stop=stop, progress=FrameCounter())
    assert len(detector.batches) == 1


def test_the_video_is_closed_as_soon_as_the_detector_fails(video, planned):
    _, plan = planned
    opened = []

    def opener():
        opened.append(video.open("rb"))
        return opened[-1]

    def fail():
        raise ValueError("a fault of the model")

    whole = Segment(0, 0, FRAMES, 0)
    with pytest.raises(ValueError, match="fault") as kept:  # whose frames hold what was open
        detect_segment(
            opener, plan, whole, Recorder(batch_size=1, on_batch=fail), stop=StopFlag(), progress=FrameCounter()
        )
    assert [file.closed for file in opened] == [True], kept


def write(path, pictures):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=Fraction(10))
        stream.width, stream.height, stream.bit_rate = WIDTH, HEIGHT, 4_000_000
        for grey in pictures:
            rgb = np.repeat(grey[..., np.newaxis], 3, axis=2).astype(np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def detect_all(path, detector, *, segment_s):
    opener = local_opener(path)
    plan = plan_video(opener, name=path.name, segment_s=segment_s, warmup_s=0.5, stop=StopFlag())
    parts = [
        detect_segment(opener, plan, segment, detector, stop=StopFlag(), progress=FrameCounter())
        for segment in plan.segments
    ]
    return Detections.concatenate(parts)


def test_nobody_is_followed_over_an_obvious_cut(tmp_path):
    detector = Recorder(batch_size=4)
    detect_all(write(tmp_path / "cut.mp4", shot(1, 11) + shot(2, 9)), detector, segment_s=60)
    assert detector.sessions_start_at == [0, 11]
    assert [i for batch in detector.batches for i in batch] == list(range(20))
    assert not any({10, 11} <= set(batch) for batch in detector.batches)


def test_a_black_frame_and_a_pan_are_no_reason_to_start_anew(tmp_path):
    detector = Recorder()
    pictures = shot(1, 30, speed=0.1, blur=True)
    pictures[15] = np.zeros_like(pictures[0])
    detect_all(write(tmp_path / "pan.mp4", pictures), detector, segment_s=60)
    assert detector.sessions_start_at == [0]


def test_thumbnails_are_those_of_the_whole_video_whatever_the_segments(tmp_path):
    path = write(tmp_path / "clip.mp4", shot(1, 15, speed=0.05) + shot(2, 15))
    whole, parts = (detect_all(path, Recorder(), segment_s=length).thumbnails for length in (60, 0.7))
    assert whole.frame_index.tolist() == parts.frame_index.tolist() == list(range(30))
    np.testing.assert_array_equal(whole.grey, parts.grey)
