"""From a person's joints to bones of constant length and their rotations, solved once for every format that has any.

What points tell is followed: each bone points where its joints are, hips and chest turn as hip and shoulder joints do.
What they don't tell is chosen: a limb's turn about its own axis is that of its knee's or elbow's plane, carried over
while the limb is straight (`_limb_twist`); forearms, shins, necks and heads turn with what they are attached to; so do
hands and feet where the poses have no points on them. Limbs that were never seen keep their place in the T-pose.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.kinematics._limb_twist import twisted
from liftline.kinematics.person import Person
from liftline.kinematics.rig import ENDS, INDEX, JOINTS, PARENTS, Motion, Rig
from liftline.kinematics.turns import Floats, about, continuous, frame, inverse, quaternions, shortest_turn, unit

X, Y, Z = np.eye(3)
_SIDES = (("left", X), ("right", -X))
_SPINE_STARTS = 0.35
"""Of the way from the hips to the middle of the spine, where pelvis ends and spine begins."""
_FOOT_OF_SHIN, _ANKLE_OF_SHIN, _TOES_OF_SHIN, _HAND_OF_FOREARM = 0.30, 0.18, 0.12, 0.35
"""Lengths where the poses have no points on feet and hands, after Winter, Biomechanics (2009), figure 4.1."""

Joints = dict[str, Floats]


def solve(person: Person) -> Motion:
    """A person's rig and motion. Raises ValueError where there is no frame."""
    if not len(person):
        raise ValueError("a person without frames has no motion")
    joints = {name: _whole(person.joints_m[:, i]) for i, name in enumerate(person.skeleton.joints)}
    axes = _trunk(joints)
    rest = {
        "neck": _rest_direction(joints, axes, "thorax", "neck"),
        "head": _rest_direction(joints, axes, "neck", "head"),
    }
    for bone, start, end in (("neck", "thorax", "neck"), ("head", "neck", "head")):
        axes[bone] = _follow(axes["upper_chest" if bone == "neck" else "neck"], rest[bone], joints[end] - joints[start])
    for side, outward in _SIDES:
        _arm(joints, axes, side, outward, person.rate_hz)
        _leg(joints, axes, side, person.rate_hz)
    rig = _rig(joints, axes, rest)
    world = np.stack([axes[name] for name in JOINTS], axis=1)
    own = np.stack(
        [world[:, i] if parent < 0 else inverse(world[:, parent]) @ world[:, i] for i, parent in enumerate(PARENTS)],
        axis=1,
    )
    seen = _seen(person)
    own[:, ~seen] = np.eye(3)
    return Motion(rig, person.times_s, joints["hip"], continuous(quaternions(own)), seen)


def _whole(joint_m: Floats) -> Floats:
    """(T,3) with frames that have none filled in between the others; all NaN where none has."""
    known = np.isfinite(joint_m).all(axis=-1)
    if known.all() or not known.any():
        return joint_m
    at = np.arange(len(joint_m))
    return np.stack([np.interp(at, at[known], axis[known]) for axis in joint_m.T], axis=-1)


def _trunk(joints: Joints) -> Joints:
    """Axes of hips and spine: the hips' x is exact, the spine's y."""
    lumbar, thoracic = joints["spine"] - joints["hip"], joints["thorax"] - joints["spine"]
    hips = frame(joints["left_hip"] - joints["right_hip"], lumbar)
    start = joints["hip"] + _SPINE_STARTS * _length(lumbar) * hips[..., 1]
    spine = _follow(hips, Y, joints["spine"] - start)
    up = unit(thoracic)
    across = joints["left_shoulder"] - joints["right_shoulder"]
    upper = frame(across - (across * up).sum(axis=-1, keepdims=True) * up, up)
    lower = _follow(spine, Y, up)
    turn = np.arctan2((lower[..., 2] * upper[..., 0]).sum(axis=-1), (lower[..., 0] * upper[..., 0]).sum(axis=-1))
    return {"hips": hips, "spine": spine, "chest": about(up, -turn / 2) @ lower, "upper_chest": upper}


def _rest_direction(joints: Joints, axes: Joints, start: str, end: str) -> Floats:
    """(3,) where a bone of the neck points from the chest as a rule, neither to the left nor to the right."""
    seen = np.median(inverse(axes["upper_chest"]) @ unit(joints[end] - joints[start])[..., None], axis=0)[:, 0]
    return unit(np.array([0.0, max(float(seen[1]), 0.1), float(seen[2])]))


def _follow(parent: Floats, rest: Floats, along: Floats) -> Floats:
    """(T,3,3) the parent's axes, turned by the shortest way until `rest` (3,) points along (T,3)."""
    return shortest_turn(parent @ rest, along) @ parent


def _bend(upper: Floats, lower: Floats) -> Floats:
    return np.asarray(np.cross(unit(upper), unit(lower)), np.float64)


def _arm(joints: Joints, axes: Joints, side: str, outward: Floats, rate_hz: float) -> None:
    shoulder, elbow, wrist = (joints[f"{side}_{name}"] for name in ("shoulder", "elbow", "wrist"))
    upper, lower = unit(elbow - shoulder), unit(wrist - elbow)
    girdle = _follow(axes["upper_chest"], outward, shoulder - joints["thorax"])
    # In T-pose elbows bend forward: about -y on the left, y on the right.
    arm = twisted(outward, np.cross(outward, Z), girdle, upper, _bend(upper, lower), rate_hz=rate_hz)
    forearm = _follow(arm, outward, lower)
    axes[f"{side}_shoulder"], axes[f"{side}_upper_arm"], axes[f"{side}_lower_arm"] = girdle, arm, forearm
    axes[f"{side}_hand"] = forearm
    if _has(joints, f"{side}_index", f"{side}_pinky"):
        index, pinky = (joints[f"{side}_{name}"] for name in ("index", "pinky"))
        # Palms down, thumbs forward: from the little finger to the index is z.
        hand = frame(outward[0] * ((index + pinky) / 2 - wrist), np.cross(index - pinky, outward[0] * (index - wrist)))
        axes[f"{side}_hand"] = hand


def _leg(joints: Joints, axes: Joints, side: str, rate_hz: float) -> None:
    hip, knee, ankle = (joints[f"{side}_{name}"] for name in ("hip", "knee", "foot"))
    upper, lower = unit(knee - hip), unit(ankle - knee)
    normal = _bend(upper, lower)
    # Knees bend one way only: a normal that points the other way is an overstretched knee, or noise.
    follows = _follow(axes["hips"], -Y, upper)
    normal = np.where((normal * follows[..., 0]).sum(axis=-1, keepdims=True) > 0, normal, 0.0)
    thigh = twisted(-Y, X, axes["hips"], upper, normal, rate_hz=rate_hz)
    shin = _follow(thigh, -Y, lower)
    axes[f"{side}_upper_leg"], axes[f"{side}_lower_leg"] = thigh, shin
    foot = shin
    if _has(joints, f"{side}_heel", f"{side}_big_toe"):
        ahead = unit(_toes(joints, side) - joints[f"{side}_heel"])
        across = unit(np.cross(ankle - joints[f"{side}_heel"], ahead))
        foot = np.stack([across, np.cross(ahead, across), ahead], axis=-1)
    axes[f"{side}_foot"] = axes[f"{side}_toes"] = foot


def _toes(joints: Joints, side: str) -> Floats:
    """(T,3) the ball of the foot: between big and small toe where both are known."""
    big = joints[f"{side}_big_toe"]
    return (big + joints[f"{side}_small_toe"]) / 2 if _has(joints, f"{side}_small_toe") else big


def _has(joints: Joints, *names: str) -> bool:
    return all(name in joints and bool(np.isfinite(joints[name]).all()) for name in names)


def _length(vectors: Floats) -> float:
    return float(np.median(np.linalg.norm(vectors, axis=-1)))


def _rig(joints: Joints, axes: Joints, rest: Joints) -> Rig:
    def between(start: str, end: str) -> float:
        return _length(joints[end] - joints[start])

    lumbar, thoracic = between("hip", "spine"), between("spine", "thorax")
    offsets = {"spine": _SPINE_STARTS * lumbar * Y, "chest": (1 - _SPINE_STARTS) * lumbar * Y}
    offsets |= {
        "upper_chest": thoracic / 2 * Y,
        "neck": thoracic / 2 * Y,
        "head": between("thorax", "neck") * rest["neck"],
    }
    ends = {"head": between("neck", "head") * rest["head"]}
    for side, outward in _SIDES:
        forearm, shin = between(f"{side}_elbow", f"{side}_wrist"), between(f"{side}_knee", f"{side}_foot")
        offsets |= {
            f"{side}_shoulder": thoracic / 2 * Y,
            f"{side}_upper_arm": between("thorax", f"{side}_shoulder") * outward,
            f"{side}_lower_arm": between(f"{side}_shoulder", f"{side}_elbow") * outward,
            f"{side}_hand": forearm * outward,
            f"{side}_upper_leg": _usual(axes["hips"], joints[f"{side}_hip"] - joints["hip"]),
            f"{side}_lower_leg": -between(f"{side}_hip", f"{side}_knee") * Y,
            f"{side}_foot": -shin * Y,
            f"{side}_toes": _foot_offset(joints, axes, side, shin),
        }
        ends[f"{side}_hand"] = _hand_length(joints, side, forearm) * outward
        ends[f"{side}_toes"] = _TOES_OF_SHIN * shin * Z
    offsets["hips"] = -(
        offsets["left_upper_leg"] + offsets["left_lower_leg"] + offsets["left_foot"] + offsets["left_toes"]
    )
    offsets["hips"] = offsets["hips"] * Y
    return Rig(np.stack([offsets[name] for name in JOINTS]), np.stack([ends[name] for name in ENDS]))


def _usual(axes: Floats, vectors: Floats) -> Floats:
    """(3,) the median of vectors (T,3) as seen from axes (T,3,3)."""
    return np.asarray(np.median((inverse(axes) @ vectors[..., None])[..., 0], axis=0), np.float64)


def _foot_offset(joints: Joints, axes: Joints, side: str, shin: float) -> Floats:
    if not _has(joints, f"{side}_heel", f"{side}_big_toe"):
        return shin * (_FOOT_OF_SHIN * Z - _ANKLE_OF_SHIN * Y)
    return _usual(axes[f"{side}_foot"], _toes(joints, side) - joints[f"{side}_foot"]) * [0.0, 1.0, 1.0]


def _hand_length(joints: Joints, side: str, forearm: float) -> float:
    if not _has(joints, f"{side}_index", f"{side}_pinky"):
        return _HAND_OF_FOREARM * forearm
    return _length((joints[f"{side}_index"] + joints[f"{side}_pinky"]) / 2 - joints[f"{side}_wrist"])


def _seen(person: Person) -> NDArray[np.bool_]:
    """(J,) of the rig: limbs whose far end was never seen aren't; nor are hands and feet without points, nor toes."""
    seen = dict(zip(person.skeleton.joints, person.seen.tolist(), strict=True))
    out = np.ones(len(JOINTS), np.bool_)
    for side, _ in _SIDES:
        ends = (("upper_arm", "elbow"), ("lower_arm", "wrist"), ("upper_leg", "knee"), ("lower_leg", "foot"))
        for bone, end in ends:
            out[INDEX[f"{side}_{bone}"]] = seen[f"{side}_{end}"]
        out[INDEX[f"{side}_hand"]] = seen[f"{side}_wrist"] and seen.get(f"{side}_index", False)
        out[INDEX[f"{side}_foot"]] = seen[f"{side}_foot"] and seen.get(f"{side}_big_toe", False)
        out[INDEX[f"{side}_toes"]] = False
    return out
