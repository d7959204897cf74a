"""Training learns, stops, goes on, and gives a checkpoint that loads."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from liftline_lifter.lifting.checkpoint import bundled_checkpoint_path, load_checkpoint
from liftline_lifter.lifting.normalise import Normalisation
from training._batches import Batch, batches, make_batch
from training._threads import Threads
from training.evaluate import Conditions, evaluate
from training.export import export
from training.motion.bones import BoneMotion
from training.scoring import Score
from training.train import STATE_FILE, Run, Settings, batch_shape, learning_rate, mpjpe, p_mpjpe, train

TINY = Settings(
    filter_widths=(3, 3), channels=32, windows=24, poses_per_window=2, learning_rate=3e-3, average=0.9, steps=60
)


def source(run: Run, body: BoneMotion) -> Iterator[Batch]:
    for step in itertools.count(run.step):
        yield make_batch(body, batch_shape(run), seed=run.settings.seed, step=step)


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
    assert (checkpoint.normalisation, checkpoint.rate_hz) == (Normalisation.PERSON, 50.0)
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


def test_a_run_that_starts_from_weights_is_as_good_as_they_are_and_says_so(body: BoneMotion, tmp_path: Path) -> None:
    first = Run.start(TINY)
    losses = trained(first, body, tmp_path / "first")
    export(first, tmp_path / "first.safetensors", machine="a test")
    wider = replace(TINY, channels=48, learning_rate=1e-4, aligned=0.5, steps=10)
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
    with batches(mocap, batch_shape(run), seed=1, first_step=3) as made:
        first, second = next(made), next(made)
    with batches(mocap, batch_shape(run), seed=1, first_step=2, processes=2) as made:
        again = [next(made) for _ in range(3)][2]
    assert first[0].shape == (24, 12, 17, 2)
    assert (again[0] == second[0]).all()
    assert not (first[0] == second[0]).all()


def test_the_learning_rate_warms_up_and_falls() -> None:
    rates = [learning_rate(TINY, progress) for progress in (0, 0.01, 0.02, 0.5, 1)]
    assert rates[0] < rates[1] < rates[2] > rates[3] > rates[4] > 0
    assert rates[2] == pytest.approx(TINY.learning_rate, rel=0.01)


@pytest.mark.shared_data
def test_the_shipped_weights_beat_the_first_try_on_people_they_never_saw(shared_data: Path) -> None:
    """The 14-minute try (shared/data/README.md): 113 / 74 mm on the HDM05 actors, 89 / 56 on CMU's subject 02."""
    mocap = shared_data / "mocap" / "cmu_hdm05_50hz.npz"
    scores = evaluate(load_checkpoint(bundled_checkpoint_path()), mocap, Conditions(), count=300).subjects
    assert beats(scores["hdm_* mean"], mpjpe_mm=113, p_mpjpe_mm=74)
    assert beats(scores["cmu_02"], mpjpe_mm=89, p_mpjpe_mm=56)


def beats(score: Score, *, mpjpe_mm: float, p_mpjpe_mm: float) -> bool:
    """Whether both errors are a tenth smaller at least."""
    return score.mpjpe_mm < 0.9 * mpjpe_mm and score.p_mpjpe_mm < 0.9 * p_mpjpe_mm
