"""Signed anatomical angles after the ISB's recommendations, as far as joint centres determine them.

Sources: Wu et al., "ISB recommendation on definitions of joint coordinate systems", J. Biomech. 35 (2002, ankle,
hip, spine) and 38 (2005, shoulder, elbow); Grood and Suntay, J. Biomech. Eng. 105 (1983, knee). Frames have x
forward, y up, z to the body's right. The ISB's stand on bony landmarks, which videos don't have; these on joint
centres:

- pelvis: z from the left to the right hip, y as near to the trunk (hip to thorax) as that allows; thorax: z from the
  left to the right shoulder, likewise;
- thigh: y from knee to hip, z across the plane of hip, knee and ankle; upper arm: y from elbow to shoulder, z across
  the plane of shoulder, elbow and wrist. Where a knee or an elbow is bent less than `LEAST_BEND_DEG` that plane is
  noise: what needs it, the turn about the limb's own axis, is NaN.

Hips are turned about z, x, y (flexion, adduction, internal rotation); shoulders about y, x, y (plane of elevation,
elevation, internal rotation). Within `GIMBAL_DEG` of the order's singular position what it doesn't determine is NaN.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics.angles import between
from liftline.skeletons import Skeleton

Floats = NDArray[np.float64]
LEAST_BEND_DEG = 20.0
GIMBAL_DEG = 10.0
SLIGHT_BENDS_DEG = 10.0, 30.0
"""Below the first a knee may be overstretched, above the second it is bent."""
_MIRROR = np.array([1.0, 1.0, -1.0])
"""Left limbs are measured as their mirror images: signs are anatomical on both sides."""

_TRUNK = ("pelvis_rotation", "pelvis_obliquity", "trunk_lean_forward", "trunk_lean_right", "trunk_rotation")
_LEG = ("hip_flexion", "hip_adduction", "hip_internal_rotation", "knee_flexion", "ankle_dorsiflexion")
_ARM = ("shoulder_plane_of_elevation", "shoulder_elevation", "shoulder_internal_rotation", "elbow_flexion")
_SIDES = ("right", "left")

ANATOMICAL_ANGLES: tuple[str, ...] = (
    *(f"isb_{name}" for name in _TRUNK),
    *(f"isb_{name}_{side}" for side in _SIDES for name in (*_LEG, *_ARM)),
)


def anatomical_angles(joints_m: NDArray[np.floating], skeleton: Skeleton) -> Floats:
    """(T,J,3) joints in a world with y up -> (T,A) degrees of `ANATOMICAL_ANGLES`; NaN where undetermined."""
    joints = dict(zip(skeleton.joints, np.moveaxis(np.asarray(joints_m, np.float64), 1, 0), strict=True))
    trunk = joints["thorax"] - joints["hip"]
    pelvis = _frame(joints["right_hip"] - joints["left_hip"], trunk)
    thorax = _frame(joints["right_shoulder"] - joints["left_shoulder"], trunk)
    columns = [*_trunk_angles(pelvis, thorax, trunk)]
    for side in _SIDES:
        own = {name.removeprefix(f"{side}_"): value for name, value in joints.items() if name.startswith(side)}
        columns += [*_leg_angles(own, pelvis, mirrored=side == "left")]
        columns += [*_arm_angles(own, thorax, mirrored=side == "left")]
    return np.stack(columns, axis=1)


def _frame(z: Floats, up: Floats) -> Floats:
    """(T,3,3) axes x, y, z as columns: z as given, y as near to `up` as can be."""
    z = _unit(z)
    x = _unit(np.cross(up, z))
    return np.stack([x, np.cross(z, x), z], axis=-1)


def _unit(vectors: Floats) -> Floats:
    length = np.linalg.norm(vectors, axis=-1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.full_like(vectors, np.nan), where=length > 1e-9))


def _trunk_angles(pelvis: Floats, thorax: Floats, trunk: Floats) -> tuple[Floats, ...]:
    """Heading (from the camera's right, left positive), right side up, leaning forward and right, turned left."""
    heading = pelvis[..., 0] * [1.0, 0.0, 1.0]
    level = np.linalg.norm(heading, axis=-1, keepdims=True)
    heading = np.where(level > np.sin(np.radians(GIMBAL_DEG)), heading, np.nan)
    ahead = _unit(heading)
    right = np.cross(ahead, [0.0, 1.0, 0.0])
    relative = np.swapaxes(pelvis, -1, -2) @ thorax
    return (
        _degrees(-ahead[..., 2], ahead[..., 0]),
        np.degrees(np.arcsin(np.clip(pelvis[..., 1, 2], -1, 1))),
        _degrees((trunk * ahead).sum(axis=-1), trunk[..., 1]),
        _degrees((trunk * right).sum(axis=-1), trunk[..., 1]),
        _degrees(-relative[..., 2, 0], relative[..., 2, 2]),
    )


def _leg_angles(leg: dict[str, Floats], pelvis: Floats, *, mirrored: bool) -> tuple[Floats, ...]:
    thigh, shank = _seen_from(pelvis, leg["hip"] - leg["knee"], leg["foot"] - leg["knee"], mirrored=mirrored)
    y = _unit(thigh)
    adduction = np.degrees(np.arcsin(np.clip(y[..., 2], -1, 1)))
    flexion = _degrees(-y[..., 0], y[..., 1])
    bend = 180 - between(thigh, shank)
    axes = _frame(np.cross(thigh, shank), thigh)
    rotation = _degrees(-axes[..., 2, 0], axes[..., 2, 2])
    singular = np.abs(adduction) > 90 - GIMBAL_DEG
    return (
        np.where(singular, np.nan, flexion),
        adduction,
        np.where(singular | (bend < LEAST_BEND_DEG), np.nan, rotation),
        _signed_bend(bend, (axes[..., 2] * _swung_z(y)).sum(axis=-1)),
        _dorsiflexion(leg),
    )


def _signed_bend(bend: Floats, along: Floats) -> Floats:
    """(T,) bends of knees, and the cosine between their axis and the hip's own -> flexion, without a jump.

    Knees bend one way: a clear bend is flexion whatever its plane. Of a slight one only the part about the hip's own
    axis counts, so that an overstretched knee is negative.
    """
    slight, clear = SLIGHT_BENDS_DEG
    share = np.clip((bend - slight) / (clear - slight), 0, 1)
    certain = share * share * (3 - 2 * share)
    return np.asarray(bend * (certain + (1 - certain) * np.where(bend > 1e-9, along, 1.0)))


def _swung_z(y: Floats) -> Floats:
    """(T,3) where the pelvis' z goes in the shortest turn of its y to the thigh's."""
    z, middle = np.array([0.0, 0.0, 1.0]), y + np.array([0.0, 1.0, 0.0])
    size = np.maximum((middle * middle).sum(axis=-1, keepdims=True), 1e-12)
    return np.asarray(z - 2 * middle * (middle @ z)[..., None] / size, np.float64)


def _dorsiflexion(leg: dict[str, Floats]) -> Floats:
    if "heel" not in leg:
        return np.full(len(leg["foot"]), np.nan)
    return 90 - between(leg["knee"] - leg["foot"], leg["big_toe"] - leg["heel"])


def _arm_angles(arm: dict[str, Floats], thorax: Floats, *, mirrored: bool) -> tuple[Floats, ...]:
    upper, fore = _seen_from(thorax, arm["shoulder"] - arm["elbow"], arm["wrist"] - arm["elbow"], mirrored=mirrored)
    y = _unit(upper)
    elevation = between(y, np.broadcast_to([0.0, 1.0, 0.0], y.shape))
    plane = _degrees(-y[..., 0], -y[..., 2])
    flexion = 180 - between(upper, fore)
    axes = _frame(np.cross(-upper, fore), upper)
    rotation = _degrees(-axes[..., 1, 0], axes[..., 1, 2])
    singular = (elevation < GIMBAL_DEG) | (elevation > 180 - GIMBAL_DEG)
    return (
        np.where(singular, np.nan, plane),
        elevation,
        np.where(singular | (flexion < LEAST_BEND_DEG), np.nan, rotation),
        flexion,
    )


def _seen_from(frame: Floats, *vectors: Floats, mirrored: bool) -> tuple[Floats, ...]:
    """Vectors (T,3) in the frame's coordinates; of a left limb, those of its mirror image."""
    seen = (np.einsum("tji,tj->ti", frame, one) for one in vectors)
    return tuple(one * _MIRROR if mirrored else one for one in seen)


def _degrees(y: Floats, x: Floats) -> Floats:
    return np.asarray(np.degrees(np.arctan2(y, x)), np.float64)
