"""Motion capture for the training's tests."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.unit.training.mocap import write_mocap
from training.motion.bones import BoneMotion, to_bones
from training.motion.data import load_motion


@pytest.fixture(scope="session")
def mocap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of made-up motion capture."""
    return write_mocap(tmp_path_factory.mktemp("mocap") / "mocap.npz")


@pytest.fixture(scope="session")
def body(mocap: Path) -> BoneMotion:
    """The same, taken apart."""
    return to_bones(load_motion(mocap))


@pytest.fixture
def rng() -> np.random.Generator:
    """Randomness that is the same in every run."""
    return np.random.default_rng(0)
