"""The temporal network: the release's names and sizes, and its two forms."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from liftline_lifter.lifting.network import TemporalModel


def trained(model: TemporalModel) -> TemporalModel:
    """Give batch norms statistics that aren't the identity, as training does."""
    torch.manual_seed(0)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.normal_(0, 0.1)
            module.running_var.uniform_(0.5, 1.5)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, 0, 0.1)
    return model.eval()


def test_parameters_have_the_names_and_shapes_of_videopose3d() -> None:
    norm = {"weight": (8,), "bias": (8,), "running_mean": (8,), "running_var": (8,), "num_batches_tracked": ()}
    expected: dict[str, tuple[int, ...]] = {"expand_conv.weight": (8, 34, 3)}
    expected |= {f"expand_bn.{name}": shape for name, shape in norm.items()}
    for layer, width in enumerate((3, 1, 5, 1)):
        expected[f"layers_conv.{layer}.weight"] = (8, 8, width)
        expected |= {f"layers_bn.{layer}.{name}": shape for name, shape in norm.items()}
    expected |= {"shrink.weight": (51, 8, 1), "shrink.bias": (51,)}
    state = TemporalModel((3, 3, 5), 8).state_dict()
    assert {name: tuple(tensor.shape) for name, tensor in state.items()} == expected


def test_the_published_architecture_has_its_parameters_and_receptive_field() -> None:
    with torch.device("meta"):
        model = TemporalModel((3, 3, 3, 3, 3), 1024)
    assert sum(parameter.numel() for parameter in model.parameters()) == 16_952_371
    assert (model.receptive_field, model.pad, model.padding) == (243, 121, (121, 121))


def test_a_causal_network_is_padded_in_the_past_only() -> None:
    assert TemporalModel((3, 3, 3), 4, causal=True).padding == (26, 0)


@pytest.mark.parametrize("widths", [(3,), (3, 3), (3, 3, 3, 3), (3, 5, 1), (1,)])
@pytest.mark.parametrize("causal", [False, True])
def test_the_windowed_form_gives_what_the_dense_form_gives(widths: tuple[int, ...], causal: bool) -> None:
    model = trained(TemporalModel(widths, 16, causal=causal))
    keypoints = torch.randn(3, model.receptive_field + 2 * model.stride, 17, 2)
    with torch.no_grad():
        dense, windowed = model(keypoints), model.forward_windows(keypoints)
    assert windowed.shape == (3, 3, 17, 3)
    torch.testing.assert_close(windowed, dense[:, :: model.stride], atol=1e-5, rtol=0)


def test_a_trajectory_network_gives_one_joint() -> None:
    model = trained(TemporalModel((3, 3), 8, joints_out=1))
    assert model(torch.zeros(2, 13, 17, 2)).shape == (2, 5, 1, 3)


def test_a_causal_network_ignores_the_future() -> None:
    model = trained(TemporalModel((3, 3), 8, causal=True))
    keypoints = torch.randn(1, 20, 17, 2)
    changed = keypoints.clone()
    changed[:, 15:] += 1
    with torch.no_grad():
        before, after = model(keypoints), model(changed)
    first_that_sees_it = 15 - (model.receptive_field - 1)
    torch.testing.assert_close(after[:, :first_that_sees_it], before[:, :first_that_sees_it])
    assert not torch.allclose(after[:, first_that_sees_it], before[:, first_that_sees_it])


def test_an_output_depends_on_its_receptive_field_and_on_nothing_else() -> None:
    model = trained(TemporalModel((3, 3), 8))
    keypoints = torch.randn(1, 19, 17, 2, requires_grad=True)
    model(keypoints)[0, 4].sum().backward()
    assert keypoints.grad is not None
    seen = keypoints.grad.abs().sum(dim=(0, 2, 3)) > 0
    assert seen.nonzero()[:, 0].tolist() == list(range(4, 13))


@pytest.mark.parametrize("widths", [(), (2,), (3, 4), (-3,), (0,)])
def test_even_or_missing_filter_widths_are_refused(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="odd and positive"):
        TemporalModel(widths, 8)


@pytest.mark.parametrize("shape", [(1, 9, 16, 2), (1, 9, 17, 3), (9, 17, 2), (1, 8, 17, 2)])
def test_keypoints_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"keypoints must be|frames are fewer"):
        TemporalModel((3, 3), 8)(torch.zeros(shape))


def test_windows_between_two_strides_are_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 3"):
        TemporalModel((3, 3), 8).forward_windows(torch.zeros(1, 10, 17, 2))
