"""RTMPose's and ViTPose's readers and RTMO on networks whose answers are known: places, colours, batches, borders."""

from __future__ import annotations

import numpy as np
import pytest

from liftline.errors import ModelError
from liftline.frames import Frame
from liftline.ports import ModelInfo
from liftline_detector.onnx_runtime.network import Network
from liftline_detector.onnx_runtime.pictures import Crop, letterbox
from liftline_detector.rtmo.detector import RtmoDetector
from liftline_detector.rtmpose.simcc import SimccReader, decode
from liftline_detector.vitpose.heatmaps import HeatmapReader
from tests import onnx_nets

DOTS = np.array([[130.0, 90], [171, 133], [151, 160]])
BOX = np.array([100, 60, 200, 190], np.float32)
KINDS = {"simcc": (SimccReader, onnx_nets.simcc), "heatmaps": (HeatmapReader, onnx_nets.heatmaps)}
INFO = ModelInfo("stand-in", "0" * 64, "MIT", "this test")


@pytest.fixture(params=KINDS, scope="module")
def reader(request):
    make, net = KINDS[request.param]
    return make(Network(net(), name=request.param), "rgb")


def shifted(count: int) -> tuple[list, np.ndarray, np.ndarray]:
    """So many frames, each with somebody elsewhere: frames, boxes, and where their dots are (N,3,2)."""
    moves = np.random.default_rng(0).integers(-40, 41, (count, 2))
    frames = [onnx_nets.painted(DOTS + move) for move in moves]
    return frames, (BOX + np.tile(moves, 2)).astype(np.float32), DOTS + moves[:, None]


@pytest.mark.parametrize("count", [1, 7, 32])
def test_dots_are_found_within_half_a_pixel_in_batches_of_any_size(reader, count):
    frames, boxes, dots = shifted(count)
    read = reader.read(frames, boxes)
    assert read.keypoints_px.shape[0] == count
    for k in range(read.keypoints_px.shape[1]):
        assert np.abs(read.keypoints_px[:, k] - dots[:, k % 3]).max() < 0.5
    assert (read.scores > 0.5).all()


@pytest.mark.parametrize("size_px", [(60, 200), (220, 60), (300, 230)])
def test_boxes_of_any_shape_are_extended_to_the_networks_shape(reader, size_px):
    middle = np.array([160, 120])
    dots = middle + np.array([[-20, 12], [11, -9], [3, 20]])
    box = np.concatenate([middle - np.array(size_px) / 2, middle + np.array(size_px) / 2])
    read = reader.read([onnx_nets.painted(dots, spread_px=4)], box[None].astype(np.float32))
    scale = Crop.around(box, (192, 256)).size_px[0] / 192
    assert np.abs(read.keypoints_px[0, :3] - dots).max() <= 0.51 * max(scale, 1)


def test_two_people_of_one_frame_are_read_apart(reader):
    both = np.concatenate([DOTS, DOTS + np.array([-90, 10])])
    colours = np.tile(onnx_nets.COLOURS, (2, 1))
    frame = onnx_nets.painted(both, colours=colours)
    boxes = np.stack([[120, 80, 180, 170], [30, 90, 90, 180]]).astype(np.float32)
    read = reader.read([frame, frame], boxes)
    assert np.abs(read.keypoints_px[:, :3] - both.reshape(2, 3, 2)).max() < 0.5


def test_a_box_that_lies_partly_outside_is_read_where_the_frame_is(reader):
    dots = np.array([[4.0, 30], [20, 60], [12, 90]])
    read = reader.read([onnx_nets.painted(dots)], np.array([[-40, 0, 40, 120]], np.float32))
    assert np.abs(read.keypoints_px[0, :3] - dots).max() < 0.5


def test_nothing_is_found_in_a_box_that_lies_outside(reader):
    read = reader.read([onnx_nets.painted(DOTS)], np.array([[-300, -300, -200, -180]], np.float32))
    assert (read.scores < 0.01).all()


def test_an_empty_box_is_read_as_one_of_a_pixel(reader):
    read = reader.read([onnx_nets.painted(DOTS)], np.array([[150, 100, 150, 100]], np.float32))
    assert read.scores.shape == (1, read.keypoints_px.shape[1])


@pytest.mark.parametrize("kind", KINDS)
def test_red_goes_where_the_network_has_red(kind):
    make, net = KINDS[kind]
    network = Network(net(), name=kind)
    red_only = onnx_nets.painted(DOTS[:1])
    first, third = {}, {}
    for order in ("rgb", "bgr"):
        scores = make(network, order).read([red_only], BOX[None]).scores[0]
        first[order], third[order] = scores[0], scores[2]
    assert first["rgb"] > 0.5
    assert third["rgb"] < 0.01
    assert third["bgr"] > 0.1
    assert first["bgr"] < 0.2 * first["rgb"] + 0.01


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_of_one_picture_at_a_time_gives_the_same(kind):
    make, net = KINDS[kind]
    frames, boxes, _ = shifted(5)
    many, single = (make(Network(net(batch=batch), name=kind), "rgb") for batch in ("batch", 1))
    assert single.network.batch == 1
    np.testing.assert_allclose(
        single.read(frames, boxes).keypoints_px, many.read(frames, boxes).keypoints_px, atol=1e-4
    )


def test_a_network_of_a_fixed_batch_is_filled_up():
    reader = SimccReader(Network(onnx_nets.simcc(batch=4), name="four"), "rgb")
    frames, boxes, dots = shifted(6)
    assert np.abs(reader.read(frames, boxes).keypoints_px[:, :3] - dots).max() < 0.5


def test_simcc_is_read_as_mmpose_reads_it():
    along_x, along_y = np.full((3, 384), -1.0), np.full((3, 512), -1.0)
    along_x[0, 101], along_y[0, 301] = 0.9, 0.4
    along_x[1, 10], along_y[1, 20] = 0.8, -0.1
    shares, scores = decode(along_x, along_y, (192, 256))
    np.testing.assert_allclose(shares[0], [50.5 / 192, 150.5 / 256], rtol=1e-6)
    assert scores.tolist() == pytest.approx([0.4, 0, 0])
    assert np.isnan(shares[1:]).all()


def test_a_network_of_another_kind_is_refused():
    with pytest.raises(ModelError, match=r"has no output simcc_x or simcc_y \(it has heatmap\); use another file"):
        SimccReader(Network(onnx_nets.heatmaps(), name="maps"), "rgb")


def test_a_letterboxed_pixel_is_where_its_scale_says():
    dot = np.array([[201.0, 99.0]])
    picture, scale = letterbox(onnx_nets.painted(dot, colours=np.ones((1, 3)), spread_px=4), (160, 160))
    y, x = np.unravel_index(picture[:120].max(axis=2).argmax(), (120, 160))
    assert (x / scale, y / scale) == pytest.approx(dot[0], abs=0.5 / scale)
    assert (picture[121:] == 114).all()


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("count", [1, 7, 32])
def test_rtmo_finds_somebody_in_each_of_any_number_of_frames(batch, count):
    detector = RtmoDetector(Network(onnx_nets.rtmo(batch=batch), name="rtmo"), INFO, score_threshold=0.3)
    moves = np.random.default_rng(1).integers(-30, 30, (count, 2))
    frames = [Frame(i, i / 30, onnx_nets.painted(DOTS + move)) for i, move in enumerate(moves)]
    found = detector.start().detect(frames)
    for people, move in zip(found, moves, strict=True):
        assert len(people) == 1
        for k in range(17):
            assert np.abs(people.keypoints_px[0, k] - DOTS[2 - k % 3] - move).max() < 0.5
        assert people.scores[0] == pytest.approx(0.9)


def test_rtmo_is_fed_blue_first():
    detector = RtmoDetector(Network(onnx_nets.rtmo(), name="rtmo"), INFO, score_threshold=0.3)
    (people,) = detector.detect([Frame(0, 0.0, onnx_nets.painted(DOTS[:1]))])
    assert np.abs(people.keypoints_px[0, 2] - DOTS[0]).max() < 0.5
    assert people.keypoint_scores[0, 2] > 0.5
    assert people.keypoint_scores[0, 0] < 0.5  # blue: the padding's grey is all there is


def test_rtmo_of_other_outputs_is_refused():
    with pytest.raises(ModelError, match="has no output keypoints"):
        RtmoDetector(Network(onnx_nets.finder(), name="boxes.onnx"), INFO, score_threshold=0.3)
