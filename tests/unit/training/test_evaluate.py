"""What is measured is what it is called."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.network import TemporalModel
from liftline_lifter.lifting.normalise import SMOOTHING_FRAMES, Normalisation
from training.evaluate import HDM_MEAN, Conditions, Evaluation, evaluate
from training.motion.bones import to_bones
from training.motion.data import COCO_IN_JOINTS, Motion, held_out_split, load_motion
from training.predict import predict, predict_runs
from training.samples._actions import action_of
from training.samples.held_out import RUN_FRAMES, held_out_runs, held_out_windows
from training.scoring import MotionScore, Score, by_action, by_joint


@pytest.fixture(scope="module")
def checkpoint() -> LifterCheckpoint:
    """A network that has learned nothing."""
    torch.manual_seed(0)
    model = TemporalModel((3, 3), 16, dropout=0.0).eval()
    return LifterCheckpoint(model, None, Normalisation.PERSON, 50.0, "untrained", "", "MIT")


@pytest.fixture(scope="module")
def evaluation(checkpoint: LifterCheckpoint, mocap: Path) -> Evaluation:
    return evaluate(checkpoint, mocap, Conditions(), count=40, runs=3)


@pytest.fixture
def motion(mocap: Path) -> Motion:
    return held_out_split(load_motion(mocap))


@pytest.mark.parametrize(
    ("clip", "action"),
    [
        ("bd_walk2StepsLstart_001", "walk"),
        ("bk_kickLFront1Reps_007", "kick front"),
        ("tr_elbowToKnee1RepsLelbowStart_021", "elbow to knee"),
        ("mm_depositFloorR_019", "deposit floor"),
        ("dg_jogLeftCircle4StepsRstart_008", "jog left circle"),
        ("dg_hopBothLegs1hops_022", "hop both legs"),
        ("002_04", "jump, balance"),
        ("002_09", "swordplay"),
        ("002_99", "002_99"),
        ("salsa_16", "salsa"),
    ],
)
def test_a_clips_name_tells_the_action(clip: str, action: str) -> None:
    assert action_of(clip) == action


@pytest.mark.shared_data
def test_every_held_out_clip_has_an_action_in_words(shared_data: Path) -> None:
    clips = held_out_split(load_motion(shared_data / "mocap" / "cmu_hdm05_50hz.npz")).clips
    actions = {action_of(clip) for clip in clips}
    assert len(actions) == 16
    assert not any(character.isdigit() or character == "_" for action in actions for character in action)


def test_every_table_is_of_the_same_poses(evaluation: Evaluation) -> None:
    assert list(evaluation.subjects) == list(evaluation.motion) == ["cmu_02", "hdm_bd", "hdm_tr", HDM_MEAN]
    for group in (HDM_MEAN, "cmu_02"):
        score, joints, actions = evaluation.subjects[group], evaluation.joints[group], evaluation.actions[group]
        assert np.mean([joint.mpjpe_mm for joint in joints.values()]) == pytest.approx(score.mpjpe_mm, rel=1e-4)
        assert np.mean([joint.p_mpjpe_mm for joint in joints.values()]) == pytest.approx(score.p_mpjpe_mm, rel=1e-4)
        together = sum(action.score.mpjpe_mm * action.windows for action in actions.values())
        windows = sum(action.windows for action in actions.values())
        assert together / windows == pytest.approx(score.mpjpe_mm, rel=1e-4)
    assert sum(action.windows for action in evaluation.actions[HDM_MEAN].values()) == 80


def test_the_mean_counts_every_actor_the_same_and_not_cmus(evaluation: Evaluation) -> None:
    actors = [evaluation.subjects[name].mpjpe_mm for name in ("hdm_bd", "hdm_tr")]
    assert evaluation.subjects[HDM_MEAN].mpjpe_mm == pytest.approx(np.mean(actors))


def test_an_evaluation_is_the_same_each_time(checkpoint: LifterCheckpoint, mocap: Path, evaluation: Evaluation) -> None:
    assert evaluate(checkpoint, mocap, Conditions(), count=40, runs=3) == evaluation


@pytest.mark.parametrize("conditions", [Conditions(noisy=False), Conditions(flip=False), Conditions(focal_error=1.25)])
def test_every_condition_changes_what_is_measured(
    checkpoint: LifterCheckpoint, mocap: Path, evaluation: Evaluation, conditions: Conditions
) -> None:
    other = evaluate(checkpoint, mocap, conditions, count=40, runs=3)
    assert other.subjects["cmu_02"] != evaluation.subjects["cmu_02"]
    assert other.motion["cmu_02"] != evaluation.motion["cmu_02"]


def test_windows_and_runs_are_lifted_alike(checkpoint: LifterCheckpoint, motion: Motion) -> None:
    rays = held_out_runs(motion, 9, noisy=True, count=4)["hdm_bd"].rays
    frames = 9 + 2 * SMOOTHING_FRAMES
    poses = predict_runs(checkpoint, rays)
    assert poses.shape == (4, RUN_FRAMES, 17, 3)
    for at in (0, 7, RUN_FRAMES - 1):
        np.testing.assert_allclose(predict(checkpoint, rays[:, at : at + frames]), poses[:, at], atol=1e-5)


def test_a_run_shows_its_poses_from_one_camera_that_stands_still(motion: Motion) -> None:
    runs = held_out_runs(motion, 9, noisy=False, count=5)["hdm_tr"]
    rays = runs.rays[:, 4 + SMOOTHING_FRAMES :][:, :RUN_FRAMES]
    hips_m = np.array([
        [_hip_seen(keypoints, pose) for keypoints, pose in zip(*run, strict=True)]
        for run in zip(rays, runs.poses_m, strict=True)
    ])  # fmt: skip
    steps_m = np.linalg.norm(np.diff(hips_m, axis=1), axis=-1)
    walked_m = np.linalg.norm(np.diff(motion.root_m[:RUN_FRAMES], axis=0), axis=-1)
    np.testing.assert_allclose(steps_m, walked_m.mean(), rtol=0.1)


def _hip_seen(keypoints: np.ndarray, pose_m: np.ndarray) -> np.ndarray:
    """(3,) the place of the hip from which a pose is seen as keypoints (17, 2): u = (x + x0) / (z + z0)."""
    joints, seen = pose_m[[COCO_IN_JOINTS[keypoint] for keypoint in range(5, 17)]], keypoints[5:]
    across = np.stack([np.ones(12), np.zeros(12), -seen[:, 0]], axis=1)
    along = np.stack([np.zeros(12), np.ones(12), -seen[:, 1]], axis=1)
    offsets = seen * joints[:, 2:] - joints[:, :2]
    place, residual, *_ = np.linalg.lstsq(np.concatenate([across, along]), offsets.T.ravel(), rcond=None)
    assert residual[0] < 1e-6
    return place


def test_runs_and_windows_do_not_depend_on_how_far_a_network_sees(motion: Motion) -> None:
    near, far = (held_out_runs(motion, frames, noisy=False, count=5)["hdm_tr"] for frames in (9, 27))
    np.testing.assert_array_equal(near.poses_m, far.poses_m)
    np.testing.assert_allclose(near.rays, far.rays[:, 9:-9])
    windows = [held_out_windows(to_bones(motion), motion, frames, noisy=False, count=5) for frames in (9, 27)]
    np.testing.assert_array_equal(windows[0]["hdm_bd"].windows.poses_m, windows[1]["hdm_bd"].windows.poses_m)


def test_a_joint_that_is_off_is_named() -> None:
    wanted = np.random.default_rng(0).normal(0, 0.4, (10, 17, 3)).astype(np.float32)
    predicted = wanted.copy()
    predicted[:, 13] += np.float32([0, 0, 0.1])
    scores = by_joint(predicted, wanted)
    assert scores["left_wrist"].mpjpe_mm == pytest.approx(100, rel=1e-3)
    assert scores["right_wrist"].mpjpe_mm == pytest.approx(0, abs=1e-3)
    assert scores["left_wrist"].p_mpjpe_mm > 50 > scores["right_wrist"].p_mpjpe_mm


def test_actions_are_scored_apart() -> None:
    wanted = np.random.default_rng(0).normal(0, 0.4, (10, 17, 3)).astype(np.float32)
    predicted = wanted.copy()
    predicted[4:] += np.float32([0.3, 0, 0])
    scores = by_action(predicted, wanted, np.array(["sit"] * 4 + ["walk"] * 6))
    assert {name: (round(own.score.mpjpe_mm), own.windows) for name, own in scores.items()} == {
        "sit": (0, 4), "walk": (300, 6),
    }  # fmt: skip


def test_the_mean_of_scores_is_taken_by_measure() -> None:
    assert Score.mean([Score(1, 2, 3), Score(3, 4, 5)]) == Score(2, 3, 4)


def test_acceleration_is_told_per_frame_and_per_second() -> None:
    wanted = np.zeros((1, 3, 17, 3), np.float32)
    predicted = wanted.copy()
    predicted[:, 1, :, 0] = 0.001
    score = MotionScore.of(predicted, wanted, 50.0)
    assert score.mpjve_mm == pytest.approx(1)
    assert score.acceleration_mm == pytest.approx(2)
    assert score.acceleration_m_s2 == pytest.approx(0.002 * 2500)
