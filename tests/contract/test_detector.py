"""What every detector promises, run against the real one and against a small fake."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import av
import numpy as np
import pytest

from liftline.detections import People
from liftline.errors import ModelError
from liftline.frames import Frame
from liftline.ports import Detector, DetectorSession, ModelInfo
from liftline.skeletons import COCO17
from liftline_detector.declaration import DetectorEntry
from liftline_detector.keypoint_rcnn.detector import KeypointRcnnDetector
from liftline_detector.keypoint_rcnn.preprocessing import InputFormat
from liftline_detector.registry import detectors
from tests import onnx_nets
from tests.standins import BrightNetwork


class BrightSpots(Detector, DetectorSession):
    """Takes the bright part of a picture for a person; remembers nothing."""

    batch_size = 3
    max_sessions = None

    @property
    def model(self) -> ModelInfo:
        return ModelInfo("bright-spots", "0" * 64, "MIT", "this test")

    def start(self) -> DetectorSession:
        return BrightSpots()

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        return [self._one(frame.rgb) for frame in frames]

    @staticmethod
    def _one(rgb) -> People:
        rows, columns = np.nonzero(rgb.max(axis=2) > 200)
        if not len(rows):
            return People.empty()
        box = np.array([[columns.min(), rows.min(), columns.max(), rows.max()]], np.float32)
        middle = np.tile((box[:, :2] + box[:, 2:]) / 2, (1, 17, 1)).reshape(1, 17, 2).astype(np.float32)
        return People(box, np.ones(1, np.float32), middle, np.ones((1, 17), np.float32))


ONNX = {"rtmpose": onnx_nets.simcc, "vitpose": onnx_nets.heatmaps, "rtmo": onnx_nets.rtmo}
"""Detectors in ONNX, with small networks in place of the published ones, which aren't here."""


@pytest.fixture(params=["fake", "keypoint r-cnn around a stand-in", *detectors()], scope="module")
def detector(request, tmp_path_factory) -> Detector:
    if request.param == "fake":
        return BrightSpots()
    if request.param not in detectors():
        info = ModelInfo("stand-in", "0" * 64, "MIT", "this test")
        return KeypointRcnnDetector(BrightNetwork(), InputFormat(80, 133, "BGR"), info, batch_size=4)
    entry = detectors()[request.param]
    if request.param in ONNX:
        return around_small_networks(entry, tmp_path_factory.mktemp(request.param))
    try:
        return entry.build(entry.chosen({}))
    except ModelError as error:
        pytest.skip(str(error))


def around_small_networks(entry: DetectorEntry, folder: Path) -> Detector:
    """That detector, which takes the bright part of a picture for a person; its keypoints are the brightest colours."""
    pose, finder = folder / "pose.onnx", folder / "people.onnx"
    pose.write_bytes(ONNX[entry.name]())
    finder.write_bytes(onnx_nets.finder())
    given = {"pose_weights": pose, "finder_weights": finder, "pose_colours": "rgb", "device": "cpu"}
    return entry.build(entry.chosen(given))


@pytest.fixture(scope="module")
def frames(shared_data) -> list[Frame]:
    """Six consecutive frames with one person in them."""
    found: list[Frame] = []
    with av.open(str(shared_data / "videos" / "football_juggle.mp4")) as container:
        for picture in container.decode(video=0):
            found.append(Frame(len(found), len(found) / 24, picture.to_ndarray(format="rgb24")))
            if len(found) == 6:
                break
    return found


NAMES = ("boxes_px", "scores", "keypoints_px", "keypoint_scores")


def same(ours: Sequence[People], theirs: Sequence[People]) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name), equal_nan=True)
        for a, b in zip(ours, theirs, strict=True)
        for name in NAMES
    )


def test_it_names_its_model(detector):
    model = detector.model
    assert model.name
    assert model.licence
    assert model.source
    assert len(model.sha256) == 64


@pytest.mark.shared_data
def test_it_finds_the_keypoints_that_its_entry_names(detector, frames):
    entry = detectors().get(detector.model.name.partition("/")[0])
    expected = entry.skeleton if entry else COCO17
    for people in detector.start().detect(frames[:2]):
        assert people.skeleton is expected
        assert people.keypoints_px.shape[1:] == (len(expected), 2)


@pytest.mark.shared_data
def test_it_finds_each_of_its_keypoints_and_the_others_are_missing(detector, frames):
    entry = detectors().get(detector.model.name.partition("/")[0])
    known, found = (entry.skeleton, entry.keypoints) if entry else (COCO17, COCO17.joints)
    assert set(found) <= set(known.joints)
    given = np.isin(known.joints, found)
    people = detector.start().detect(frames[:2])
    points_px, scores = (np.concatenate([getattr(p, name) for p in people]) for name in NAMES[2:])
    assert np.isfinite(points_px[:, given]).all(axis=-1).any(axis=0).all()
    assert np.isnan(points_px[:, ~given]).all()
    assert not scores[np.isnan(points_px).any(axis=-1)].any()


def test_it_has_a_batch_size(detector):
    assert detector.batch_size >= 1


def test_no_frames_give_no_results(detector):
    assert detector.start().detect([]) == []


def test_an_empty_picture_has_nobody_in_it(detector):
    black = [Frame(i, i / 30, np.zeros((120, 160, 3), np.uint8)) for i in range(3)]
    assert [len(p) for p in detector.start().detect(black)] == [0, 0, 0]


@pytest.mark.parametrize(("height", "width"), [(2, 2), (1, 640), (33, 57)])
def test_odd_and_tiny_pictures_are_no_trouble(detector, height, width):
    tiny = Frame(0, 0.0, np.zeros((height, width, 3), np.uint8))
    assert len(detector.start().detect([tiny])) == 1


@pytest.mark.shared_data
def test_every_frame_has_its_people_inside_the_picture(detector, frames):
    found = detector.start().detect(frames)
    height, width = frames[0].rgb.shape[:2]
    assert len(found) == len(frames)
    for people in found:
        assert len(people) == 1
        assert np.all(people.boxes_px >= 0)
        assert np.all(people.boxes_px <= (width, height, width, height))
        assert np.all(people.boxes_px[:, :2] < people.boxes_px[:, 2:])
        assert np.all((people.scores >= 0) & (people.scores <= 1))
        assert np.all((people.keypoint_scores >= 0) & (people.keypoint_scores <= 1))


@pytest.mark.shared_data
def test_batches_do_not_change_the_result(detector, frames):
    session = detector.start()
    parts = [session.detect(frames[:1]), session.detect(frames[1:4]), session.detect(frames[4:])]
    assert same([p for part in parts for p in part], detector.start().detect(frames))


@pytest.mark.shared_data
def test_a_new_session_remembers_nothing(detector, frames):
    detector.start().detect(frames)
    assert same(detector.start().detect(frames[:2]), detector.start().detect(frames[:2]))


@pytest.mark.shared_data
def test_sessions_in_parallel_threads_do_not_disturb_each_other(detector, frames):
    alone = detector.start().detect(frames)
    with ThreadPoolExecutor(2) as pool:
        results = list(pool.map(lambda _: detector.start().detect(frames), range(2)))
    assert all(same(result, alone) for result in results)


@pytest.mark.shared_data
def test_frames_are_left_as_they_were(detector, frames):
    before = [frame.rgb.copy() for frame in frames[:2]]
    detector.start().detect(frames[:2])
    assert all(np.array_equal(frame.rgb, copy) for frame, copy in zip(frames[:2], before, strict=True))
