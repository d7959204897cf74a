"""Random cameras: from the world (z up) into a camera (x right, y down, z forward), and onto its image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.augmentation.augment import rotation_matrices

Floats = NDArray[np.float32]

UPRIGHT = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
"""Turns z up into y down."""

NEAREST_M = 0.3
"""Points closer than this, or behind the camera, are drawn at this depth."""


@dataclass(frozen=True)
class Cameras:
    """One camera per window: `rotations` (B, 3, 3) from the world, `offsets_m` (B, 3) of the person from it."""

    rotations: Floats
    offsets_m: Floats


def evaluation_cameras(count: int, rng: np.random.Generator) -> Cameras:
    """The fixed ranges every published figure is measured with: 0 to 17 degrees down, 2.2 to 9 m away."""
    return _cameras(count, rng, elevation_rad=(0.0, 0.3), distance_m=(2.2, 9.0), aside=(0.35, 0.2), roll_rad=0.05)


def training_cameras(count: int, rng: np.random.Generator) -> Cameras:
    """Wider ranges than the evaluation's, tilted phones, and worlds that lean: slopes, floors to lie on."""
    roll = np.where(rng.random(count) < 0.3, 0.25, 0.05)
    cameras = _cameras(count, rng, elevation_rad=(-0.2, 0.65), distance_m=(2.0, 11.0), aside=(0.4, 0.3), roll_rad=roll)
    spread = np.where(rng.random(count) < 0.05, 1.2, 0.05)
    lean = rotation_matrices(rng.normal(0, 1, (count, 3)) * spread[:, None])
    return Cameras(np.asarray(cameras.rotations @ lean, np.float32), cameras.offsets_m)


def _cameras(
    count: int,
    rng: np.random.Generator,
    *,
    elevation_rad: tuple[float, float],
    distance_m: tuple[float, float],
    aside: tuple[float, float],
    roll_rad: float | NDArray[np.floating],
) -> Cameras:
    """Even ranges of pitch, depth (of its logarithm) and place in the image; `roll_rad` is a standard deviation."""

    def turn(axis: int, angles: NDArray[np.floating]) -> Floats:
        vectors = np.zeros((count, 3))
        vectors[:, axis] = angles
        return rotation_matrices(vectors)

    yaw = turn(2, rng.uniform(0, 2 * np.pi, count))
    pitch = turn(0, rng.uniform(*elevation_rad, count))
    roll = turn(2, rng.normal(0, roll_rad, count))
    depth = np.exp(rng.uniform(np.log(distance_m[0]), np.log(distance_m[1]), count))
    x, y = (rng.uniform(-limit, limit, count) * depth for limit in aside)
    offsets = np.stack([x, y, depth], axis=1).astype(np.float32)
    return Cameras(np.asarray(roll @ pitch @ UPRIGHT @ yaw, np.float32), offsets)


def project(points_m: Floats) -> Floats:
    """(..., 3, K) camera space -> (..., 2, K) rays x/z, y/z."""
    return np.asarray(points_m[..., :2, :] / np.maximum(points_m[..., 2:, :], NEAREST_M), np.float32)
