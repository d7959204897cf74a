"""Detectors in ONNX as a whole: finders, people of several frames, thresholds, devices, colour orders, wrong files."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from liftline.errors import LiftlineError, ModelError, UsageError
from liftline.frames import Frame
from liftline.models import catalogue
from liftline.ports import ModelInfo
from liftline.skeletons import HALPE26_HANDS, HALPE26_TO_HALPE26_HANDS
from liftline_detector.declaration import UNMEASURED, Calibration
from liftline_detector.onnx_runtime import colours, devices
from liftline_detector.onnx_runtime.boxes import Boxes, inside, without_repeats
from liftline_detector.onnx_runtime.devices import ON_CPU, import_runtime, placement
from liftline_detector.onnx_runtime.network import Network
from liftline_detector.onnx_runtime.person_finder import (
    RTMDET_PIXELS,
    YOLOX_PIXELS,
    OnnxPersonFinder,
    decode_grids,
    people_of,
)
from liftline_detector.onnx_runtime.top_down import Readings, TopDownDetector, rescored, trusted
from liftline_detector.registry import find_detector
from liftline_detector.rtmpose.model_files import RTMPOSE_M
from liftline_detector.rtmpose.options import RtmposeOptions
from tests import onnx_nets

INFO = ModelInfo("stand-in", "0" * 64, "MIT", "this test")
DOTS = np.array([[130.0, 90], [171, 133], [151, 160]])


# People, whoever finds them.


@dataclass
class ThePeople:
    """Finds these boxes in the frames, one list for each."""

    boxes: list[list[list[float]]]

    def find(self, frames, *, least_score):
        rows = [np.array(boxes, np.float32).reshape(-1, 4) for boxes in self.boxes[: len(frames)]]
        return [Boxes(boxes, np.full(len(boxes), 0.8, np.float32)) for boxes in rows]


@dataclass
class Middles:
    """Reads everything in the middle of a box; `seen` are the frames and boxes of each call."""

    score: float = 1.0
    seen: list[tuple[list[Any], np.ndarray]] = field(default_factory=list)

    def read(self, frames, boxes_px):
        self.seen.append((list(frames), boxes_px))
        middles = (boxes_px[:, None, :2] + boxes_px[:, None, 2:]) / 2
        return Readings(np.repeat(middles, 26, axis=1), np.full((len(boxes_px), 26), self.score, np.float32))


def detector_of(finder, reader, *, score_threshold: float = 0.3, calibration: Calibration = UNMEASURED):
    return TopDownDetector(
        finder, reader, INFO, skeleton=HALPE26_HANDS, sources=HALPE26_TO_HALPE26_HANDS, calibration=calibration,
        score_threshold=score_threshold, placement=ON_CPU,
    )  # fmt: skip


def black(count: int, *, width: int = 320, height: int = 240) -> list[Frame]:
    return [Frame(i, i / 30, np.full((height, width, 3), i, np.uint8)) for i in range(count)]


def test_people_of_several_frames_are_read_in_one_batch_each_in_their_own_frame():
    boxes = [[[0, 0, 20, 40]], [], [[10, 10, 50, 90], [100, 50, 160, 200]]]
    reader, frames = Middles(), black(3)
    found = detector_of(ThePeople(boxes), reader).detect(frames)
    assert [len(people) for people in found] == [1, 0, 2]
    ((seen, read_boxes),) = reader.seen
    assert [int(picture[0, 0, 0]) for picture in seen] == [0, 2, 2]
    assert read_boxes.tolist() == [box for frame in boxes for box in frame]
    assert found[2].keypoints_px[1, 0].tolist() == [130, 125]


def test_hands_are_missing_in_halpes_26():
    (people,) = detector_of(ThePeople([[[0, 0, 20, 40]]]), Middles()).detect(black(1))
    assert people.skeleton is HALPE26_HANDS
    assert np.isfinite(people.keypoints_px[0, :26]).all()
    assert np.isnan(people.keypoints_px[0, 26:]).all()
    assert not people.keypoint_scores[0, 26:].any()


def test_nobody_is_read_where_nobody_is_found():
    reader = Middles()
    assert [len(p) for p in detector_of(ThePeople([[], []]), reader).detect(black(2))] == [0, 0]
    assert reader.seen == []


def test_a_person_whom_the_reader_doubts_falls_below_the_threshold():
    boxes = ThePeople([[[0, 0, 20, 40]]])
    assert len(detector_of(boxes, Middles(0.5)).detect(black(1))[0]) == 1
    assert len(detector_of(boxes, Middles(0.3)).detect(black(1))[0]) == 0
    assert len(detector_of(boxes, Middles(0.3), score_threshold=0.2).detect(black(1))[0]) == 1


def test_scores_are_put_on_the_common_scale():
    known = Calibration(own=(0, 0.3, 1), common=(0, 0.6, 1), measured="this test")
    (people,) = detector_of(ThePeople([[[0, 0, 20, 40]]]), Middles(0.3), calibration=known).detect(black(1))
    assert people.keypoint_scores[0, 0] == pytest.approx(0.6)
    assert people.scores[0] == pytest.approx(0.8 * 0.6)


def test_a_keypoint_outside_keeps_its_place_and_little_of_its_score():
    points, scores = trusted(
        np.array([[[5.0, 5], [-3, 5], [np.nan, 2], [4, 4]]]), np.array([[1.0, 1, 1, 0]]), width=9, height=9
    )
    assert scores[0].tolist() == pytest.approx([1, 0.3, 0, 0])
    assert points[0, 1].tolist() == [-3, 5]
    assert np.isnan(points[0, 2:]).all()


def test_rescoring_leaves_out_what_is_not_seen():
    assert rescored(np.array([0.5, 1.0]), np.array([[0.8, 0.1, 0.6], [0, 0.1, 0]])).tolist() == pytest.approx([0.35, 0])


# Finding people.


def test_the_better_of_two_boxes_of_one_person_stays():
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [20, 0, 30, 10]], np.float32)
    assert without_repeats(boxes, np.array([0.5, 0.9, 0.4]), most_overlap=0.45).tolist() == [1, 2]


def test_boxes_are_cut_off_and_those_outside_go():
    boxes = np.array([[-5, -5, 20, 30], [200, 0, 220, 10], [5, 5, 5, 9], [np.nan, 0, 1, 1]], np.float32)
    cut, there = inside(boxes, width=100, height=20)
    assert there.tolist() == [True, False, False, False]
    assert cut[0].tolist() == [0, 0, 20, 20]


def test_grids_are_decoded_by_their_strides():
    rows = np.zeros((84, 85), np.float32)  # 8 x 8 cells of 8 pixels, 4 x 4 of 16, 2 x 2 of 32
    rows[8 * 3 + 2, :6] = [0.5, 0.25, np.log(2), np.log(4), 0.9, 0.5]
    rows[64 + 4 * 1 + 3, :6] = [0, 0, 0, 0, 1, 1]
    boxes, scores = decode_grids(rows, (64, 64))
    assert boxes[26].tolist() == pytest.approx([20 - 8, 26 - 16, 20 + 8, 26 + 16])
    assert boxes[71].tolist() == pytest.approx([48 - 8, 16 - 8, 48 + 8, 16 + 8])
    assert scores[[26, 71]].tolist() == pytest.approx([0.45, 1])
    with pytest.raises(ModelError, match="84 rows, where a picture of 96 x 96 pixels has 189 cells"):
        decode_grids(rows, (96, 96))


def test_raw_yolox_finds_people_in_the_frames_own_pixels():
    rows = np.zeros((84, 85), np.float32)
    rows[64 + 4 * 1 + 3, :6] = [0, 0, 0, 0, 1, 0.8]
    rows[0, 4:] = 1
    rows[0, 5] = 0  # all classes but a person
    finder = OnnxPersonFinder(Network(onnx_nets.grids(rows), name="raw"), YOLOX_PIXELS)
    (boxes,) = finder.find([np.zeros((128, 128, 3), np.uint8)], least_score=0.3)
    assert boxes.boxes_px.tolist() == [[80, 16, 112, 48]]
    assert boxes.scores.tolist() == pytest.approx([0.8])


def test_of_other_classes_nobody_is_taken():
    dets = np.array([[0, 0, 1, 1, 0.9], [2, 2, 3, 3, 0.8]], np.float32)
    boxes, scores = people_of({"dets": dets, "labels": np.array([7, 0])})
    assert boxes.tolist() == [[2, 2, 3, 3]]
    assert scores.tolist() == pytest.approx([0.8])


@pytest.mark.parametrize("batch", ["batch", 1])
@pytest.mark.parametrize("count", [1, 7, 32])
def test_a_finder_gives_the_bright_part_of_each_frame(batch, count):
    finder = OnnxPersonFinder(Network(onnx_nets.finder(batch=batch), name="finder"), YOLOX_PIXELS)
    pictures = [np.zeros((240, 320, 3), np.uint8) for _ in range(count)]
    for i, picture in enumerate(pictures):
        picture[40 : 80 + i, 60 : 100 + 2 * i] = 255
    found = finder.find(pictures, least_score=0.3)
    for i, boxes in enumerate(found):
        np.testing.assert_allclose(boxes.boxes_px, [[60, 40, 100 + 2 * i, 80 + i]], atol=1)


def test_rtmdets_pixels_are_blue_green_red_less_their_means():
    numbers = RTMDET_PIXELS.numbers(np.full((1, 1, 1, 3), (200, 100, 50), np.uint8))
    assert numbers[0, :, 0, 0].tolist() == pytest.approx(
        [(50 - 103.53) / 57.375, (100 - 116.28) / 57.12, (200 - 123.675) / 58.395]
    )


def test_a_network_that_finds_nobody_is_refused():
    with pytest.raises(ModelError, match="finds no people: neither an output dets nor rows"):
        OnnxPersonFinder(Network(onnx_nets.heatmaps(), name="maps"), YOLOX_PIXELS)


# Devices.


class FakeRuntime:
    """ONNX Runtime with these providers, of which those in `broken` can't be started: it says nothing."""

    def __init__(self, *providers: str, broken: tuple[str, ...] = (), most: int = 99) -> None:
        self.providers, self.broken, self.most = [*providers, devices.CPU], broken, most
        self.calls: list[int] = []

    class SessionOptions:
        pass

    def get_available_providers(self) -> list[str]:
        return self.providers

    def InferenceSession(self, content, options, providers):  # noqa: N802 - ONNX Runtime's name
        started = [name for name, _ in providers if name not in self.broken]
        shape = ["n", 3, 8, 8]
        return SimpleNamespace(
            get_providers=lambda: started, run=self._run,
            get_inputs=lambda: [SimpleNamespace(name="input", shape=shape)],
            get_outputs=lambda: [SimpleNamespace(name="out", shape=["n", 1])],
        )  # fmt: skip

    def _run(self, names, feeds):
        count = len(feeds["input"])
        self.calls.append(count)
        if count > self.most:
            raise RuntimeError("Failed to allocate memory for requested buffer of size 1")
        return [feeds["input"][:, 0, 0, :1]]


@pytest.mark.parametrize(
    ("name", "available", "device", "first"),
    [
        ("auto", [devices.CPU], "cpu", devices.CPU),
        ("auto", [devices.TENSORRT, devices.CUDA, devices.CPU], "cuda:0", devices.CUDA),
        ("auto", [devices.COREML, devices.CPU], "cpu", devices.CPU),
        ("cpu", [devices.CUDA, devices.CPU], "cpu", devices.CPU),
        ("cuda:1", [devices.CUDA, devices.CPU], "cuda:1", devices.CUDA),
        ("tensorrt", [devices.TENSORRT, devices.CUDA, devices.CPU], "tensorrt:0", devices.TENSORRT),
        ("coreml", [devices.COREML, devices.CPU], "coreml", devices.COREML),
    ],
)
def test_devices_are_onnx_runtimes_providers(name, available, device, first):
    chosen = placement(name, available=available, gpu_is_here=False)
    assert (chosen.device, chosen.providers[0][0], chosen.warning) == (device, first, "")
    assert chosen.providers[-1][0] == devices.CPU


def test_the_number_of_a_gpu_reaches_all_of_its_providers():
    chosen = placement("tensorrt:2", available=[devices.TENSORRT, devices.CUDA])
    assert [options for _, options in chosen.providers] == [{"device_id": 2}, {"device_id": 2}, {}]


@pytest.mark.parametrize("name", ["cuda", "tensorrt:1", "coreml"])
def test_a_device_that_onnx_runtime_lacks_is_an_error(name):
    with pytest.raises(ModelError, match=f"--device {name}: the installed ONNX Runtime has no"):
        placement(name, available=[devices.CPU])


def test_auto_warns_where_a_gpu_is_not_used():
    warning = placement("auto", available=[devices.CPU], gpu_is_here=True).warning
    assert "runs on the CPU though this machine has an NVIDIA GPU" in warning
    assert "pip uninstall -y onnxruntime" in warning


def test_a_gpu_that_cant_be_started_is_an_error_by_name_and_a_warning_by_auto():
    runtime = FakeRuntime(devices.CUDA, broken=(devices.CUDA,))
    with pytest.raises(ModelError, match="--device cuda:0: ONNX Runtime couldn't start it"):
        Network(b"", name="net", device="cuda", runtime=runtime)
    loaded = Network(b"", name="net", device="auto", runtime=runtime)
    assert loaded.placement.device == "cpu"
    assert "couldn't start CUDA: there is no such GPU, or" in loaded.placement.warning
    assert "pip install 'onnxruntime-gpu[cuda,cudnn]'" in loaded.placement.warning
    assert detector_of(ThePeople([[]]), Middles()).warnings == ()


def test_a_gpu_that_starts_is_used():
    loaded = Network(b"", name="net", device="auto", runtime=FakeRuntime(devices.CUDA))
    assert (loaded.placement.device, loaded.placement.warning, loaded.batch) == ("cuda:0", "", 32)


def test_a_batch_that_does_not_fit_is_halved_and_stays_so():
    runtime = FakeRuntime(devices.CUDA, most=3)
    loaded = Network(b"", name="net", device="cuda", runtime=runtime)
    pictures = np.arange(10, dtype=np.float32)[:, None, None, None] * np.ones((1, 3, 8, 8), np.float32)
    assert [float(one["out"][0]) for one in loaded.run(pictures)] == list(range(10))
    runtime.calls.clear()
    loaded.run(pictures)
    assert max(runtime.calls) <= 3
    with pytest.raises(LiftlineError, match="memory doesn't suffice for one picture"):
        Network(b"", name="net", device="cuda", runtime=FakeRuntime(devices.CUDA, most=0)).run(pictures)


def test_onnxruntime_installed_twice_is_an_error():
    with pytest.raises(ModelError, match="both installed, and overwrite each other's files"):
        import_runtime(installed=["onnxruntime", "onnxruntime-gpu"])


def test_without_onnx_runtime_the_way_to_install_it_is_told(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "onnxruntime", None)
    with pytest.raises(ModelError, match=r"ONNX Runtime isn't installed.*pip install 'liftline\[onnx\]'"):
        import_runtime(installed=[])


@pytest.mark.parametrize("content", [b"", b"junk" * 50])
def test_a_file_that_is_no_network_is_refused(content):
    with pytest.raises(ModelError, match=r"mine\.onnx: ONNX Runtime can't load it"):
        Network(content, name="mine.onnx")


def test_only_detectors_in_onnx_know_tensorrt():
    assert find_detector("rtmpose").chosen({"device": "tensorrt:1"}).device == "tensorrt:1"
    with pytest.raises(UsageError, match="There is no device 'tensorrt:1'"):
        find_detector("movenet").chosen({"device": "tensorrt:1"})


# Colour orders.


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A model folder with a network that sees red, and a finder."""
    monkeypatch.setenv("LIFTLINE_MODELS_DIR", str(tmp_path))
    return tmp_path


def settled(stated: str = "rgb", **scores: float) -> colours.Verdict:
    calls = []

    def mean_score(rgb, box, order):
        calls.append(order)
        return scores[order]

    return colours.settle(RTMPOSE_M, "a" * 64, stated=stated, mean_score=mean_score)


def test_the_picture_settles_the_colour_order_and_it_is_recorded(folder):
    verdict = settled(rgb=0.4, bgr=0.7)
    assert (verdict.order, verdict.by) == ("bgr", "picture")
    assert "is said to take RGB, but reads the bundled picture better as BGR" in verdict.warning
    record = json.loads((folder / f"{RTMPOSE_M.file_name}.colours.json").read_text())
    assert (record["sha256"], record["order"], record["scores"]) == ("a" * 64, "bgr", {"rgb": 0.4, "bgr": 0.7})
    assert settled(rgb=0.9, bgr=0.1) == verdict  # not looked at again


def test_a_record_of_another_file_does_not_count(folder):
    settled(rgb=0.4, bgr=0.7)
    where = folder / f"{RTMPOSE_M.file_name}.colours.json"
    where.write_text(where.read_text().replace("a" * 64, "b" * 64))
    assert settled(rgb=0.9, bgr=0.1).order == "rgb"


@pytest.mark.parametrize(
    "damaged", ["", "[]", '{"schema_version": 1}', "null", '{"schema_version": 1, "sha256": 3, "order": 5}']
)
def test_a_damaged_record_is_made_anew(folder, damaged):
    (folder / f"{RTMPOSE_M.file_name}.colours.json").write_text(damaged)
    assert settled(rgb=0.9, bgr=0.1).order == "rgb"


def test_where_the_picture_tells_nothing_the_pipeline_or_the_config_holds(folder):
    assert settled(rgb=0.50, bgr=0.501).order == "rgb"
    (folder / f"{RTMPOSE_M.file_name}.colours.json").unlink()
    pipeline = {"pipeline": {"tasks": [{"transforms": [{"type": "Normalize", "to_rgb": False}]}]}}
    (folder / f"{RTMPOSE_M.file_name}.pipeline.json").write_text(json.dumps(pipeline))
    assert settled(rgb=0.50, bgr=0.501).order == "bgr"
    (folder / f"{RTMPOSE_M.file_name}.colours.json").unlink()
    assert settled(rgb=0.7, bgr=0.4).warning.startswith("rtmpose-m: is said to take BGR")


def test_the_bundled_picture_shows_somebody_in_red():
    rgb, (x1, y1, x2, y2) = colours.golden_picture()
    suit = rgb[170:280, 20:180].reshape(-1, 3).mean(axis=0)
    assert rgb.shape == (288, 288, 3)
    assert 0 <= x1 < x2 <= 288
    assert 0 <= y1 < y2 <= 288
    assert suit[0] > 2 * suit[2]


def test_a_detector_is_built_of_ones_own_files_and_its_manifest_names_them(folder, tmp_path):
    pose, finder = tmp_path / "pose.onnx", tmp_path / "people.onnx"
    pose.write_bytes(onnx_nets.simcc())
    finder.write_bytes(onnx_nets.finder())
    options = RtmposeOptions(pose_weights=pose, finder_weights=finder, pose_colours="rgb", device="cpu")
    detector = find_detector("rtmpose").build(options)
    digests = b"".join(hashlib.sha256(path.read_bytes()).digest() for path in (pose, finder))
    assert detector.model.name == "rtmpose/pose.onnx+people.onnx"
    assert detector.model.sha256 == hashlib.sha256(digests).hexdigest()
    assert options.files() == (pose, finder)
    (people,) = detector.start().detect([Frame(0, 0.0, onnx_nets.painted(DOTS))])
    assert np.abs(people.keypoints_px[0, :3] - DOTS).max() < 0.5


def test_ones_own_file_is_judged_by_the_picture_too(folder, tmp_path):
    pose, finder = tmp_path / "pose.onnx", tmp_path / "people.onnx"
    pose.write_bytes(onnx_nets.simcc())
    finder.write_bytes(onnx_nets.finder())
    detector = find_detector("rtmpose").build(RtmposeOptions(pose_weights=pose, finder_weights=finder, device="cpu"))
    assert detector.placement.device == "cpu"


def test_a_network_of_another_number_of_keypoints_is_refused(tmp_path):
    pose, finder = tmp_path / "pose17.onnx", tmp_path / "people.onnx"
    pose.write_bytes(onnx_nets.simcc(17))
    finder.write_bytes(onnx_nets.finder())
    with pytest.raises(ModelError, match=r"pose17\.onnx: finds 17 keypoints where --detector rtmpose has 26"):
        find_detector("rtmpose").build(RtmposeOptions(pose_weights=pose, finder_weights=finder, device="cpu"))


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"pose_size": "xxl"}, "pose_size: there is no size 'xxl'; choose one of: t, s, m, l, m-384"),
        ({"person_finder": "yolov8"}, "person_finder: there is no 'yolov8'"),
        ({"score_threshold": 2}, "score_threshold: 0 to 1"),
        ({"device": "gpu"}, "use auto, cpu, cuda, cuda:N, tensorrt, tensorrt:N or coreml"),
    ],
)
def test_unusable_options_are_refused(options, phrase):
    with pytest.raises(UsageError, match=phrase):
        RtmposeOptions(**options)


def test_after_a_fetch_the_order_is_told_and_what_is_wanted_still(folder, monkeypatch):
    content = onnx_nets.simcc()
    model = catalogue.path(RTMPOSE_M)
    model.write_bytes(content)
    told = find_detector("rtmpose").after_fetch(RTMPOSE_M)
    assert "which colours it takes is found out at its first use" in told[0]  # it isn't the published file
    assert "liftline models fetch rtmpose" in told[-1]
