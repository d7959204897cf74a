"""Training learns, stops, goes on, and gives a checkpoint that loads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from liftline.kinematics.angles import joint_angles
from liftline_lifter.lifting.checkpoint import load_checkpoint
from liftline_lifter.lifting.normalise import Normalisation
from training._batches import Batch, batches, make_batch
from training._run import STATE_FILE, Run, Settings, learning_rate
from training._threads import Threads
from training.augmentation import hands, postures
from training.evaluate import Conditions, evaluate
from training.export import export
from training.losses import LossWeights, angle_error, direction_error, limb_angles, mpjpe, p_mpjpe, total
from training.motion.bones import BoneMotion, ancestors
from training.samples.windows import POSE
from training.scoring import Score
from training.train import train

TINY = Settings(
    filter_widths=(3, 3), channels=32, windows=24, poses_per_window=2, pairs=3, learning_rate=3e-3, average=0.9,
    warm_up_steps=3, steps=60,
)  # fmt: skip


def source(run: Run, body: BoneMotion) -> Iterator[Batch]:
    for step in itertools.count(run.step):
        yield make_batch(body, run.batch_shape, seed=run.settings.seed, step=step)


def trained(run: Run, body: BoneMotion, out: Path, **options: float) -> list[float]:
    """Train to the end; the losses in the log."""
    lines: list[str] = []
    train(run, source(run, body), out, threads=Threads(1), log_every=10, log=lines.append, **options)
    return [float(line.split("loss ")[1].split(" mm")[0]) for line in lines]


@pytest.fixture(autouse=True)
def _threads_as_before() -> Iterator[None]:
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_a_tiny_network_learns_and_its_export_loads(body: BoneMotion, mocap: Path, tmp_path: Path) -> None:
    run = Run.start(TINY)
    losses = trained(run, body, tmp_path)
    assert losses[-1] < 0.7 * losses[0]
    export(Run.load(tmp_path / STATE_FILE), tmp_path / "tiny.safetensors", machine="a test")
    checkpoint = load_checkpoint(tmp_path / "tiny.safetensors")
    assert checkpoint.filter_widths == (3, 3)
    assert (checkpoint.normalisation, checkpoint.rate_hz) == (Normalisation.PERSON_FEATURES, 50.0)
    assert "60 steps" in checkpoint.training
    scores = evaluate(checkpoint, mocap, Conditions(), count=50, runs=4).subjects
    assert set(scores) == {"cmu_02", "hdm_bd", "hdm_tr", "hdm_* mean"}
    assert all(0 < score.p_mpjpe_mm < score.mpjpe_mm < 600 for score in scores.values())


def test_a_stopped_run_goes_on_as_if_it_had_not_stopped(body: BoneMotion, tmp_path: Path) -> None:
    settings = replace(TINY, steps=12)
    whole = Run.start(settings)
    trained(whole, body, tmp_path / "whole")
    stopped = Run.start(settings)
    feed = itertools.islice(source(stopped, body), 5)
    with pytest.raises(StopIteration):
        train(stopped, feed, tmp_path / "parts", threads=Threads(1), save_every_s=0)
    resumed = Run.load(tmp_path / "parts" / STATE_FILE)
    assert resumed.step == 5
    trained(resumed, body, tmp_path / "parts")
    for name, tensor in whole.average.state_dict().items():
        torch.testing.assert_close(resumed.average.state_dict()[name], tensor, msg=name)


def test_a_run_can_be_made_longer_and_its_learning_rate_changed() -> None:
    run = Run.start(TINY)
    run.step = 60
    assert run.progress == 1
    run.go_on(minutes=600, steps=120, learning_rate=None)
    assert (run.progress, run.settings.learning_rate) == (0.5, TINY.learning_rate)
    run.go_on(minutes=600, steps=120, learning_rate=1e-4)
    assert run.settings.learning_rate == 1e-4


def test_a_run_that_starts_from_weights_is_as_good_as_they_are_and_says_so(body: BoneMotion, tmp_path: Path) -> None:
    first = Run.start(TINY)
    losses = trained(first, body, tmp_path / "first")
    export(first, tmp_path / "first.safetensors", machine="a test")
    wider = replace(TINY, channels=48, learning_rate=1e-4, steps=10)
    run = Run.start(wider, start_from=load_checkpoint(tmp_path / "first.safetensors"))
    assert trained(run, body, tmp_path / "wider")[0] < 1.1 * losses[-1]
    run = Run.load(tmp_path / "wider" / STATE_FILE)
    export(run, tmp_path / "wider.safetensors", machine="a test")
    checkpoint = load_checkpoint(tmp_path / "wider.safetensors")
    assert checkpoint.pose_model.channels == 48
    assert "10 steps" in checkpoint.training
    assert "60 steps" in checkpoint.training


def test_a_run_starts_only_from_a_network_of_its_own_shape(tmp_path: Path) -> None:
    export(Run.start(TINY), tmp_path / "other.safetensors", machine="a test")
    with pytest.raises(ValueError, match="filter widths"):
        Run.start(replace(TINY, filter_widths=(3, 3, 3)), start_from=load_checkpoint(tmp_path / "other.safetensors"))


def test_the_losses_are_the_figures_that_are_published() -> None:
    torch.manual_seed(0)
    predicted, wanted = torch.randn(2, 6, 17, 3)
    score = Score.of(predicted.numpy(), wanted.numpy())
    assert 1000 * mpjpe(predicted, wanted).item() == pytest.approx(score.mpjpe_mm, rel=1e-5)
    assert 1000 * p_mpjpe(predicted, wanted).item() == pytest.approx(score.p_mpjpe_mm, rel=1e-5)


def body_poses(count: int) -> torch.Tensor:
    """(B, 1, 29, 3) bodies in random postures."""
    made = postures.draw(count, 1, np.random.default_rng(0))
    hands.attach(made.bones, made.lengths_m, None)
    joints = np.swapaxes(made.bones @ ancestors(), 2, 3)[:, :, POSE]
    return torch.from_numpy(np.ascontiguousarray(joints))


def test_angles_are_learned_as_they_are_published() -> None:
    poses = body_poses(40)
    published = joint_angles(poses.numpy())
    np.testing.assert_allclose(np.degrees(limb_angles(poses).numpy()), published, atol=0.7)
    bent = poses + 0.05 * torch.randn(poses.shape, generator=torch.manual_seed(1))
    expected = np.abs(joint_angles(bent.numpy()) - published).mean()
    assert np.degrees(angle_error(bent, poses).item()) == pytest.approx(expected, rel=0.05)


def test_a_bones_length_is_no_error_of_its_direction() -> None:
    poses, known = body_poses(5), torch.ones(5, 29, dtype=torch.bool)
    assert direction_error(1.2 * poses, poses, known).item() == pytest.approx(0, abs=1e-6)
    turned = poses.clone()
    turned[:, :, 13] = poses[:, :, 12] + (poses[:, :, 13] - poses[:, :, 12]).roll(1, dims=-1)
    assert direction_error(turned, poses, known).item() > 0.002


def test_joints_that_are_not_known_teach_nothing() -> None:
    wanted = body_poses(6)
    known = torch.ones(6, 29, dtype=torch.bool)
    known[:, 17:23] = False
    predicted = wanted + 0.01
    other = predicted.clone()
    other[:, :, 17:23] += 1
    one, two = (total(poses, wanted, known, 2, LossWeights())[0].item() for poses in (predicted, other))
    assert one == pytest.approx(two)


def test_a_loss_of_velocities_sees_motion_not_place() -> None:
    wanted, known = body_poses(6), torch.ones(6, 29, dtype=torch.bool)
    placed = wanted + torch.linspace(0, 0.1, 29)[:, None]
    assert total(placed, wanted, known, 3, LossWeights())[1]["velocities"] == pytest.approx(0, abs=1e-6)
    placed[-3:] += torch.linspace(0, 0.1, 29)[:, None]
    assert total(placed, wanted, known, 3, LossWeights())[1]["velocities"] > 0.01


def test_an_aligned_loss_sees_no_similarity_but_the_mirror_image() -> None:
    torch.manual_seed(0)
    poses = torch.randn(5, 17, 3)
    turn = torch.from_numpy(np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]).float()
    turn = turn * torch.linalg.det(turn)
    assert p_mpjpe(2 * poses @ turn + 1, poses).item() == pytest.approx(0, abs=1e-5)
    assert p_mpjpe(poses * torch.tensor([-1.0, 1.0, 1.0]), poses).item() > 0.1


def test_a_state_is_replaced_as_a_whole(tmp_path: Path) -> None:
    run = Run.start(TINY)
    run.save(tmp_path / STATE_FILE)
    run.step = 7
    run.save(tmp_path / STATE_FILE)
    assert [path.name for path in tmp_path.iterdir()] == [STATE_FILE]
    assert Run.load(tmp_path / STATE_FILE).step == 7


@pytest.mark.slow
def test_batches_are_the_same_whoever_makes_them(mocap: Path) -> None:
    run = Run.start(TINY)
    with batches(mocap, run.batch_shape, seed=1, first_step=3) as made:
        first, second = next(made), next(made)
    with batches(mocap, run.batch_shape, seed=1, first_step=2, processes=2) as made:
        again = [next(made) for _ in range(3)][2]
    assert first[0].shape == (24, 14, 91)
    assert (again[0] == second[0]).all()
    assert not (first[0] == second[0]).all()


def test_the_learning_rate_warms_up_stays_and_falls() -> None:
    rates = [
        learning_rate(TINY, step, progress) for step, progress in ((0, 0), (1, 0.01), (2, 0.02), (9, 0.7), (60, 1))
    ]
    assert rates[0] < rates[1] < rates[2] == rates[3] > rates[4] > 0
    assert rates[2] == pytest.approx(TINY.learning_rate)
    assert rates[4] == pytest.approx(0.01 * TINY.learning_rate)
