"""The pipeline, end to end and small: `make train-smoke`."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from liftline.pose_errors import mpjpe
from liftline.progress import FrameCounter, StopFlag
from liftline.skeletons import H36M17
from liftline_lifter.lifting.checkpoint import LifterCheckpoint, load_checkpoint
from liftline_lifter.lifting.focal_length import focal_length
from liftline_lifter.lifting.lift import LiftSettings, lift
from tests.unit.training.mocap import write_mocap
from training._run import LOG_FILE
from training.augmentation.sequence_noise import Noise
from training.motion.data import default_mocap_path, load_motion, training_split
from training.pipeline import trained
from training.samples.sequences import simulate

DEVICE = ("--device", "cpu")
TINY = (*DEVICE, "--channels", "64", "--learning-rate", "2e-3", "--steps", "200")
WIDER = (*DEVICE, "--channels", "96", "--learning-rate", "6e-4", "--seed", "2", "--steps", "20")
LARGEST_ERROR_M = 0.25
"""Measured: 0.15; one that has learned nothing is off by 0.52."""


@pytest.fixture
def mocap(tmp_path: Path) -> Path:
    """The motion capture beside the checkout, or made-up motion where there is none."""
    real = default_mocap_path()
    return real if real.exists() else write_mocap(tmp_path / "mocap.npz")


@pytest.mark.slow
def test_a_tiny_network_learns_lifts_and_goes_on_with_more_channels(mocap: Path, tmp_path: Path) -> None:
    weights = trained(tmp_path / "run", mocap, TINY, machine="a test")
    first, last = json.loads(f"[{','.join((tmp_path / 'run' / LOG_FILE).read_text().splitlines())}]")
    assert (first["step"], last["step"]) == (100, 200)
    assert last["loss_mm"] < 0.8 * first["loss_mm"]
    assert weights.name == "liftline_body_81f.safetensors"
    checkpoint = load_checkpoint(weights)
    assert "200 steps, 76800 poses" in checkpoint.training
    error_m = lifting_error_m(checkpoint, mocap)
    assert error_m < LARGEST_ERROR_M
    wider = load_checkpoint(
        trained(tmp_path / "wider", mocap, (*WIDER, "--start-from", str(weights)), machine="a test")
    )
    assert wider.pose_model.channels == 96
    assert wider.training.startswith("20 steps")
    assert "200 steps" in wider.training
    assert lifting_error_m(wider, mocap) < 1.1 * error_m


def lifting_error_m(checkpoint: LifterCheckpoint, mocap: Path) -> float:
    """MPJPE of a clip that was trained on."""
    seen = simulate(training_split(load_motion(mocap)), 0, noise=Noise.WHITE, seed=1)
    poses = lift(
        seen.tracks, checkpoint, focal=focal_length(seen.tracks, checkpoint), settings=LiftSettings(), stop=StopFlag(),
        progress=FrameCounter(),
    )  # fmt: skip
    assert np.isfinite(poses.root_cam_m).all()
    return float(mpjpe(poses.joints_m[:, : len(H36M17)], seen.joints_m).mean())
