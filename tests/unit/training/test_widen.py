"""A widened network gives what the narrow one gave, and its copies learn different things."""

from __future__ import annotations

import pytest
import torch

from liftline_lifter.lifting.features import FEATURES
from liftline_lifter.lifting.network import TemporalModel
from training._widen import reading_features, widened

FRAMES = 9 + 3


@pytest.fixture
def narrow() -> TemporalModel:
    """A network whose normalisation has seen data."""
    torch.manual_seed(0)
    model = TemporalModel((3, 3), 8, dropout=0.0)
    for _ in range(5):
        model.forward_windows(torch.randn(16, FRAMES, 17, 2))
    return model.eval()


@pytest.mark.parametrize("channels", [8, 11, 16])
def test_it_gives_what_the_narrow_one_gives(narrow: TemporalModel, channels: int) -> None:
    wide = widened(narrow, channels, seed=1).eval()
    keypoints = torch.randn(4, FRAMES, 17, 2)
    assert wide.channels == channels
    with torch.inference_mode():
        torch.testing.assert_close(wide.forward(keypoints), narrow.forward(keypoints), rtol=1e-4, atol=1e-5)


def test_copies_are_read_with_other_weights(narrow: TemporalModel) -> None:
    weights = widened(narrow, 16, seed=1).shrink.weight
    assert not torch.allclose(weights[:, 8:].abs().sum(dim=0), weights[:, :8].abs().sum(dim=0))


@pytest.mark.parametrize("channels", [7, 17])
def test_not_narrower_and_not_more_than_twice_as_wide(narrow: TemporalModel, channels: int) -> None:
    with pytest.raises(ValueError, match=f"not {channels}"):
        widened(narrow, channels, seed=1)


def test_one_that_reads_more_gives_the_same_until_it_learns_to_heed_it() -> None:
    torch.manual_seed(0)
    old = TemporalModel((3, 3), 8, dropout=0.0).eval()
    new = reading_features(old).eval()
    features = torch.randn(2, FRAMES, FEATURES)
    with torch.inference_mode():
        before, after = old.forward(features[..., :34].unflatten(2, (17, 2))), new.forward(features)
    torch.testing.assert_close(after[:, :, :17], before)
    torch.testing.assert_close(after[:, :, 17], before[:, :, 6], msg="the left heel begins at the left ankle")
    torch.testing.assert_close(after[:, :, 28], before[:, :, 16], msg="the right hand begins at the right wrist")
    assert reading_features(new) is new
