"""The angles of Sports2D and Pose2Sim, by their names, in 3D.

Source of names, points and zeros: Pagnon, `Pose2Sim/common.py` (`angle_dict`), version 0.10.49. A joint's angle is the
one between two directions in space, without a sign, counted as Sports2D counts it in a side view: it grows with flexion
from 0 for a straight limb, from 0 for a foot at a right angle to the shank. A segment's angle is that against the
horizontal in the upright plane of the picture, anticlockwise from the picture's right, in (-180, 180].
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.angles import between
from liftline.kinematics.markers import MARKERS
from liftline.skeletons import Skeleton

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class NamedAngle:
    """`points` are markers: two of a segment, three with the joint in the middle, or two pairs of directions.

    The angle is `start_deg` + `sign` x the angle between the directions. `half_turns`: it is that of an axis without a
    direction, within 90 degrees of 0.
    """

    name: str
    points: tuple[str, ...]
    start_deg: float = 0.0
    sign: float = 1.0
    half_turns: bool = False

    @property
    def is_segment(self) -> bool:
        """Whether it is against the horizontal."""
        return len(self.points) == 2


_JOINTS: tuple[tuple[str, tuple[str, ...], float, float], ...] = (
    ("ankle", ("*Knee", "*Ankle", "*BigToe", "*Heel"), 90, -1),
    ("knee", ("*Ankle", "*Knee", "*Hip"), 180, -1),
    ("hip", ("*Knee", "*Hip", "Hip", "Neck"), 0, 1),
    ("shoulder", ("*Elbow", "*Shoulder", "Hip", "Neck"), 0, 1),
    ("elbow", ("*Wrist", "*Elbow", "*Shoulder"), 180, -1),
    ("wrist", ("*Elbow", "*Wrist", "*Index"), 180, -1),
)
_SEGMENTS: tuple[tuple[str, str, str], ...] = (
    ("foot", "*BigToe", "*Heel"), ("shank", "*Ankle", "*Knee"), ("thigh", "*Knee", "*Hip"),
    ("pelvis", "LHip", "RHip"), ("trunk", "Neck", "Hip"), ("shoulders", "LShoulder", "RShoulder"),
    ("head", "Head", "Neck"),
    ("arm", "*Elbow", "*Shoulder"), ("forearm", "*Wrist", "*Elbow"), ("hand", "*Index", "*Wrist"),
)  # fmt: skip
_SIDES = ("right", "left")


def _of_side(points: tuple[str, ...], side: str) -> tuple[str, ...]:
    return tuple(point.replace("*", side[:1].upper()) for point in points)


SPORTS2D_ANGLES: tuple[NamedAngle, ...] = (
    *(
        NamedAngle(f"{side} {name}", _of_side(points, side), start_deg, sign)
        for name, points, start_deg, sign in _JOINTS
        for side in _SIDES
    ),
    *(
        NamedAngle(f"{side} {name}" if side else name, _of_side(ends, side), half_turns=name in ("pelvis", "shoulders"))
        for name, *pair in _SEGMENTS
        for ends in [tuple(pair)]
        for side in (_SIDES if "*" in ends[0] else ("",))
    ),
)
"""In their order: joints from the ground up, then segments."""


def sports2d_angles(joints_m: NDArray[np.floating], skeleton: Skeleton) -> Floats:
    """(T,J,3) joints with x to the picture's right and y up -> (T,A) degrees of `SPORTS2D_ANGLES`.

    NaN where a point is missing: feet and hands where the skeleton has none.
    """
    exact: Floats = np.asarray(joints_m, np.float64)
    columns = [_angle(one, exact, skeleton) for one in SPORTS2D_ANGLES]
    return np.stack(columns, axis=-1)


def _angle(angle: NamedAngle, joints_m: Floats, skeleton: Skeleton) -> Floats:
    names = [MARKERS[point] for point in angle.points]
    if not all(name in skeleton.index for name in names):
        return np.full(joints_m.shape[:-2], np.nan)
    points = [joints_m[..., skeleton.index[name], :] for name in names]
    if angle.is_segment:
        along = points[0] - points[1]
        degrees = np.degrees(np.arctan2(along[..., 1], along[..., 0]))
        return np.asarray(-((90 - degrees) % 180 - 90) if angle.half_turns else degrees)
    if len(points) == 3:
        raw = between(points[0] - points[1], points[2] - points[1])
    else:
        raw = between(points[1] - points[0], points[3] - points[2])
    return angle.start_deg + angle.sign * raw
