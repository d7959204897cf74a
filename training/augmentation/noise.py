"""What the evaluation's detector does to keypoints, the same in every version, and what all simulated ones share."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17

Floats = NDArray[np.float32]

EVALUATION_BIAS = 0.01
EVALUATION_JITTER = 0.008
"""Standard deviations over the person's size in the image; fixed, because figures are compared across versions."""

EVALUATION_SIZE_FRAMES = 27
"""The size is taken from the middle of a window, so that it doesn't depend on how far a network sees."""

_KEYPOINTS = len(COCO17)
_KNOT_FRAMES = 14
LIMBS = tuple(COCO17.indices(f"{side}_{middle}", f"{side}_{end}")
               for side in ("left", "right") for middle, end in (("elbow", "wrist"), ("knee", "ankle")))  # fmt: skip


def person_size(rays: Floats) -> Floats:
    """(B, T, 2, K) -> (B, 1, 1, 1) the longer side of the box around all COCO keypoints of the window."""
    body = rays[..., :_KEYPOINTS]
    extent = body.max(axis=(1, 3)) - body.min(axis=(1, 3))
    size: Floats = extent.max(axis=1)[:, None, None, None]
    return size


def evaluation_noise(rays: Floats, rng: np.random.Generator) -> Floats:
    """(B, T, 2, K) rays with an offset per window and keypoint, and white jitter.

    COCO-17 are the first and get theirs first: figures of networks that read no others stay comparable.
    """
    middle, half = rays.shape[1] // 2, EVALUATION_SIZE_FRAMES // 2
    size = person_size(rays[:, middle - half : middle + half + 1])
    parts = [part for part in np.split(rays, [_KEYPOINTS], axis=3) if part.shape[3]]
    return np.concatenate([part + _errors(part.shape, rng) * size for part in parts], axis=3, dtype=np.float32)


def _errors(shape: tuple[int, ...], rng: np.random.Generator) -> Floats:
    """(B, T, 2, K) in sizes of the person."""
    count, frames, axes, keypoints = shape
    jitter = rng.standard_normal((count, frames, axes, keypoints), np.float32) * EVALUATION_JITTER
    bias = rng.standard_normal((count, 1, axes, keypoints), np.float32) * EVALUATION_BIAS
    return np.asarray(jitter + bias, np.float32)


def drift(count: int, frames: int, rng: np.random.Generator, keypoints: int = len(COCO17)) -> Floats:
    """(B, T, 2, K) unit noise that changes slowly: random knots, linearly interpolated."""
    knots = frames // _KNOT_FRAMES + 2
    at = np.arange(frames) / _KNOT_FRAMES
    hats = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(knots))).astype(np.float32)
    values = rng.standard_normal((count, knots, 2 * keypoints), np.float32)
    return np.asarray(hats @ values, np.float32).reshape(count, frames, 2, keypoints)
