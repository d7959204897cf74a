"""Angles over whole clips: by group, with what is constant taken out."""

from __future__ import annotations

from pathlib import Path

import pytest

from liftline_lifter.lifting.normalise import Normalisation
from tests.unit.lifter.random_networks import random_checkpoint
from training.augmentation.sequence_noise import Noise
from training.reporting.clip_angles import HDM_MEAN, clip_angles


@pytest.mark.parametrize("normalisation", [Normalisation.PERSON, Normalisation.PERSON_FEATURES])
def test_every_group_has_all_angles_of_either_kind_of_network(mocap: Path, normalisation: Normalisation) -> None:
    figures = clip_angles(random_checkpoint(normalisation=normalisation), mocap, Noise.WHITE)
    assert set(figures) == {HDM_MEAN, "cmu_02"}
    for angles in figures.values():
        assert len(angles) == 8
        for error in angles.values():
            assert 0 < error.offset_free_deg < error.mae_deg <= error.rmse_deg < 180
            assert abs(error.bias_deg) <= error.mae_deg
