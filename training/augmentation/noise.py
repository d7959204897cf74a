"""What detectors do to keypoints: offsets, jitter, swapped sides, limbs seen elsewhere, lost and cut off joints.

The training's figures follow BlazePose's errors on real video (`python -m benchmarks.keypoint_noise`).
"""

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
_SWAPS = (
    COCO17.mirrored,
    np.array([*range(11), 12, 11, 14, 13, 16, 15]),
    np.array([*range(5), 6, 5, 8, 7, 10, 9, *range(11, _KEYPOINTS)]),
    np.array([*range(13), 14, 13, 16, 15]),
)
LIMBS = tuple(COCO17.indices(f"{side}_{middle}", f"{side}_{end}")
               for side in ("left", "right") for middle, end in (("elbow", "wrist"), ("knee", "ankle")))  # fmt: skip
_OTHER_SIDE = COCO17.mirrored
_TRUNK = COCO17.indices("left_shoulder", "right_shoulder", "left_hip", "right_hip")
_CUT_OFF = tuple(COCO17.indices(*names) for names in (
    ("left_ankle", "right_ankle"), ("left_knee", "right_knee", "left_ankle", "right_ankle"),
    ("left_elbow", "left_wrist"), ("right_elbow", "right_wrist"),
))  # fmt: skip


def person_size(rays: Floats) -> Floats:
    """(B, T, 2, 17) -> (B, 1, 1, 1) the longer side of the box around all keypoints of the window."""
    extent = rays.max(axis=(1, 3)) - rays.min(axis=(1, 3))
    size: Floats = extent.max(axis=1)[:, None, None, None]
    return size


def evaluation_noise(rays: Floats, rng: np.random.Generator) -> Floats:
    """(B, T, 2, 17) rays with an offset per window and keypoint, and white jitter."""
    count, frames = rays.shape[:2]
    jitter = rng.standard_normal((count, frames, 2, _KEYPOINTS), np.float32) * EVALUATION_JITTER
    bias = rng.standard_normal((count, 1, 2, _KEYPOINTS), np.float32) * EVALUATION_BIAS
    middle, half = frames // 2, EVALUATION_SIZE_FRAMES // 2
    size = person_size(rays[:, middle - half : middle + half + 1])
    return np.asarray(rays + (jitter + bias) * size, np.float32)


def training_noise(rays: Floats, rng: np.random.Generator) -> Floats:
    """(B, T, 2, 17) rays as a detector might give them, milder and worse than the evaluation's."""
    count, frames = rays.shape[:2]
    size = person_size(rays)
    level = np.exp(rng.normal(np.log(0.006), 0.5, (count, 1, 1, 1))).astype(np.float32)
    noise = rng.standard_normal((count, frames, 2, _KEYPOINTS), np.float32)
    noise *= level * rng.gamma(4, 0.25, (count, 1, 1, _KEYPOINTS)).astype(np.float32)
    slow = drift(count, frames, rng)
    noise += slow * rng.gamma(2, 0.0047, (count, 1, 1, _KEYPOINTS)).astype(np.float32)
    still = rng.standard_normal((count, 1, 2, _KEYPOINTS), np.float32)
    noise += still * rng.gamma(2, 0.004, (count, 1, 1, _KEYPOINTS)).astype(np.float32)
    noise *= size
    noise += rays
    _swap_sides(noise, rng)
    _mistake_limbs(noise, size, rng)
    _hide_trunks(noise, size, rng)
    _lose_joints(noise, rng)
    _cut_off(noise, size, rng)
    return noise


def drift(count: int, frames: int, rng: np.random.Generator) -> Floats:
    """(B, T, 2, 17) unit noise that changes slowly: random knots, linearly interpolated."""
    knots = frames // _KNOT_FRAMES + 2
    at = np.arange(frames) / _KNOT_FRAMES
    hats = np.maximum(0, 1 - np.abs(at[:, None] - np.arange(knots))).astype(np.float32)
    values = rng.standard_normal((count, knots, 2 * _KEYPOINTS), np.float32)
    return np.asarray(hats @ values, np.float32).reshape(count, frames, 2, _KEYPOINTS)


def _swap_sides(rays: Floats, rng: np.random.Generator) -> None:
    """For a while, in 6 % of the windows, the detector takes left for right."""
    for window in np.flatnonzero(rng.random(len(rays)) < 0.06):
        start, stop = _span(rays.shape[1], rng, longest=25)
        rays[window, start:stop] = rays[window, start:stop][..., _SWAPS[rng.integers(len(_SWAPS))]]


def _mistake_limbs(rays: Floats, size: Floats, rng: np.random.Generator) -> None:
    """Now and then a limb is seen where it isn't, for a while: somewhere near, or on the other one of its kind."""
    frames = rays.shape[1]
    for window, limb in np.argwhere(rng.random((len(rays), len(LIMBS))) < 0.2):
        start, stop = _span(frames, rng, longest=35)
        joints = list(LIMBS[limb])[int(rng.random() < 0.3) :]
        there = rays[window, start:stop]
        if rng.random() < 0.5:
            apart = there[..., _OTHER_SIDE[joints]] - there[..., joints]
        else:
            apart = size[window] * rng.normal(0, (0.10, 0.16)[-len(joints) :], (1, 2, len(joints)))
        along = np.minimum(np.arange(1, stop - start + 1), np.arange(stop - start, 0, -1)) / 4
        there[..., joints] += (np.minimum(along, 1)[:, None, None] * apart).astype(np.float32)


def _hide_trunks(rays: Floats, size: Floats, rng: np.random.Generator) -> None:
    """In 5 % of the windows shoulders and hips are half hidden: the detector guesses them, off for good."""
    windows = np.flatnonzero(rng.random(len(rays)) < 0.05)
    wrong = 0.04 * rng.standard_normal((len(windows), 1, 2, len(_TRUNK)), np.float32)
    rays[windows[:, None], :, :, _TRUNK] += np.moveaxis(wrong * size[windows], -1, 1)


def _lose_joints(rays: Floats, rng: np.random.Generator) -> None:
    """In 12 % of the windows some joints get lost for a while and are interpolated."""
    for window in np.flatnonzero(rng.random(len(rays)) < 0.12):
        joints = rng.integers(0, _KEYPOINTS, rng.integers(1, 4))
        start, stop = _span(rays.shape[1], rng, longest=30)
        first, last = rays[window, max(start - 1, 0)], rays[window, min(stop, rays.shape[1] - 1)]
        along = ((np.arange(start, stop) - start + 1) / (stop - start + 1)).astype(np.float32)[:, None, None]
        filled = first[:, joints] * (1 - along) + last[:, joints] * along
        rays[window, start:stop, :, joints] = np.moveaxis(filled, -1, 0)


def _cut_off(rays: Floats, size: Floats, rng: np.random.Generator) -> None:
    """In 5 % of the windows limbs leave the image or are hidden: the detector guesses, far off and slowly drifting."""
    windows = np.flatnonzero(rng.random(len(rays)) < 0.05)
    if not len(windows):
        return
    guess = drift(len(windows), rays.shape[1], rng) * 0.05 * size[windows]
    for window, wrong in zip(windows, guess, strict=True):
        joints = _CUT_OFF[rng.integers(len(_CUT_OFF))]
        rays[window][..., joints] += wrong[..., joints]


def _span(frames: int, rng: np.random.Generator, *, longest: int) -> tuple[int, int]:
    length = int(rng.integers(2, min(longest, frames // 2)))
    start = int(rng.integers(0, frames - length))
    return start, start + length
