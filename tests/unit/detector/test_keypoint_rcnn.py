"""Around Keypoint R-CNN: what the network gets, what becomes of its results, and which weights it is given."""

from __future__ import annotations

import os
import pickle

import numpy as np
import pytest
import torch

from liftline.errors import ExitCode, LiftlineError, ModelError, UsageError
from liftline.frames import Frame
from liftline.ports import ModelInfo
from liftline_detector.keypoint_rcnn._from_instances import keypoint_scores
from liftline_detector.keypoint_rcnn.detector import KeypointRcnnDetector
from liftline_detector.keypoint_rcnn.options import KeypointRcnnOptions, is_installed
from liftline_detector.keypoint_rcnn.preprocessing import InputFormat, network_input, resized, scaled_on_device
from liftline_detector.keypoint_rcnn.weights import read_weights
from liftline_detector.registry import find_detector
from tests.standins import BrightNetwork

COCO = InputFormat(800, 1333, "BGR")


def detector(network: BrightNetwork, *, form: InputFormat = COCO, batch_size: int = 4) -> KeypointRcnnDetector:
    return KeypointRcnnDetector(
        network, form, ModelInfo("stand-in", "0" * 64, "MIT", "this test"), batch_size=batch_size
    )


def frame(index: int = 0, *, width: int = 320, height: int = 180, spot: tuple[int, int] = (100, 40)) -> Frame:
    rgb = np.zeros((height, width, 3), np.uint8)
    x, y = spot
    rgb[y : y + 80, x : x + 40] = 255
    return Frame(index, index / 25, rgb)


# Detectron2's ResizeShortestEdge.get_output_shape gives these.
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1280, 720), (1333, 750)),
        ((640, 480), (1067, 800)),
        ((480, 640), (800, 1067)),
        ((1920, 1080), (1333, 750)),
        ((1080, 1920), (750, 1333)),
        ((800, 800), (800, 800)),
        ((3840, 1600), (1333, 555)),
        ((853, 481), (1333, 752)),
    ],
)
def test_pictures_are_scaled_as_detectron2_scales_them(size, expected):
    assert resized(*size, COCO) == expected


def test_the_network_gets_bgr_floats_and_the_original_size():
    rgb = np.zeros((180, 320, 3), np.uint8)
    rgb[..., 0], rgb[..., 2] = 200, 10
    entry = network_input(rgb, COCO)
    assert entry["image"].shape == (3, 750, 1333)
    assert entry["image"].dtype == torch.float32
    assert entry["image"].amax(dim=(1, 2)).tolist() == [10, 0, 200]
    assert (entry["height"], entry["width"]) == (180, 320)


def test_a_config_may_want_rgb_and_no_scaling():
    rgb = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    image = network_input(rgb, InputFormat(0, 1333, "RGB"))["image"]
    np.testing.assert_array_equal(image.numpy(), rgb.transpose(2, 0, 1))


def test_scaling_down_looks_at_every_pixel():
    rgb = np.zeros((1600, 1600, 3), np.uint8)
    rgb[::2, ::2] = 255
    image = network_input(rgb, COCO)["image"]
    assert 60 < image[:, 100:700, 100:700].amin() <= image[:, 100:700, 100:700].amax() < 68


@pytest.mark.parametrize("form", [COCO, InputFormat(800, 1333, "RGB"), InputFormat(0, 1333, "BGR")])
@pytest.mark.parametrize(("width", "height"), [(320, 180), (1600, 1200), (601, 1001)])
def test_pictures_scaled_on_a_device_are_those_scaled_here(form, width, height):
    rng = np.random.default_rng(1)
    rough = rng.integers(0, 256, (2, height // 8, width // 8, 3)).astype(np.uint8)
    pictures = [np.kron(one, np.ones((8, 8, 1), np.uint8)) for one in rough]
    there = scaled_on_device(pictures, form, torch.device("cpu"))
    for picture, entry in zip(pictures, there, strict=True):
        here = network_input(picture, form)
        assert (entry["height"], entry["width"]) == (here["height"], here["width"])
        assert entry["image"].shape == here["image"].shape
        off = (entry["image"] - here["image"]).abs()
        assert off.max() <= 1
        assert off.mean() < 0.3


def test_pictures_of_several_sizes_keep_their_order_on_a_device():
    sizes = [(90, 160), (90, 160), (180, 320), (90, 160)]
    pictures = [np.full((*size, 3), 10 * n, np.uint8) for n, size in enumerate(sizes)]
    entries = scaled_on_device(pictures, COCO, torch.device("cpu"))
    assert [(one["height"], one["width"]) for one in entries] == sizes
    assert [round(float(one["image"].mean()), 3) for one in entries] == [0, 10, 20, 30]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="this machine has no CUDA device")
def test_a_gpu_scales_as_this_machine_does():
    picture = np.random.default_rng(2).integers(0, 256, (720, 1280, 3)).astype(np.uint8)
    (entry,) = scaled_on_device([picture], COCO, torch.device("cuda"))
    assert entry["image"].device.type == "cuda"
    assert (entry["image"].cpu() - network_input(picture, COCO)["image"]).abs().max() <= 1


def test_boxes_and_keypoints_are_in_pixels_of_the_frame():
    people = detector(BrightNetwork()).detect([frame()])[0]
    np.testing.assert_allclose(people.boxes_px, [[100, 40, 140, 120]], atol=0.5)
    np.testing.assert_allclose(people.keypoints_px[0], np.tile([120, 80], (17, 1)), atol=0.5)
    assert people.keypoints_px.shape == (1, 17, 2)


def test_frames_go_through_the_network_in_one_batch():
    network = BrightNetwork()
    found = detector(network).detect([frame(i, spot=(20 * i, 40)) for i in range(4)])
    assert [len(batch) for batch in network.inputs] == [4]
    assert [round(float(people.boxes_px[0, 0])) for people in found] == [0, 20, 40, 60]


def test_nobody_is_nobody():
    people = detector(BrightNetwork()).detect([Frame(0, 0.0, np.zeros((90, 160, 3), np.uint8))])[0]
    assert len(people) == 0
    assert people.keypoints_px.shape == (0, 17, 2)


def test_a_batch_that_does_not_fit_the_device_is_halved():
    network = BrightNetwork(most_frames=2)
    found = detector(network, batch_size=7).detect([frame(i, spot=(20 * i, 40)) for i in range(7)])
    assert [round(float(people.boxes_px[0, 0])) for people in found] == [0, 20, 40, 60, 80, 100, 120]
    assert max(len(batch) for batch in network.inputs) == 7


def test_a_frame_that_does_not_fit_the_device_is_said():
    with pytest.raises(LiftlineError, match=r"memory doesn't suffice for one frame.*--device cpu"):
        detector(BrightNetwork(most_frames=0)).detect([frame(), frame(1)])


def test_keypoint_scores_are_half_where_detectron2_starts_to_draw():
    scores = keypoint_scores(np.array([0, 0.01, 0.05, 0.2, 1.2], np.float32))
    assert scores[0] == 0
    assert scores[2] == pytest.approx(0.5)
    assert np.all(np.diff(scores) > 0)
    assert scores[-1] < 1


WEIGHTS = {"a.weight": np.arange(6, dtype=np.float32).reshape(2, 3), "a.bias": np.ones(2, np.float32)}


@pytest.mark.parametrize("protocol", [2, 4])
def test_a_model_zoo_pickle_is_read(tmp_path, protocol):
    path = tmp_path / "model_final_abcdef.pkl"
    path.write_bytes(pickle.dumps({"model": WEIGHTS, "__author__": "Detectron2 Model Zoo"}, protocol))
    weights = read_weights(path)
    assert {name: tensor.tolist() for name, tensor in weights.tensors.items()} == {
        name: array.tolist() for name, array in WEIGHTS.items()
    }
    assert len(weights.sha256) == 64


@pytest.mark.parametrize("zipped", [True, False])
def test_a_trainer_checkpoint_is_read(tmp_path, zipped):
    path = tmp_path / "model_final.pth"
    model = {name: torch.from_numpy(array) for name, array in WEIGHTS.items()}
    torch.save({"model": model, "iteration": 9}, path, _use_new_zipfile_serialization=zipped)
    assert read_weights(path).tensors["a.weight"].tolist() == WEIGHTS["a.weight"].tolist()


class Harm:
    def __init__(self, canary: str) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, (self.canary,)


@pytest.mark.parametrize("suffix", [".pkl", ".pth"])
def test_weights_that_are_a_program_are_not_run(tmp_path, suffix):
    canary, path = tmp_path / "canary", tmp_path / f"weights{suffix}"
    content = {"model": {"a.weight": Harm(str(canary))}, "__author__": "x"}
    if suffix == ".pkl":
        path.write_bytes(pickle.dumps(content))
    else:
        torch.save(content, path)
    with pytest.raises(ModelError, match=str(path)) as caught:
        read_weights(path)
    assert caught.value.exit_code is ExitCode.MODEL
    assert not canary.exists()


@pytest.mark.parametrize(
    ("name", "content", "phrase"),
    [
        ("no_model.pkl", pickle.dumps({"blobs": {"w": np.zeros(2)}}), "holds no weights under 'model'"),
        ("a_list.pkl", pickle.dumps([1, 2]), "holds no weights under 'model'"),
        ("words.pkl", pickle.dumps({"model": {"a.weight": "text"}}), "'a.weight' holds no numbers"),
        ("cut.pkl", pickle.dumps({"model": WEIGHTS})[:-20], "damaged"),
        ("junk.pth", b"junk" * 50, "damaged"),
        ("empty.pth", b"", "damaged"),
    ],
)
def test_files_that_hold_no_weights_are_refused_in_words(tmp_path, name, content, phrase):
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ModelError, match=f"{name}.*{phrase}"):
        read_weights(path)


def test_missing_weights_are_said(tmp_path):
    with pytest.raises(ModelError, match=r"nowhere\.pkl: can't read the weights"):
        read_weights(tmp_path / "nowhere.pkl")


@pytest.mark.skipif(is_installed(), reason="Detectron2 is installed here")
def test_without_detectron2_the_way_to_install_it_is_told():
    with pytest.raises(ModelError, match=r"Detectron2 isn't installed; run `make setup-detectron2`"):
        find_detector("detectron2").build(KeypointRcnnOptions())


def test_auto_needs_a_gpu_for_detectron2():
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    entry = find_detector("auto")
    assert entry.build(entry.chosen({})).model.name == "movenet"


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ({"precision": "int8"}, "precision: there is no 'int8' in this version; choose 'fp32', 'bf16' or 'fp16'"),
        ({"score_threshold": 1.5}, "score_threshold: 0 to 1, not 1.5"),
        ({"score_threshold": float("nan")}, "score_threshold: 0 to 1, not nan"),
        ({"device": "gpu"}, "There is no device 'gpu'"),
    ],
)
def test_unusable_options_are_refused(options, phrase):
    with pytest.raises(UsageError, match=phrase):
        KeypointRcnnOptions(**options)
