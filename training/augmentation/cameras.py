"""Random cameras: from the world (z up) into a camera (x right, y down, z forward), and onto its image."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline_lifter.lifting.features import LEVEL_UP, UNKNOWN_UP
from training.augmentation.augment import rotation_matrices

Floats = NDArray[np.float32]

UPRIGHT = np.array([[1, 0, 0], [0, 0, -1], [0, 1, 0]], np.float32)
"""Turns z up into y down."""

_HIP_HEIGHT_M = 0.93
NEAREST_M = 0.3
"""Points closer than this, or behind the camera, are drawn at this depth."""


@dataclass(frozen=True)
class Cameras:
    """One camera per window: `rotations` (B, 3, 3) from the world, `offsets_m` (B, 3) of the person from it."""

    rotations: Floats
    offsets_m: Floats


@dataclass(frozen=True)
class TrainingCameras(Cameras):
    """And `up` (B, 3), in the camera's axes, as the network is told it (`features.features`)."""

    up: Floats


def evaluation_cameras(count: int, rng: np.random.Generator) -> Cameras:
    """The fixed ranges every published figure is measured with: 0 to 17 degrees down, 2.2 to 9 m away."""
    yaw, pitch = rng.uniform(0, 2 * np.pi, count), rng.uniform(0.0, 0.3, count)
    rotations = _rotations(yaw, pitch, rng.normal(0, 0.05, count))
    depth = np.exp(rng.uniform(np.log(2.2), np.log(9.0), count))
    x, y = (rng.uniform(-limit, limit, count) * depth for limit in (0.35, 0.2))
    return Cameras(rotations, np.stack([x, y, depth], axis=1).astype(np.float32))


def training_cameras(count: int, rng: np.random.Generator) -> TrainingCameras:
    """Phones held level and tilted, near and far; and worlds that lean: slopes, floors to lie on.

    Half of them are about level and see a person from their own height, 0.3 to 2.3 m; so feet lie under the horizon
    as far as that tells. The others look from anywhere.
    """
    level = rng.random(count) < 0.5
    roll = np.where(level, 0.03, np.where(rng.random(count) < 0.4, 0.25, 0.06))
    pitch = np.where(level, rng.normal(0, 0.07, count), rng.uniform(-0.25, 0.65, count))
    rotations = _rotations(rng.uniform(0, 2 * np.pi, count), pitch, rng.normal(0, roll))
    depth = np.exp(rng.uniform(np.log(1.5), np.log(12.0), count))
    x, y = rng.uniform(-0.4, 0.4, count) * depth, rng.uniform(-0.3, 0.3, count) * depth
    height = rng.uniform(0.3, 2.3, count) - _HIP_HEIGHT_M
    y = np.where(level, np.clip(height * np.cos(pitch) - depth * np.sin(pitch), -0.5 * depth, 0.5 * depth), y)
    lean = rotation_matrices(rng.normal(0, 1, (count, 3)) * np.where(rng.random(count) < 0.06, 1.2, 0.05)[:, None])
    offsets = np.stack([x, y, depth], axis=1).astype(np.float32)
    return TrainingCameras(np.asarray(rotations @ lean, np.float32), offsets, _told_up(rotations[:, :, 2], rng))


def _told_up(up: Floats, rng: np.random.Generator) -> Floats:
    """(B, 3) what the network is told of up: mostly that the camera is level, measured with an error, or nothing."""
    kind = rng.random(len(up))
    measured = (rotation_matrices(rng.normal(0, 0.06, (len(up), 3))) @ up[..., None])[..., 0]
    told = np.where((kind < 0.45)[:, None], LEVEL_UP, measured)
    return np.asarray(np.where((kind > 0.75)[:, None], UNKNOWN_UP, told), np.float32)


def _rotations(
    yaw: NDArray[np.floating], pitch: NDArray[np.floating], roll: NDArray[np.floating]
) -> NDArray[np.float32]:
    """(B,) angles -> (B, 3, 3) from the world to cameras that are turned by them."""

    def turn(axis: int, angles: NDArray[np.floating]) -> Floats:
        vectors = np.zeros((len(angles), 3))
        vectors[:, axis] = angles
        return rotation_matrices(vectors)

    return np.asarray(turn(2, roll) @ turn(0, pitch) @ UPRIGHT @ turn(2, yaw), np.float32)


def project(points_m: Floats) -> Floats:
    """(..., 3, K) camera space -> (..., 2, K) rays x/z, y/z."""
    return np.asarray(points_m[..., :2, :] / np.maximum(points_m[..., 2:, :], NEAREST_M), np.float32)
