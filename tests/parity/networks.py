"""A Keypoint R-CNN with random weights that finds people: what stands in for the model zoo where there is no network.

Random weights as they are find nobody or everybody everywhere: frozen batch-norms hold no statistics, and the heads
say the same of every place. From a few frames they are set so that outputs vary as a trained network's do.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from liftline_detector.keypoint_rcnn._network import input_format
from liftline_detector.keypoint_rcnn.preprocessing import network_input

_FOUND_SHARE = 0.02
"""Of the places looked at in these frames, how many get a score above a half."""


def random_weights(cfg: Any, path: Path, pictures: list[NDArray[np.uint8]], *, seed: int) -> None:
    """Write weights for `cfg` in the model zoo's format, set from these frames, (H,W,3) each."""
    from detectron2.modeling import build_model

    torch.manual_seed(seed)
    network = build_model(cfg).eval()
    batch = [network_input(rgb, input_format(cfg)) for rgb in pictures]
    heads = network.roi_heads
    with torch.no_grad():
        norms = [module for module in network.modules() if type(module).__name__ == "FrozenBatchNorm2d"]
        _while_running(network, batch, norms, before=_take_statistics)
        _while_running(network, batch, [heads.box_predictor.cls_score], after=_spread_scores)
        _while_running(network, batch, [heads.keypoint_head.score_lowres], after=_spread_heatmaps)
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Liftline's tests"}, protocol=2))


def _while_running(
    network: nn.Module,
    batch: list[dict[str, Any]],
    modules: list[nn.Module],
    *,
    before: Callable[..., None] | None = None,
    after: Callable[..., None] | None = None,
) -> None:
    hooks = [module.register_forward_pre_hook(before) for module in modules if before]
    hooks += [module.register_forward_hook(after) for module in modules if after]
    network(batch)
    for hook in hooks:
        hook.remove()


def _take_statistics(norm: Any, inputs: tuple[Tensor, ...]) -> None:
    variance = inputs[0].var(dim=(0, 2, 3))
    norm.running_mean.copy_(inputs[0].mean(dim=(0, 2, 3)))
    norm.running_var.copy_(variance.clamp_min(float(variance.mean())))


def _spread_scores(linear: Any, _: tuple[Tensor, ...], logits: Tensor) -> None:
    margin = logits[:, 0] - logits[:, 1]
    scale = 3 / float(margin.std())
    linear.weight.mul_(scale)
    linear.bias.copy_(torch.tensor([-scale * float(margin.quantile(1 - _FOUND_SHARE)), 0.0]))


def _spread_heatmaps(layer: Any, _: tuple[Tensor, ...], heatmaps: Tensor) -> None:
    layer.weight.mul_(5 / float(heatmaps.std()))
