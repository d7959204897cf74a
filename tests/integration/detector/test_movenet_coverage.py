"""The default detector finds the people of the shared videos, and nobody where nobody is.

Places without people are made of shared videos: the median of a video's pictures over time, of which moving people
vanish, cut to where nobody stands, and shaken by fractions of a pixel with noise as a hand-held camera's would be.
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from liftline.errors import ModelError
from liftline.frames import Frame
from liftline.ports import Detector
from liftline_detector.movenet.detector import MoveNetDetector
from tests.integration.detector.test_coverage import detect

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

EMPTY = {
    "a wall": ("walk_side_view.mp4", slice(None)),
    "a park": ("walk_outdoor_vp9.mp4", slice(None)),
    "an office": ("two_people_cam03.mp4", slice(630, None)),
}
"""Video, and the columns of it without people who stand still."""
RATE_HZ, LENGTH = 30.0, 34


@pytest.fixture(scope="module")
def detector() -> Detector:
    try:
        return MoveNetDetector.load()
    except ModelError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("name", "start", "stop"),
    [("football_juggle", 0, 20), ("football_juggle", 200, 220), ("walk_side_view", 68, 88)],
)
def test_one_person_in_full_view_is_found_in_every_frame_alone(shared_data, detector, name, start, stop):
    _, found = detect(shared_data / "videos" / f"{name}.mp4", detector, start=start, stop=stop, warmup=10)
    assert [len(found.people(i)) for i in range(start, stop)] == [1] * (stop - start)


def test_somebody_who_has_left_is_not_reported(shared_data, detector):
    _, found = detect(shared_data / "videos" / "walk_side_view.mp4", detector, start=348, stop=368, warmup=20)
    assert len(found) == 0


def test_a_hand_with_a_mug_is_nobody(shared_data, detector):
    case = shared_data.parent / "cases" / "hand_with_mug.mp4"
    if not case.is_file():
        pytest.skip(f"the shared cases are not beside the checkout ({case})")
    plan, found = detect(case, detector, start=0, stop=40)
    assert plan.frame_count >= 40
    assert len(found) == 0


@pytest.mark.parametrize("place", EMPTY)
def test_nobody_is_found_where_nobody_is(shared_data, detector, place):
    video, columns = EMPTY[place]
    picture = without_movement(shared_data / "videos" / video)[:, columns]
    assert picture.shape[1] >= 400
    session = detector.start()
    people = [session.detect([frame])[0] for frame in shaken(picture)]
    assert [len(one) for one in people] == [0] * LENGTH


def without_movement(video: Path) -> np.ndarray:
    """(H, W, 3) RGB: the median of 25 of its pictures."""
    capture = cv2.VideoCapture(str(video))
    count = int(capture.get(cv2.CAP_PROP_FRAME_COUNT))
    wanted, kept = {*np.linspace(0, count - 2, 25).astype(int).tolist()}, []
    for index in range(count - 1):
        assert capture.grab()
        if index in wanted:
            kept.append(capture.retrieve()[1][:, :, ::-1])
    return np.median(kept, axis=0).astype(np.uint8)


def shaken(picture: np.ndarray) -> list[Frame]:
    """The same place from a hand that isn't quite still."""
    rng = np.random.default_rng(5)
    height, width = picture.shape[:2]
    frames = []
    for index, (x, y) in enumerate(rng.normal(0, 0.7, (LENGTH, 2))):
        moved = cv2.warpAffine(
            picture, np.array([[1, 0, x], [0, 1, y]]), (width, height), borderMode=cv2.BORDER_REPLICATE
        )
        noisy = moved + rng.normal(0, 2, moved.shape)
        frames.append(Frame(index, index / RATE_HZ, np.clip(noisy, 0, 255).astype(np.uint8)))
    return frames
