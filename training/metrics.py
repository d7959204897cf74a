"""Errors of poses, as the field defines them. Poses are (B, J, 3) root-relative; results (B,) in their unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]


def mpjpe(predicted: Floats, wanted: Floats) -> Floats:
    """Mean per-joint position error."""
    errors: Floats = np.linalg.norm(predicted - wanted, axis=-1).mean(axis=-1)
    return errors


def n_mpjpe(predicted: Floats, wanted: Floats) -> Floats:
    """MPJPE after the best scale of each pose (Rhodin et al., CVPR 2018): what a person's unknown size can't excuse."""
    scale = (predicted * wanted).sum(axis=(1, 2)) / np.maximum((predicted**2).sum(axis=(1, 2)), 1e-12)
    return mpjpe(predicted * scale[:, None, None], wanted)


def p_mpjpe(predicted: Floats, wanted: Floats) -> Floats:
    """MPJPE after the best rotation, scale and shift of each pose (Procrustes; "protocol 2" of Human3.6M)."""
    source = predicted - predicted.mean(axis=1, keepdims=True)
    target = wanted - wanted.mean(axis=1, keepdims=True)
    left, strength, right = np.linalg.svd(np.swapaxes(source, 1, 2) @ target)
    sign = np.sign(np.linalg.det(left @ right))
    left[:, :, -1] *= sign[:, None]
    strength[:, -1] *= sign
    scale = strength.sum(axis=1) / np.maximum((source**2).sum(axis=(1, 2)), 1e-12)
    return mpjpe(scale[:, None, None] * (source @ left @ right), target)
