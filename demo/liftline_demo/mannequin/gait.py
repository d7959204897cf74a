"""The walk: where every joint of the figure is, as a pure function of time.

World space is metres, z up; a body frame has columns forward, left, up. The figure walks a circle to its left. Feet are
planted: every footprint is a fixed place on the floor, the foot rolls over it from heel to ball, and two-bone inverse
kinematics places the knee between hip and ankle, so that nothing skates.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import cos, pi, radians, sin, sqrt, tau

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]
Matrix = NDArray[np.float64]

THIGH_M, SHIN_M = 0.43, 0.42
HIP_HALF_WIDTH_M, SHOULDER_HALF_WIDTH_M = 0.10, 0.172
UPPER_ARM_M, FOREARM_M = 0.29, 0.255
HEEL_M, BALL_M, TOE_M = (-0.055, 0.0, -0.040), (0.10, 0.0, -0.045), (0.165, 0.0, -0.052)
"""Centres of the foot's three spheres in its frame, from the ankle; standing flat, all touch the floor."""
ANKLE_HEIGHT_M = 0.085

STANCE = 0.62
"""Part of a gait cycle in which a foot is on the floor (walking: about 0.62)."""
FLAT_FROM, HEEL_OFF = 0.10, 0.36
STRIKE_PITCH, TOE_OFF_PITCH = radians(17), radians(-52)
PELVIS_HEIGHT_M, PELVIS_BOB_M = 0.905, 0.023


@dataclass(frozen=True)
class Side:
    """A side's name, its sign along the body's left axis, and by how many gait cycles its leg lags the left one's."""

    name: str
    sign: float
    lag: float


SIDES = (Side("left", 1.0, 0.0), Side("right", -1.0, 0.5))


@dataclass(frozen=True)
class Walk:
    """A walk around a circle of `radius_m`, `cycles_per_lap` gait cycles each, starting with the face to -y.

    Positions are given at a phase: the number of gait cycles since the start.
    """

    radius_m: float = 0.70
    cycles_per_lap: int = 5
    half_gauge_m: float = 0.075

    def heading(self, phase: float) -> float:
        """Direction of travel in radians, 0 along x, counter-clockwise."""
        return tau * phase / self.cycles_per_lap - pi / 2

    def place(self, phase: float, left_m: float = 0.0) -> Vector:
        """(3,) point on the floor the walk passes at `phase`, moved `left_m` to its left."""
        heading = self.heading(phase)
        return (self.radius_m - left_m) * np.array([sin(heading), -cos(heading), 0.0])


@dataclass(frozen=True)
class Pose:
    """Named points (3,) and body frames (3,3) of one moment, world space, metres."""

    points: Mapping[str, Vector]
    frames: Mapping[str, Matrix]


def turn(angle: float) -> Matrix:
    """Rotation about the up axis, counter-clockwise."""
    c, s = cos(angle), sin(angle)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def pitch(angle: float) -> Matrix:
    """Rotation about the left axis that swings a hanging limb, and lifts the toes, forward."""
    c, s = cos(angle), sin(angle)
    return np.array([[c, 0.0, -s], [0.0, 1.0, 0.0], [s, 0.0, c]])


def roll(angle: float) -> Matrix:
    """Rotation about the forward axis that swings a hanging limb to the left."""
    c, s = cos(angle), sin(angle)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def smoothstep(value: float) -> float:
    """0 below 0, 1 above 1, smooth between."""
    x = min(max(value, 0.0), 1.0)
    return x * x * (3 - 2 * x)


def pose_at(walk: Walk, phase: float) -> Pose:
    """The whole figure after `phase` gait cycles."""
    swing = sin(tau * (phase + 0.25))  # 1: left foot far in front
    forward = turn(walk.heading(phase))
    pelvis_frame = forward @ turn(radians(-7) * swing)
    torso_frame = forward @ turn(radians(6) * swing) @ roll(radians(2)) @ pitch(radians(-3))
    head_frame = forward @ turn(radians(4)) @ pitch(radians(2))
    pelvis = walk.place(phase) + forward @ [0.0, 0.018 * sin(tau * phase), 0.0]
    pelvis[2] = PELVIS_HEIGHT_M - PELVIS_BOB_M * cos(2 * tau * (phase - 0.06))
    points = _trunk(pelvis, torso_frame, head_frame)
    frames = {"pelvis": pelvis_frame, "torso": torso_frame, "head": head_frame}
    for side in SIDES:
        ankle, foot_frame, toe_frame = _foot(walk, phase - side.lag, side)
        hip = pelvis + pelvis_frame @ [0.0, HIP_HALF_WIDTH_M * side.sign, 0.0]
        points |= _leg(side.name, hip, ankle, foot_frame, toe_frame, forward[:, 0])
        points |= _arm(side, torso_frame, pelvis, swing * side.sign)
        frames[f"{side.name}_foot"] = foot_frame
    return Pose(points, frames)


def _trunk(pelvis: Vector, torso: Matrix, head: Matrix) -> dict[str, Vector]:
    neck = pelvis + torso @ [-0.01, 0.0, 0.54]
    return {
        "pelvis": pelvis,
        "abdomen": pelvis + torso @ [0.0, 0.0, 0.17],
        "chest": pelvis + torso @ [0.0, 0.0, 0.36],
        "thorax": pelvis + torso @ [-0.01, 0.0, 0.485],
        "neck": neck,
        "head": neck + head @ [0.03, 0.0, 0.145],
    }


def _arm(side: Side, torso: Matrix, pelvis: Vector, leg_forward: float) -> dict[str, Vector]:
    """An arm that swings against its leg; `leg_forward` runs from -1 to 1."""
    shoulder = pelvis + torso @ [0.0, SHOULDER_HALF_WIDTH_M * side.sign, 0.475]
    swing, bend = radians(-2 - 21 * leg_forward), radians(26 - 12 * leg_forward)
    upper = torso @ roll(radians(9) * side.sign) @ pitch(swing)
    lower = torso @ roll(radians(7) * side.sign) @ pitch(swing + bend)
    elbow = shoulder + upper @ [0.0, 0.0, -UPPER_ARM_M]
    wrist = elbow + lower @ [0.0, 0.0, -FOREARM_M]
    return {
        f"{side.name}_shoulder": shoulder,
        f"{side.name}_elbow": elbow,
        f"{side.name}_wrist": wrist,
        f"{side.name}_knuckle": wrist + lower @ [0.005, 0.0, -0.085],
        f"{side.name}_fingertip": wrist + lower @ [0.02, 0.0, -0.165],
        f"{side.name}_thumb": wrist + lower @ [0.055, -0.005 * side.sign, -0.075],
    }


def _leg(name: str, hip: Vector, ankle: Vector, foot: Matrix, toe: Matrix, forward: Vector) -> dict[str, Vector]:
    ball = ankle + foot @ BALL_M
    return {
        f"{name}_hip": hip,
        f"{name}_knee": knee_between(hip, ankle, forward),
        f"{name}_ankle": ankle,
        f"{name}_heel": ankle + foot @ HEEL_M,
        f"{name}_ball": ball,
        f"{name}_toe": ball + toe @ np.subtract(TOE_M, BALL_M),
    }


def knee_between(hip: Vector, ankle: Vector, forward: Vector) -> Vector:
    """The knee of a leg of fixed bone lengths that bends towards `forward` (two-bone inverse kinematics)."""
    leg = ankle - hip
    length = float(np.linalg.norm(leg))
    if length >= THIGH_M + SHIN_M:
        raise ValueError(f"the ankle is {length:.3f} m from the hip, the leg is only {THIGH_M + SHIN_M:.3f} m long")
    axis = leg / length
    along = (THIGH_M**2 - SHIN_M**2 + length**2) / (2 * length)
    bend = forward - axis * (forward @ axis)
    return np.asarray(hip + axis * along + bend / np.linalg.norm(bend) * sqrt(THIGH_M**2 - along**2))


def _foot(walk: Walk, cycle: float, side: Side) -> tuple[Vector, Matrix, Matrix]:
    """Ankle, foot frame and toe frame; the foot strikes the floor where `cycle` is whole."""
    step, part = divmod(cycle, 1.0)
    if part < STANCE:
        return _stance(walk, step, part, side)
    return _swing(walk, step, (part - STANCE) / (1 - STANCE), side)


def _print(walk: Walk, step: float, side: Side) -> tuple[Vector, float]:
    """Where the ankle stands flat for this step, and the foot's direction: the walk passes it in mid-stance."""
    passing = step + side.lag + STANCE / 2
    ankle = walk.place(passing, walk.half_gauge_m * side.sign)
    ankle[2] = ANKLE_HEIGHT_M
    return ankle, walk.heading(passing) + radians(7) * side.sign


def _stance(walk: Walk, step: float, part: float, side: Side) -> tuple[Vector, Matrix, Matrix]:
    """Heel rocker, flat foot, then the heel lifts over the ball while the toes stay on the floor."""
    flat_ankle, heading = _print(walk, step, side)
    level = turn(heading)
    if part < HEEL_OFF:
        pivot, angle = HEEL_M, STRIKE_PITCH * (1 - smoothstep(part / FLAT_FROM))
    else:
        pivot, angle = BALL_M, TOE_OFF_PITCH * ((part - HEEL_OFF) / (STANCE - HEEL_OFF)) ** 2
    foot = level @ pitch(angle)
    return flat_ankle + level @ pivot - foot @ pivot, foot, foot if angle > 0 else level


def _swing(walk: Walk, step: float, part: float, side: Side) -> tuple[Vector, Matrix, Matrix]:
    """From toe-off to the next heel strike: a Hermite curve that leaves with the stance's own velocity, lifted."""
    stance = partial(_stance, walk, side=side)
    start, end = stance(step, STANCE)[0], stance(step + 1, 0.0)[0]
    nudge = 1e-4
    leaving = (start - stance(step, STANCE - nudge)[0]) / nudge * (1 - STANCE)
    ease = smoothstep(part)
    ankle = start + (end - start) * ease + leaving * (part * (1 - part) ** 2)
    ankle[2] += 0.03 * sin(pi * part) ** 2
    headings = _print(walk, step, side)[1], _print(walk, step + 1, side)[1]
    level = turn(headings[0] + (headings[1] - headings[0]) * ease)
    angle = TOE_OFF_PITCH + (STRIKE_PITCH - TOE_OFF_PITCH) * smoothstep(part * 1.15)
    return ankle, level @ pitch(angle), level @ pitch(angle * smoothstep(part * 2))
