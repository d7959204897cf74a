"""A network that reads scores, feet and hands is told what was seen, and nothing of what wasn't."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch

from liftline.camera import Camera
from liftline.errors import ModelError
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import COCO17, HALPE26_HANDS
from liftline_lifter.lifting.checkpoint import METADATA_KEY, SCHEMA_VERSION, load_checkpoint
from liftline_lifter.lifting.features import FEATURES, IN_HALPE26_HANDS, KEYPOINTS, feature_track, features
from liftline_lifter.lifting.inference import Lifter
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES, Normalisation, by_person, by_person_seen
from tests.unit.lifter.random_networks import random_checkpoint, random_keypoints, random_model

CAMERA = Camera.assumed(1280, 720)
SCORES = slice(2 * len(KEYPOINTS), 3 * len(KEYPOINTS))


def rays(frames: int = 20) -> np.ndarray:
    return np.asarray(CAMERA.rays(random_keypoints(frames + 2 * SMOOTHING_FRAMES)), np.float32)


def all_keypoints(frames: int) -> np.ndarray:
    """(T,32,2): the seventeen, and feet and hands near ankles and wrists."""
    body = random_keypoints(frames)
    return np.concatenate([body, body[:, [0, 0, 0, *[15, 16] * 3, *[9, 10] * 3]] + 5], axis=1)


def test_where_everything_is_seen_it_is_where_it_was() -> None:
    own = rays()
    seen = np.ones(own.shape[:2], bool)
    plain, rotations = by_person(own)
    again, same, size = by_person_seen(own, seen)
    np.testing.assert_allclose(same, rotations, atol=1e-6)
    ratio = np.linalg.norm(again, axis=-1) / np.linalg.norm(plain, axis=-1)
    np.testing.assert_allclose(
        ratio, np.broadcast_to(ratio[:, :1], ratio.shape), rtol=1e-4, err_msg="one scale a frame"
    )
    assert (size > 0).all()


def test_a_missing_keypoint_moves_nothing() -> None:
    own = rays()
    seen = np.ones(own.shape[:2], bool)
    seen[:, [11, 15]] = False
    elsewhere = own.copy()
    elsewhere[:, [11, 15]] = 7
    there, rotations, size = by_person_seen(own, seen)
    moved, turned, resized = by_person_seen(elsewhere, seen)
    kept = [joint for joint in range(17) if joint not in (11, 15)]
    np.testing.assert_array_equal(there[:, kept], moved[:, kept])
    np.testing.assert_array_equal(rotations, turned)
    np.testing.assert_array_equal(size, resized)


def test_somebody_without_visible_legs_is_about_as_large() -> None:
    standing = np.zeros((1 + 2 * SMOOTHING_FRAMES, 17, 2), np.float32)
    for name, x, y in (
        ("nose", 0, -6.2), ("shoulder", 1.8, -5), ("elbow", 2.2, -2.1), ("wrist", 2.4, 0.4), ("hip", 1, 0),
        ("knee", 1, 4.3), ("ankle", 1, 8.5), ("eye", 0.3, -6.5), ("ear", 0.7, -6.3),
    ):  # fmt: skip
        for joint, keypoint in enumerate(COCO17.joints):
            if keypoint.endswith(name):
                standing[:, joint] = (-x if keypoint.startswith("right") else x, y)
    seen = np.ones(standing.shape[:2], bool)
    whole = by_person_seen(standing, seen)[2]
    seen[:, COCO17.indices("left_knee", "right_knee", "left_ankle", "right_ankle")] = False
    assert by_person_seen(standing, seen)[2] == pytest.approx(whole, rel=0.2)


def test_nobody_at_all_is_no_error() -> None:
    own = rays()
    inputs, rotations = features(np.zeros((*own.shape[:1], 29, 2), np.float32), np.zeros((len(own), 29)), np.zeros(3))
    assert np.isfinite(inputs).all()
    assert np.isfinite(rotations).all()


def test_coco_keypoints_alone_are_read_and_the_others_are_missing() -> None:
    track = feature_track(random_keypoints(9), np.full((9, 17), 0.8), camera=CAMERA, padding=(4, 4))
    assert track.inputs.shape == (17, FEATURES)
    told = track.inputs[:, SCORES]
    np.testing.assert_allclose(told[:, :17], 0.8)
    assert not told[:, 17:].any()
    assert not track.inputs[:, 34 : SCORES.start].any()


def test_feet_and_hands_are_read_where_there_are_any() -> None:
    keypoints, scores = all_keypoints(9), np.full((9, 32), 0.7)
    keypoints[:, HALPE26_HANDS.index["left_small_toe"]] = np.nan
    scores[:, HALPE26_HANDS.index["right_thumb"]] = 0.3
    track = feature_track(keypoints, scores, camera=CAMERA, padding=(4, 4))
    told = dict(zip(KEYPOINTS.joints, track.inputs[0, SCORES].tolist(), strict=True))
    assert told["left_small_toe"] == 0
    assert told["right_thumb"] == pytest.approx(0.3)
    assert told["left_heel"] == pytest.approx(0.7)
    assert np.isfinite(track.inputs).all()
    assert [HALPE26_HANDS.joints[place] for place in IN_HALPE26_HANDS] == list(KEYPOINTS.joints)


def test_what_was_interpolated_is_there_but_hardly_trusted() -> None:
    track = feature_track(random_keypoints(9), np.zeros((9, 17)), camera=CAMERA, padding=(4, 4))
    assert 0 < track.inputs[0, SCORES.start] < 0.1
    assert track.inputs[:, :34].any()


def test_other_shapes_are_refused() -> None:
    for keypoints, scores in ((np.zeros((5, 16, 2)), np.zeros((5, 16))), (np.zeros((5, 17, 2)), np.zeros((5, 32)))):
        with pytest.raises(ValueError, match="17 or 32"):
            feature_track(keypoints, scores, camera=CAMERA, padding=(4, 4))
    with pytest.raises(ValueError, match="17 or 32"):
        feature_track(np.zeros((0, 17, 2)), np.zeros((0, 17)), camera=CAMERA, padding=(4, 4))


def test_feet_and_hands_are_given_and_the_mirrored_person_is_lifted_mirrored() -> None:
    checkpoint = random_checkpoint(normalisation=Normalisation.PERSON_FEATURES)
    lifter = Lifter(checkpoint, flip=True, batch_frames=4096, device="cpu")
    keypoints, scores = all_keypoints(30), np.random.default_rng(0).uniform(0.2, 1, (30, 32))
    order = HALPE26_HANDS.mirrored
    flipped = keypoints[:, order] * [-1, 1] + [CAMERA.width_px, 0]
    one, other = (
        lifter.lift([points], scores=[told], camera=CAMERA, stop=StopFlag(), progress=FrameCounter())[0].joints_m
        for points, told in ((keypoints, scores), (flipped, scores[:, order]))
    )
    assert one.shape == (30, 29, 3)
    mirrored = [0, 4, 5, 6, 1, 2, 3, 7, 8, 9, 10, 14, 15, 16, 11, 12, 13]
    mirrored += [18, 17, 20, 19, 22, 21, 24, 23, 26, 25, 28, 27]
    np.testing.assert_allclose(other[:, mirrored] * [-1, 1, 1], one, atol=1e-4)


def save(path: Path, normalisation: Normalisation, features_in: int, joints_out: int) -> Path:
    model = random_model((3, 3), 8, joints_out=joints_out, features_in=features_in)
    metadata = {
        "schema_version": SCHEMA_VERSION, "name": "tiny", "filter_widths": [3, 3], "channels": 8, "causal": False,
        "normalisation": normalisation.value, "rate_hz": 50.0, "licence": "MIT", "training": "none",
    }  # fmt: skip
    safetensors.torch.save_file(model.state_dict(), path, {METADATA_KEY: json.dumps(metadata)})
    return path


def test_both_kinds_of_checkpoint_load_and_say_what_they_read(tmp_path: Path) -> None:
    old = load_checkpoint(save(tmp_path / "old", Normalisation.PERSON, 34, 17))
    new = load_checkpoint(save(tmp_path / "new", Normalisation.PERSON_FEATURES, FEATURES, 29))
    assert (old.reads_scores, old.pose_model.joints_out) == (False, 17)
    assert (new.reads_scores, new.pose_model.joints_out) == (True, 29)


def test_weights_that_do_not_fit_what_they_claim_to_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="91 features to 29 joints"):
        load_checkpoint(save(tmp_path / "wrong", Normalisation.PERSON_FEATURES, 34, 17))
