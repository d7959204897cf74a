"""Our batched Keypoint R-CNN against Detectron2's own `DefaultPredictor`: same weights, same frames.

Runs where Detectron2 is installed (`make setup-detectron2`); the model zoo's weights aren't needed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
import torch

from liftline.detections import People
from liftline.errors import ModelError, UsageError
from liftline.frames import Frame
from liftline_detector.keypoint_rcnn import _network as network
from liftline_detector.keypoint_rcnn.detector import KeypointRcnnDetector
from liftline_detector.keypoint_rcnn.options import DEFAULT_CONFIG, KeypointRcnnOptions, is_installed
from liftline_detector.keypoint_rcnn.preprocessing import network_input
from liftline_detector.registry import find_detector
from tests.parity.networks import random_weights

pytestmark = [
    pytest.mark.detectron2,
    pytest.mark.timeout(3600),
    pytest.mark.filterwarnings("ignore"),  # Detectron2's and its libraries' own
    pytest.mark.skipif(not is_installed(), reason="Detectron2 isn't installed; run `make setup-detectron2`"),
]

SMALL_CONFIG = """
_BASE_: {base}
MODEL: {{RESNETS: {{DEPTH: 50}}}}
INPUT: {{MIN_SIZE_TEST: 256, MAX_SIZE_TEST: 448}}
"""
CLIPS = ("two_people_cam01.mp4", "football_juggle.mp4", "sprinters_far.mp4")
BATCH = 4
THRESHOLD = 0.7


@pytest.fixture(scope="module")
def frames(shared_data: Path) -> list[Frame]:
    """Fifty-one real frames, of three videos and sizes."""
    found: list[Frame] = []
    for clip in CLIPS:
        with av.open(str(shared_data / "videos" / clip)) as container:
            pictures = [picture for number, picture in enumerate(container.decode(video=0)) if number % 5 == 0]
        found += [
            Frame(number, number / 5, picture.to_ndarray(format="rgb24"))
            for number, picture in enumerate(pictures[:17])
        ]
    assert len(found) == 51
    return found


@pytest.fixture(scope="module")
def small_config(tmp_path_factory) -> str:
    """A yaml of a user's own, with small pictures."""
    path = tmp_path_factory.mktemp("config") / "small é.yaml"
    path.write_text(SMALL_CONFIG.format(base=network.config_file("COCO-Keypoints/Base-Keypoint-RCNN-FPN.yaml")))
    return str(path)


def options_for(config: str, folder: Path, frames: list[Frame]) -> KeypointRcnnOptions:
    weights = folder / "model_final_random.pkl"
    cfg = network.load_config(config, score_threshold=THRESHOLD, device=torch.device("cpu"))
    random_weights(cfg, weights, [frame.rgb for frame in frames[::17]], seed=1)
    return KeypointRcnnOptions(config=config, weights=weights, device="cpu", score_threshold=THRESHOLD)


@pytest.fixture(scope="module")
def small(small_config, tmp_path_factory, frames) -> KeypointRcnnOptions:
    return options_for(small_config, tmp_path_factory.mktemp("small"), frames)


@pytest.fixture(scope="module")
def ours(small, frames) -> list[People]:
    return in_batches(small, frames)


@pytest.fixture(scope="module")
def theirs(small, frames) -> list[dict[str, np.ndarray]]:
    return by_default_predictor(small, frames)


def in_batches(options: KeypointRcnnOptions, frames: list[Frame]) -> list[People]:
    """Batches of one size of picture, as a video gives them."""
    single = KeypointRcnnDetector.load(options)
    detector = KeypointRcnnDetector(single._run, single._form, single.model, batch_size=BATCH)
    found: list[People] = []
    for start in range(0, len(frames), 17):
        clip = frames[start : start + 17]
        for at in range(0, len(clip), BATCH):
            found += detector.detect(clip[at : at + BATCH])
    return found


def by_default_predictor(options: KeypointRcnnOptions, frames: list[Frame]) -> list[dict[str, np.ndarray]]:
    from detectron2.config import get_cfg
    from detectron2.engine import DefaultPredictor

    cfg = get_cfg()
    cfg.merge_from_file(str(network.config_file(options.config)))
    cfg.MODEL.DEVICE, cfg.MODEL.WEIGHTS = "cpu", str(options.weights)
    cfg.MODEL.ROI_HEADS.SCORE_THRESH_TEST = options.score_threshold
    predict = DefaultPredictor(cfg)
    results = [predict(np.ascontiguousarray(frame.rgb[:, :, ::-1]))["instances"] for frame in frames]
    return [
        {
            "boxes": one.pred_boxes.tensor.numpy(),
            "scores": one.scores.numpy(),
            "keypoints": one.pred_keypoints.numpy(),
        }
        for one in results
    ]


def compare(ours: list[People], theirs: list[dict[str, np.ndarray]]) -> dict[str, float]:
    """Largest differences; fails unless every frame has the same number of people, and enough of them."""
    assert [len(people) for people in ours] == [len(one["scores"]) for one in theirs]
    assert sum(len(people) for people in ours) >= len(ours)
    keypoints = np.concatenate([one["keypoints"] for one in theirs])
    assert keypoints[..., :2].std() > 10
    return {
        "boxes_px": difference([p.boxes_px for p in ours], [one["boxes"] for one in theirs]),
        "keypoints_px": difference([p.keypoints_px for p in ours], [one["keypoints"][..., :2] for one in theirs]),
        "scores": difference([p.scores for p in ours], [one["scores"] for one in theirs]),
        "people": float(len(keypoints)),
    }


def difference(ours: list[np.ndarray], theirs: list[np.ndarray]) -> float:
    return float(np.abs(np.concatenate(ours) - np.concatenate(theirs)).max())


def check(found: dict[str, float], record_property: Callable[[str, object], None]) -> None:
    record_property("largest differences", found)
    assert found["boxes_px"] <= 0.05
    assert found["keypoints_px"] <= 0.05
    assert found["scores"] <= 1e-4


def test_batches_equal_the_default_predictor(ours, theirs, record_property):
    check(compare(ours, theirs), record_property)


@pytest.mark.slow
def test_the_originals_config_equals_the_default_predictor(frames, tmp_path, record_property):
    options = options_for(DEFAULT_CONFIG, tmp_path, frames)
    check(compare(in_batches(options, frames), by_default_predictor(options, frames)), record_property)


def test_keypoint_scores_follow_detectron2s_peaks(ours, theirs):
    peaks = np.concatenate([one["keypoints"][..., 2] for one in theirs])
    np.testing.assert_allclose(np.concatenate([p.keypoint_scores for p in ours]), peaks / (peaks + 0.05), atol=1e-4)


def test_lower_precision_is_off_by_its_rounding(small, frames, record_property):
    """Random weights multiply rounding from layer to layer; three bits more of fp16 must show nevertheless."""
    exact = features(small, frames[20])
    errors = {p: relative_errors(features(replace(small, precision=p), frames[20]), exact) for p in ("bf16", "fp16")}
    record_property("RMS error of each level of features, relative", errors)
    for level in exact:
        assert 0 < 5 * errors["fp16"][level] < errors["bf16"][level] < 0.3


def relative_errors(found: dict[str, torch.Tensor], exact: dict[str, torch.Tensor]) -> dict[str, float]:
    assert all(feature.dtype == torch.float32 for feature in found.values())
    return {
        name: float((found[name] - exact[name]).square().mean().sqrt() / exact[name].square().mean().sqrt())
        for name in exact
    }


def features(options: KeypointRcnnOptions, frame: Frame) -> dict[str, torch.Tensor]:
    built: Any = KeypointRcnnDetector.load(options)._run
    cfg = network.load_config(options.config, score_threshold=THRESHOLD, device=torch.device("cpu"))
    with torch.inference_mode():
        images = built.preprocess_image([network_input(frame.rgb, network.input_format(cfg))])
        return dict(built.backbone(images.tensor))


def test_weights_of_another_network_are_refused(small):
    with pytest.raises(ModelError, match="weights of another network than --detectron-cfg tells"):
        find_detector("detectron2").build(replace(small, config=DEFAULT_CONFIG))


@pytest.mark.parametrize(
    ("config", "phrase"),
    [
        ("COCO-Keypoints/keypoint_rcnn_R_18.yaml", "no such file or config; the installed ones are COCO-Keypoints/"),
        ("../../../etc/passwd", "no such file or config"),
        ("COCO-Detection/faster_rcnn_R_50_FPN_3x.yaml", "doesn't find people with COCO's 17 keypoints"),
    ],
)
def test_unusable_configs_are_refused(config, phrase):
    with pytest.raises(UsageError, match=phrase):
        find_detector("detectron2").build(KeypointRcnnOptions(config=config))


def test_a_config_that_is_a_program_is_not_run(tmp_path):
    canary, path = tmp_path / "canary", tmp_path / "evil.yaml"
    path.write_text(f'MODEL: !!python/object/apply:os.mkdir ["{canary}"]\n')
    with pytest.raises(UsageError, match="not a Detectron2 config"):
        find_detector("detectron2").build(KeypointRcnnOptions(config=str(path)))
    assert not canary.exists()
