"""BlazePose finds the people of the shared videos, and nobody else.

Parts of each video, to stay below a minute; `make bench` counts every frame. Where people stand was read off the
videos by eye, except for the man in `two_people_*`, whose motion is known (see `shared/data/README.md`).
"""

from __future__ import annotations

import tomllib
from pathlib import Path

import cv2
import numpy as np
import pytest

from liftline.detections import Detections, People
from liftline.errors import ModelError
from liftline.plan import Plan, Segment
from liftline.ports import Detector
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import COCO17
from liftline.video.opening import local_opener
from liftline.video.planning import plan_video
from liftline_detector.blazepose.detector import BlazePoseDetector
from liftline_detector.stage import detect_segment

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

HIPS = COCO17.indices("left_hip", "right_hip")
TRC_LIMBS = [f"{side}{part}" for part in ("Shoulder", "Elbow", "Wrist", "Hip", "Knee", "Ankle") for side in ("L", "R")]
"""Markers of the reference, in the order of the COCO joints from the shoulders down."""


@pytest.fixture(scope="module")
def detector() -> Detector:
    try:
        return BlazePoseDetector.load()
    except ModelError as error:
        pytest.skip(str(error))


def detect(video: Path, detector: Detector, *, start: int, stop: int, warmup: int = 0) -> tuple[Plan, Detections]:
    opener = local_opener(video)
    plan = plan_video(opener, name=video.name, stop=StopFlag())
    segment = Segment(0, start, stop, max(0, start - warmup))
    return plan, detect_segment(opener, plan, segment, detector, stop=StopFlag(), progress=FrameCounter())


def hips(people: People) -> np.ndarray:
    """(N, 2) middle of everyone's hips."""
    return people.keypoints_px[:, HIPS].mean(axis=1)


@pytest.mark.parametrize(
    ("name", "start", "stop"),
    [
        ("football_juggle", 0, 60),
        ("football_juggle", 180, 247),
        ("walk_side_view", 48, 120),
        ("walk_side_view", 260, 331),
    ],
)
def test_one_person_in_full_view_is_found_in_every_frame_alone(shared_data, detector, name, start, stop):
    _, found = detect(shared_data / "videos" / f"{name}.mp4", detector, start=start, stop=stop, warmup=10)
    counts = np.array([len(found.people(i)) for i in range(start, stop)])
    assert np.mean(counts >= 1) >= 0.99
    assert np.mean(counts == 1) >= 0.99


def test_somebody_who_has_left_is_not_reported(shared_data, detector):
    _, found = detect(shared_data / "videos" / "walk_side_view.mp4", detector, start=348, stop=368, warmup=20)
    assert len(found) == 0


def test_left_is_left_and_the_nose_is_above_the_feet(shared_data, detector):
    _, found = detect(shared_data / "videos" / "football_juggle.mp4", detector, start=0, stop=12)
    xy = found.keypoints_px
    assert np.all(xy[:, COCO17.index["left_shoulder"], 0] > xy[:, COCO17.index["right_shoulder"], 0] + 20)
    assert np.all(xy[:, COCO17.index["left_ankle"], 1] > xy[:, COCO17.index["nose"], 1] + 300)


@pytest.mark.parametrize(
    ("camera", "woman_px", "start", "stop"),
    [(1, (670, 1320), 40, 70), (2, (200, 1079), 40, 70), (3, (285, 785), 40, 100), (4, (815, 680), 40, 70)],
)
def test_both_people_are_found_in_nine_frames_of_ten(shared_data, detector, camera, woman_px, start, stop):
    video = shared_data / "videos" / f"two_people_cam0{camera}.mp4"
    _, found = detect(video, detector, start=start, stop=stop, warmup=20)
    reference = man_px(shared_data / "reference", camera)
    both = [sees_both(found.people(i), reference[i], woman_px) for i in range(start, stop)]
    assert np.mean(both) >= 0.9


def test_nobody_else_is_seen_where_there_are_only_two(shared_data, detector):
    video = shared_data / "videos" / "two_people_cam04.mp4"
    _, found = detect(video, detector, start=0, stop=20)
    assert [len(found.people(i)) for i in range(20)] == [2] * 20


def test_a_small_runner_in_a_panning_picture_is_found(shared_data, detector):
    start, stop = 250, 310
    _, found = detect(shared_data / "videos" / "sprinters_far.mp4", detector, start=start, stop=stop, warmup=15)
    assert np.mean([len(found.people(i)) >= 1 for i in range(start, stop)]) >= 0.95


def man_px(folder: Path, camera: int) -> np.ndarray:
    """(F, 12, 2) limb joints of the man, projected from the reference into a camera."""
    lines = (folder / "two_people_person2.trc").read_text().splitlines()
    names = [n for n in lines[3].split("\t")[2:] if n.strip()]
    values = np.array(
        [[float(v) for v in line.split("\t")[2 : 2 + 3 * len(names)]] for line in lines[5:] if line.strip()]
    )
    world = values.reshape(len(values), -1, 3)[:, [names.index(n) for n in TRC_LIMBS]][:, :, [2, 0, 1]]
    view = tomllib.loads((folder / "two_people_cameras.toml").read_text())[f"cam_0{camera}"]
    parts = (np.array(view[k]) for k in ("rotation", "translation", "matrix", "distortions"))
    return cv2.projectPoints(world.reshape(-1, 1, 3), *parts)[0].reshape(len(world), len(TRC_LIMBS), 2)


def sees_both(people: People, man: np.ndarray, woman_px: tuple[int, int]) -> bool:
    """Whether one person's joints are the man's (sides may be swapped) and another one's hips are at the woman's."""
    if len(people) < 2:
        return False
    limbs, size = np.arange(5, 17), np.linalg.norm(np.ptp(man, axis=0))
    sides = (limbs, COCO17.mirrored[limbs])
    errors = [np.median(np.linalg.norm(people.keypoints_px[:, j] - man, axis=2), axis=1) for j in sides]
    error = np.minimum(*errors)
    apart = np.linalg.norm(hips(people) - woman_px, axis=1)
    apart[error.argmin()] = np.inf
    return bool(error.min() < 0.15 * size and apart.min() < 130)
