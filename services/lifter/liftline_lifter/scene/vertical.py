"""The vertical, from bodies in balance: on average, the centre of mass of a person on their feet is above them.

Frames count by how straight someone is, and those that disagree with the rest count little (Cauchy weights). A prior
for a camera held level (up is -y) counts as a few frames.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17

Floats = NDArray[np.float64]

LEVEL_UP = np.array([0.0, -1.0, 0.0])
_PRIOR_ROWS = 3.0
_MAX_TILT_DEG = 50.0
_STRAIGHT_DEG = 20.0
_STEADY_DEG = 20.0
_ROUNDS = 8

_SUPPORT_AHEAD_M = 0.06
"""The pressure under a foot is ahead of its ankle; chosen on simulated rooms of the training split."""

# Near joint, far joint, where between them the mass is, share of the body's mass: Winter, "Biomechanics and Motor
# Control of Human Movement" (2009), table 4.1, after Dempster (1955).
_SEGMENTS = (
    ("hip", "thorax", 0.5, 0.497),
    ("neck", "head", 0.5, 0.081),
    *(
        segment
        for side in ("left", "right")
        for segment in (
            (f"{side}_shoulder", f"{side}_elbow", 0.436, 0.028),
            (f"{side}_elbow", f"{side}_wrist", 0.430, 0.016),
            (f"{side}_wrist", f"{side}_wrist", 1.0, 0.006),
            (f"{side}_hip", f"{side}_knee", 0.433, 0.100),
            (f"{side}_knee", f"{side}_foot", 0.433, 0.0465),
            (f"{side}_foot", f"{side}_foot", 1.0, 0.0145),
        )
    ),
)

_FEET = H36M17.indices("left_foot", "right_foot")
_HIP, _THORAX, _LEFT_HIP, _RIGHT_HIP = H36M17.indices("hip", "thorax", "left_hip", "right_hip")


def upright_direction(joints_m: Floats) -> Floats:
    """(3,) unit vector up, from (R,J,3) joints in camera space, Human3.6M-17 first; a level camera's without any."""
    torso = unit(joints_m[:, _THORAX] - joints_m[:, _HIP])
    legs = unit(joints_m[:, _HIP] - joints_m[:, _FEET].mean(axis=1))
    body = unit(_centre_of_mass(joints_m) - _support(joints_m, torso))
    level = body @ LEVEL_UP > np.cos(np.radians(_MAX_TILT_DEG))
    straight = _fading(_angles_deg(torso, legs), _STRAIGHT_DEG) ** 2
    body, straight = body[level], straight[level]
    prior = _PRIOR_ROWS * LEVEL_UP
    up = unit(prior + (straight[:, None] * body).sum(axis=0))
    for _ in range(_ROUNDS):
        weight = straight * _fading(_angles_deg(body, up), _STEADY_DEG)
        up = unit(prior + (weight[:, None] * body).sum(axis=0))
    return up


def unit(vectors: Floats) -> Floats:
    """(...,3) vectors at length 1; those without a length stay without."""
    return np.asarray(vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-9), np.float64)


def _centre_of_mass(joints_m: Floats) -> Floats:
    return np.asarray(np.einsum("rjc,j->rc", joints_m[:, : len(H36M17)], _MASS_AT_JOINTS), np.float64)


def _mass_at_joints() -> Floats:
    """(17,) weights of the joints in the centre of mass; they add up to 1."""
    weights = np.zeros(len(H36M17))
    for near, far, along, mass in _SEGMENTS:
        weights[H36M17.index[near]] += mass * (1 - along)
        weights[H36M17.index[far]] += mass * along
    return weights


_MASS_AT_JOINTS = _mass_at_joints()


def _support(joints_m: Floats, torso: Floats) -> Floats:
    """(R,3) the middle between both feet, as far ahead of the ankles as a standing person's weight is."""
    ahead = unit(np.cross(joints_m[:, _LEFT_HIP] - joints_m[:, _RIGHT_HIP], torso))
    return np.asarray(joints_m[:, _FEET].mean(axis=1) + _SUPPORT_AHEAD_M * ahead, np.float64)


def _angles_deg(one: Floats, other: Floats) -> Floats:
    return np.asarray(np.degrees(np.arccos(np.clip((one * other).sum(axis=-1), -1, 1))), np.float64)


def _fading(angle_deg: Floats, half_deg: float) -> Floats:
    return 1 / (1 + np.square(angle_deg / half_deg))
