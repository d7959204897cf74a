"""A Keypoint R-CNN with random weights that finds people: what stands in for the model zoo where there is no network.

Random weights find nobody as they are, since activations grow from layer to layer: the frozen batch-norms hold no
statistics. Taken from one frame, they make every layer's output a usual one.
"""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


def random_weights(cfg: Any, path: Path, rgb: NDArray[np.uint8], *, seed: int) -> None:
    """Write weights for `cfg` in the model zoo's format, their statistics taken from one frame (H,W,3)."""
    from detectron2.modeling import build_model

    torch.manual_seed(seed)
    network = build_model(cfg).eval()
    _spread_scores(network)
    with torch.no_grad():
        image = torch.from_numpy(rgb[:, :, ::-1].astype(np.float32).transpose(2, 0, 1).copy())
        _calibrate(network, [{"image": image, "height": rgb.shape[0], "width": rgb.shape[1]}])
    arrays = {name: tensor.numpy() for name, tensor in network.state_dict().items()}
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Liftline's tests"}, protocol=2))


def _spread_scores(network: nn.Module) -> None:
    """Heads as initialised give everyone the same score and the middle of the box."""
    with torch.no_grad():
        network.roi_heads.box_predictor.cls_score.weight.mul_(60)
        network.roi_heads.keypoint_head.score_lowres.weight.mul_(20)


def _calibrate(network: nn.Module, batch: list[dict[str, Any]]) -> None:
    def measure(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        norm.running_mean.copy_(inputs[0].mean(dim=(0, 2, 3)))
        variance = inputs[0].var(dim=(0, 2, 3))
        norm.running_var.copy_(variance.clamp_min(0.1 * float(variance.mean())))

    norms = [module for module in network.modules() if type(module).__name__ == "FrozenBatchNorm2d"]
    hooks = [norm.register_forward_pre_hook(measure) for norm in norms]
    network(batch)
    for hook in hooks:
        hook.remove()
