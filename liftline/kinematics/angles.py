"""Joint angles of 3D poses: their names, definitions and errors.

An angle between two segments is that of two directions in space, 0 to 180 degrees, without a sign: as Sports2D and
Pose2Sim have it in 3D (`Pose2Sim/common.py`, angle_dict), so that figures compare. 0 is a straight knee, elbow or hip
(thigh in line with the trunk) and an arm that hangs along the trunk; it grows with flexion and, at hips and shoulders,
with abduction too. Ankles are 0 where the foot is at a right angle to the shin, positive for dorsiflexion, and need
feet. The trunk's lean is from the vertical, and needs to know which way is up.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17, H36M17_FEET_HANDS, LIMB_JOINTS

Floats = NDArray[np.float64]

_AT = H36M17_FEET_HANDS.index


@dataclass(frozen=True)
class Angle:
    """An angle between two directions, each from one joint of `H36M17_FEET_HANDS` to another.

    `offset_deg` is what the angle is less when it is called 0. `mirrored` names the other side's.
    """

    name: str
    one: tuple[int, int]
    other: tuple[int, int]
    offset_deg: float = 0.0

    @property
    def mirrored(self) -> str:
        """The same angle of the other side."""
        side, part = self.name.split("_", 1)
        return f"{'right' if side == 'left' else 'left'}_{part}"

    @property
    def needs_feet(self) -> bool:
        """Whether Human3.6M-17 isn't enough."""
        return max(*self.one, *self.other) >= len(H36M17)


def _angle(name: str, one: tuple[str, str], other: tuple[str, str], offset_deg: float = 0.0) -> Angle:
    return Angle(name, (_AT[one[0]], _AT[one[1]]), (_AT[other[0]], _AT[other[1]]), offset_deg)


def _hinge(side: str, upper: str, middle: str, end: str) -> Angle:
    first, own, last = (f"{side}_{part}" for part in (upper, middle, end))
    return _angle(own, (first, own), (own, last))


_SIDES = ("left", "right")
_TRUNK_DOWN = ("thorax", "hip")

JOINT_ANGLES: tuple[Angle, ...] = (
    *(_hinge(side, "hip", "knee", "foot") for side in _SIDES),
    *(_angle(f"{side}_hip", _TRUNK_DOWN, (f"{side}_hip", f"{side}_knee")) for side in _SIDES),
    *(_angle(f"{side}_shoulder", _TRUNK_DOWN, (f"{side}_shoulder", f"{side}_elbow")) for side in _SIDES),
    *(_hinge(side, "shoulder", "elbow", "wrist") for side in _SIDES),
)
"""The eight that Human3.6M-17 determines."""

ANKLE_ANGLES: tuple[Angle, ...] = tuple(
    _angle(f"{side}_ankle", (f"{side}_foot", f"{side}_knee"), (f"{side}_big_toe", f"{side}_heel"), 90.0)
    for side in _SIDES
)
"""Shin against the line from toe to heel: 90 degrees less is a neutral ankle."""


def joint_angles(joints_m: NDArray[np.floating], angles: Sequence[Angle] = JOINT_ANGLES) -> Floats:
    """(..., J, 3) poses -> (..., A) degrees; NaN stays.

    Joints are `H36M17_FEET_HANDS`, or as many of the first ones as the angles need.
    """
    joints_m = np.asarray(joints_m, np.float64)
    one, other = (
        np.stack([joints_m[..., end, :] - joints_m[..., start, :] for start, end in pairs], axis=-2)
        for pairs in zip(*((angle.one, angle.other) for angle in angles), strict=True)
    )
    return np.asarray(between(one, other) - [angle.offset_deg for angle in angles], np.float64)


def pose_of_limbs(limbs_m: NDArray[np.floating]) -> Floats:
    """(..., 12, 3) `LIMB_JOINTS` -> (..., 17, 3) with a trunk between the middles of hips and shoulders; NaN elsewhere.

    For references without a spine: made of both a result and its reference, their angles compare.
    """
    pose = np.full((*limbs_m.shape[:-2], len(H36M17), 3), np.nan)
    pose[..., H36M17.indices(*LIMB_JOINTS), :] = limbs_m
    for middle, part in (("hip", "hip"), ("thorax", "shoulder")):
        pose[..., _AT[middle], :] = pose[..., H36M17.indices(f"left_{part}", f"right_{part}"), :].mean(axis=-2)
    return pose


def trunk_lean(joints_m: NDArray[np.floating], up: NDArray[np.floating]) -> Floats:
    """(..., J, 3) poses -> (...,) degrees between the trunk (hip to thorax) and `up` (3,) or (..., 3)."""
    trunk = joints_m[..., _AT["thorax"], :] - joints_m[..., _AT["hip"], :]
    return between(np.asarray(trunk, np.float64), np.broadcast_to(np.asarray(up, np.float64), trunk.shape))


def between(one: Floats, other: Floats) -> Floats:
    """(..., 3) twice -> (...,) degrees between them, exact near 0 and 180, too."""
    across = np.linalg.norm(np.cross(one, other), axis=-1)
    return np.asarray(np.degrees(np.arctan2(across, (one * other).sum(axis=-1))), np.float64)


@dataclass(frozen=True)
class AngleError:
    """One angle's errors over N frames, degrees; `offset_free_deg` is the MAE without the mean error (`bias_deg`).

    `correlation` is Pearson's r, NaN where the truth doesn't change.
    """

    mae_deg: float
    rmse_deg: float
    bias_deg: float
    offset_free_deg: float
    correlation: float


def mean_of_eight(errors: Mapping[str, AngleError]) -> AngleError:
    """Means over `JOINT_ANGLES`, by name in `errors`; of the biases, their sizes'."""
    own = [astuple(errors[angle.name]) for angle in JOINT_ANGLES]
    return AngleError(*np.abs(own).mean(axis=0).tolist())


def angle_errors(
    predicted_m: NDArray[np.floating], true_m: NDArray[np.floating], angles: Sequence[Angle] = JOINT_ANGLES
) -> dict[str, AngleError]:
    """The errors of (N, J, 3) poses, by the angles' names."""
    predicted, true = (joint_angles(poses, angles) for poses in (predicted_m, true_m))
    return {angle.name: angle_error(predicted[:, i], true[:, i]) for i, angle in enumerate(angles)}


def angle_error(predicted_deg: NDArray[np.floating], true_deg: NDArray[np.floating]) -> AngleError:
    """The errors of (N,) predicted angles; frames with NaN don't count, and none left gives NaN."""
    known = np.isfinite(predicted_deg) & np.isfinite(true_deg)
    if not known.any():
        return AngleError(*[float("nan")] * 5)
    predicted, true = np.asarray(predicted_deg, np.float64)[known], np.asarray(true_deg, np.float64)[known]
    off = predicted - true
    spread = predicted.std() * true.std()
    r = ((predicted - predicted.mean()) * (true - true.mean())).mean() / spread if spread > 1e-9 else np.nan
    return AngleError(
        mae_deg=float(np.abs(off).mean()),
        rmse_deg=float(np.sqrt(np.square(off).mean())),
        bias_deg=float(off.mean()),
        offset_free_deg=float(np.abs(off - off.mean()).mean()),
        correlation=float(r),
    )
