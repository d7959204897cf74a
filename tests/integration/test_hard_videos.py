"""People are found and keep their ids in videos nobody prepared: cut, turned, far away, with bars.

Made from parts of the shared videos, detected by BlazePose and tracked.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.errors import ModelError
from liftline.plan import Plan
from liftline.ports import Detector
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import COCO17
from liftline.tracks import Tracks
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline.video.reading import read_frames
from liftline_detector.blazepose.detector import BlazePoseDetector
from liftline_detector.stage import detect_segment
from liftline_lifter.stage import TrackSettings, track_people

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

FRAMES = 15
LIMBS = np.arange(5, 17)
Picture = NDArray[np.uint8]


@pytest.fixture(scope="module")
def detector() -> Detector:
    try:
        return BlazePoseDetector.load()
    except ModelError as error:
        pytest.skip(str(error))


def read(video: Path, *, start: int = 0) -> list[Picture]:
    opener = local_opener(video)
    plan = plan_video(opener, name=video.name, stop=StopFlag())
    return [f.rgb for f in read_frames(opener, plan, start=start, stop=start + FRAMES, stop_token=StopFlag())]


def write(path: Path, pictures: list[Picture]) -> Path:
    height, width = (length - length % 2 for length in pictures[0].shape[:2])
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=Fraction(30), options={"crf": "18", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            cropped = np.ascontiguousarray(picture[:height, :width])
            container.mux(stream.encode(av.VideoFrame.from_ndarray(cropped, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def detect(video: Path, detector: Detector, *, segment_s: float = 60) -> tuple[Plan, Detections]:
    opener = local_opener(video)
    plan = plan_video(opener, name=video.name, segment_s=segment_s, stop=StopFlag())
    parts = [detect_segment(opener, plan, s, detector, stop=StopFlag(), progress=FrameCounter()) for s in plan.segments]
    return plan, Detections.concatenate(parts)


def spans(tracks: Tracks) -> list[tuple[int, int]]:
    """First and last frame of every track."""
    return [
        (int(tracks.frame_index[tracks.rows(n)][0]), int(tracks.frame_index[tracks.rows(n)][-1]))
        for n in range(len(tracks))
    ]


def shrunk(by: int) -> Callable[[Picture], Picture]:
    """The picture at a part of its size amid grey, as if the camera were far away."""

    def shrink(picture: Picture) -> Picture:
        out = np.full_like(picture, 95)
        small = cv2.resize(picture, None, fx=1 / by, fy=1 / by, interpolation=cv2.INTER_AREA)
        top, left = ((a - b) // 2 for a, b in zip(picture.shape[:2], small.shape[:2], strict=True))
        out[top : top + small.shape[0], left : left + small.shape[1]] = small
        return out

    return shrink


HARD: dict[str, Callable[[Picture], Picture]] = {
    "upside down": lambda picture: np.rot90(picture, 2),
    "lying, head to the left": lambda picture: np.rot90(picture),
    "lying, head to the right": lambda picture: np.rot90(picture, 3),
    "a quarter of the size": shrunk(4),
    "an eighth of the size": shrunk(8),
    "letterboxed": lambda picture: cv2.copyMakeBorder(picture, 200, 200, 0, 0, cv2.BORDER_CONSTANT),
    "tiny picture": lambda picture: cv2.resize(picture, None, fx=1 / 8, fy=1 / 8, interpolation=cv2.INTER_AREA),
}


@pytest.mark.parametrize("name", HARD)
def test_one_person_is_one_track_through_every_frame(
    shared_data: Path, detector: Detector, tmp_path: Path, name: str
) -> None:
    pictures = [HARD[name](picture) for picture in read(shared_data / "videos" / "football_juggle.mp4")]
    plan, found = detect(write(tmp_path / "hard.mp4", pictures), detector)
    tracks = track_people(
        found, plan, video="hard.mp4", settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).tracks
    assert spans(tracks) == [(0, FRAMES - 1)]
    assert tracks.observed.all()


def test_a_person_upside_down_has_the_same_joints_turned(shared_data: Path, detector: Detector, tmp_path: Path) -> None:
    pictures = read(shared_data / "videos" / "football_juggle.mp4")
    _, upright = detect(write(tmp_path / "upright.mp4", pictures), detector)
    _, turned = detect(write(tmp_path / "turned.mp4", [np.rot90(picture, 2) for picture in pictures]), detector)
    height, width = pictures[0].shape[:2]
    back = np.array([width - 1, height - 1]) - turned.keypoints_px
    off = np.linalg.norm(back - upright.keypoints_px, axis=2)[:, LIMBS].mean(axis=1)
    tall = np.ptp(upright.keypoints_px[:, : len(COCO17), 1], axis=1)
    assert np.median(off / tall) < 0.02
    nose, ankle = COCO17.index["nose"], COCO17.index["left_ankle"]
    assert (turned.keypoints_px[:, nose, 1] > turned.keypoints_px[:, ankle, 1]).all()


@pytest.mark.parametrize("segment_s", [60, 0.5])
def test_no_track_spans_a_cut_from_one_camera_to_another(
    shared_data: Path, detector: Detector, tmp_path: Path, segment_s: float
) -> None:
    videos = shared_data / "videos"
    pictures = read(videos / "two_people_cam01.mp4") + read(videos / "two_people_cam02.mp4", start=FRAMES)
    plan, found = detect(write(tmp_path / "cut.mp4", pictures), detector, segment_s=segment_s)
    tracks = track_people(
        found, plan, video="cut.mp4", settings=TrackSettings(), stop=StopFlag(), progress=FrameCounter()
    ).tracks
    assert {(0, FRAMES - 1), (FRAMES, 2 * FRAMES - 1)} == set(spans(tracks))
    assert len(tracks) == 6


def test_the_nearest_of_several_people_are_kept_in_every_shot(
    shared_data: Path, detector: Detector, tmp_path: Path
) -> None:
    videos = shared_data / "videos"
    pictures = read(videos / "two_people_cam01.mp4") + read(videos / "two_people_cam02.mp4", start=FRAMES)
    plan, found = detect(write(tmp_path / "cut.mp4", pictures), detector)
    result = track_people(
        found, plan, video="cut.mp4", settings=TrackSettings(max_people=2), stop=StopFlag(), progress=FrameCounter()
    )
    assert sorted(spans(result.tracks)) == [(0, FRAMES - 1)] * 2 + [(FRAMES, 2 * FRAMES - 1)] * 2
    assert result.left_out == 2
    smallest = min(np.ptp(result.tracks.boxes_px[result.tracks.rows(n)][:, [1, 3]], axis=1).mean() for n in range(4))
    assert smallest > 600
