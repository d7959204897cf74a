"""Lift windows as the lifter service does: normalise, run the network on them and on their mirror image, turn back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from liftline.skeletons import COCO17, H36M17
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.normalise import Normalisation, by_person

Floats = NDArray[np.float32]

_MIRROR = np.array([-1, 1], np.float32)
_MIRROR_3D = np.array([-1, 1, 1], np.float32)
_FRAMES_AT_ONCE = 20_000


def predict(checkpoint: LifterCheckpoint, rays: Floats, *, flip: bool = True) -> Floats:
    """The pose of every window's middle frame.

    Args:
        checkpoint: a network with `person` normalisation.
        rays: (B, receptive_field + 2 * SMOOTHING_FRAMES, 17, 2).
        flip: average with the mirrored person's result.

    Returns:
        (B, 17, 3) root-relative joints in camera space, metres.
    """
    return _lift(checkpoint, checkpoint.pose_model.forward_windows, rays, flip=flip)[:, 0]


def predict_runs(checkpoint: LifterCheckpoint, rays: Floats, *, flip: bool = True) -> Floats:
    """The same for runs of T frames: (B, T + receptive_field - 1 + 2 * SMOOTHING_FRAMES, 17, 2) -> (B, T, 17, 3)."""
    return _lift(checkpoint, checkpoint.pose_model.forward, rays, flip=flip)


def _lift(checkpoint: LifterCheckpoint, network: Callable[[Tensor], Tensor], rays: Floats, *, flip: bool) -> Floats:
    if checkpoint.normalisation is not Normalisation.PERSON:
        raise ValueError("only checkpoints with `person` normalisation can be measured on simulated cameras")
    inputs, rotations = by_person(rays)
    poses: NDArray[np.floating] = _run(network, inputs)
    if flip:
        mirrored = _run(network, inputs[:, :, COCO17.mirrored] * _MIRROR)
        poses = 0.5 * (poses + mirrored[:, :, H36M17.mirrored] * _MIRROR_3D)
    context = checkpoint.pose_model.receptive_field // 2
    own = rotations[:, context : context + poses.shape[1]]
    return np.asarray(poses @ np.swapaxes(own, 2, 3), np.float32)


def _run(network: Callable[[Tensor], Tensor], inputs: Floats) -> Floats:
    parts = np.array_split(np.ascontiguousarray(inputs), max(1, inputs.shape[0] * inputs.shape[1] // _FRAMES_AT_ONCE))
    with torch.inference_mode():
        return np.concatenate([network(torch.from_numpy(part)).numpy() for part in parts])
