"""Lift windows as the lifter service does: normalise, run the network on them and on their mirror image, turn back."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from liftline.skeletons import COCO17, H36M17, H36M17_FEET_HANDS
from liftline_lifter.lifting.checkpoint import LifterCheckpoint
from liftline_lifter.lifting.features import KEYPOINTS, LEVEL_UP, MIRROR_ORDER, MIRROR_SIGN, features
from liftline_lifter.lifting.normalise import Normalisation, by_person

Floats = NDArray[np.float32]

_MIRROR = np.array([-1, 1], np.float32)
_MIRROR_3D = np.array([-1, 1, 1], np.float32)
_FRAMES_AT_ONCE = 20_000


def predict(
    checkpoint: LifterCheckpoint, rays: Floats, given: NDArray[np.bool_] | None = None, *, flip: bool = True
) -> Floats:
    """The pose of every window's middle frame.

    Args:
        checkpoint: a network with `person` or `person_features` normalisation.
        rays: (B, receptive_field + 2 * SMOOTHING_FRAMES, 17 or 29, 2); of 29, a network that reads 17 takes the first.
        given: (B, 29) which keypoints the network is given; COCO-17 alone unless said.
        flip: average with the mirrored person's result.

    Returns:
        (B, 17 or 29, 3) root-relative joints in camera space, metres, as many as the network gives.
    """
    return _lift(checkpoint, checkpoint.pose_model.forward_windows, rays, given, flip=flip)[:, 0]


def predict_runs(checkpoint: LifterCheckpoint, rays: Floats, *, flip: bool = True) -> Floats:
    """The same for runs of T frames: (B, T + receptive_field - 1 + 2 * SMOOTHING_FRAMES, 17, 2) -> (B, T, J, 3)."""
    return _lift(checkpoint, checkpoint.pose_model.forward, rays, None, flip=flip)


def _lift(
    checkpoint: LifterCheckpoint,
    network: Callable[[Tensor], Tensor],
    rays: Floats,
    given: NDArray[np.bool_] | None,
    *,
    flip: bool,
) -> Floats:
    if checkpoint.normalisation is Normalisation.PERSON_FEATURES:
        inputs, rotations = _features(rays, given)
        mirrored_inputs, joints = inputs[..., MIRROR_ORDER] * MIRROR_SIGN, H36M17_FEET_HANDS
    elif checkpoint.normalisation is Normalisation.PERSON:
        inputs, rotations = by_person(rays[:, :, : len(COCO17)])
        mirrored_inputs, joints = inputs[:, :, COCO17.mirrored] * _MIRROR, H36M17
    else:
        raise ValueError("only checkpoints with `person` normalisation can be measured on simulated cameras")
    poses: NDArray[np.floating] = _run(network, inputs)
    if flip:
        poses = 0.5 * (poses + _run(network, mirrored_inputs)[:, :, joints.mirrored] * _MIRROR_3D)
    context = checkpoint.pose_model.padding[0]
    own = rotations[:, context : context + poses.shape[1]]
    return np.asarray(poses @ np.swapaxes(own, 2, 3), np.float32)


def _features(rays: Floats, given: NDArray[np.bool_] | None) -> tuple[Floats, Floats]:
    count, frames, keypoints = rays.shape[:3]
    every = np.zeros((count, frames, len(KEYPOINTS), 2), np.float32)
    every[:, :, :keypoints] = rays
    if given is None:
        given = np.broadcast_to(np.arange(len(KEYPOINTS)) < len(COCO17), (count, len(KEYPOINTS)))
    scores = np.repeat(given[:, None].astype(np.float32), frames, axis=1)
    return features(every, scores, np.broadcast_to(LEVEL_UP, (count, 3)))


def _run(network: Callable[[Tensor], Tensor], inputs: Floats) -> Floats:
    parts = np.array_split(np.ascontiguousarray(inputs), max(1, inputs.shape[0] * inputs.shape[1] // _FRAMES_AT_ONCE))
    with torch.inference_mode():
        return np.concatenate([network(torch.from_numpy(part)).numpy() for part in parts])
