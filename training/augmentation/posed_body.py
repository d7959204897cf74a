"""A body put into a posture by its joints' angles: bones as the motion capture has them, standing on the floor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.augmentation.hands import carried
from training.motion.bones import ancestors
from training.motion.data import JOINTS

Floats = NDArray[np.float32]
Numbers = NDArray[np.floating]

_AT = {name: i for i, name in enumerate(JOINTS)}
SIDES = (("left", 1.0), ("right", -1.0))
_LEG = ("flex", "abd", "rot", "knee", "dorsi", "flat")
_ARM = ("el", "az", "twist", "elbow")
NAMES = (
    "pitch", "roll", "trunk_flex", "trunk_side", "trunk_turn", "neck_flex", "neck_side", "neck_turn",
    *(f"{side}_{angle}" for side, _ in SIDES for angle in (*_LEG, *_ARM)),
)  # fmt: skip
COLUMN = {name: i for i, name in enumerate(NAMES)}

# A body of 1.7 m: bones in the pelvis', chest's (from neck and shoulders on) or limb's own axes: left, back, up.
_BODY = {
    "spine": (0, 0.0, 0.235), "thorax": (0, 0.0, 0.255), "neck": (0, -0.03, 0.105), "head": (0, -0.02, 0.113),
    "nose": (0, -0.085, -0.015), "left_eye": (0.03, -0.07, 0.02), "left_ear": (0.075, 0.015, 0.0),
    "left_hip": (0.115, 0, 0), "left_shoulder": (0.175, 0.01, -0.045),
    "left_knee": (0, 0, -0.417), "left_foot": (0, 0, -0.418), "left_elbow": (0, 0, -0.3), "left_wrist": (0, 0, -0.25),
    "left_heel": (0, 0.05, -0.065), "left_big_toe": (-0.018, -0.15, -0.07), "left_small_toe": (0.045, -0.105, -0.07),
}  # fmt: skip


@dataclass(frozen=True)
class Posed:
    """n windows of T frames: as `BoneMotion` has them. lengths_m (n, J) of the bones."""

    bones: Floats
    pelvis: Floats
    root_m: Floats
    lengths_m: Floats


def posed(angles_rad: Floats) -> Posed:
    """(n, T, A) angles of `NAMES`, radians (`flat`: 1 radian for a level foot) -> bodies that stand on the floor."""
    n, frames = angles_rad.shape[:2]
    at = {name: angles_rad[..., i] for name, i in COLUMN.items()}
    bones = np.zeros((n, frames, 3, len(JOINTS)), np.float32)
    pelvis = turn(0, at["pitch"]) @ turn(1, at["roll"])
    chest = turn(0, at["trunk_flex"]) @ turn(1, at["trunk_side"]) @ turn(2, at["trunk_turn"])
    half = turn(0, at["trunk_flex"] / 2) @ turn(1, at["trunk_side"] / 2) @ turn(2, at["trunk_turn"] / 2)
    head = chest @ turn(0, at["neck_flex"]) @ turn(1, at["neck_side"]) @ turn(2, at["neck_turn"])

    def put(name: str, frame: Numbers | None, side: float = 1.0) -> None:
        vector = np.array(_BODY[name.replace("right_", "left_")], np.float32) * np.array([side, 1, 1], np.float32)
        bones[..., _AT[name]] = vector if frame is None else frame @ vector

    put("spine", None)
    put("thorax", half)
    for name in ("neck", "head", "nose"):
        put(name, head if name != "neck" else chest)
    for side, sign in SIDES:
        put(f"{side}_eye", head, sign)
        put(f"{side}_ear", head, sign)
        put(f"{side}_hip", None, sign)
        put(f"{side}_shoulder", chest, sign)
        own = {name: at[f"{side}_{name}"] for name in (*_LEG, *_ARM)}
        thigh = turn(0, -own["flex"]) @ turn(1, -sign * own["abd"]) @ turn(2, sign * own["rot"])
        shin = thigh @ turn(0, own["knee"])
        level = np.clip(at["pitch"] - own["flex"] + own["knee"], -0.9, 0.7)
        share = np.degrees(own["flat"])
        foot = shin @ turn(0, -(own["dorsi"] * (1 - share) + level * share))
        put(f"{side}_knee", thigh)
        put(f"{side}_foot", shin)
        for part in ("heel", "big_toe", "small_toe"):
            put(f"{side}_{part}", foot, sign)
        _put_arm(bones, chest, own, side, sign)
    lengths = np.linalg.norm(bones[:, 0], axis=1).astype(np.float32)
    return Posed(bones, pelvis, _roots(pelvis @ (bones @ ancestors()), at), lengths)


def _roots(joints: Floats, at: dict[str, Floats]) -> Floats:
    """(n, T, 3) the hip's way: the lowest point touches the floor, feet that stand flat stay where they are."""
    shares = [np.degrees(at[f"{side}_flat"])[..., None] for side, _ in SIDES]
    ankles = [joints[..., _AT[f"{side}_foot"]] for side, _ in SIDES]
    standing = sum(share * ankle for share, ankle in zip(shares, ankles, strict=True)) / np.maximum(sum(shares), 1)
    standing[..., 2] = joints[..., 2, :].min(axis=-1)
    return np.asarray(-standing, np.float32)


def _put_arm(bones: Floats, chest: Numbers, own: dict[str, Floats], side: str, sign: float) -> None:
    el, az, twist, elbow = (own[name] for name in _ARM)
    upper = np.stack([sign * np.sin(el) * np.cos(az), -np.sin(el) * np.sin(az), -np.cos(el)], axis=-1).astype(
        np.float32
    )
    forward = carried(upper)
    turned = sign * twist[..., None]
    bend = np.cos(turned) * forward - np.sin(turned) * np.cross(upper, forward)
    lower = np.cos(elbow)[..., None] * upper + np.sin(elbow)[..., None] * bend
    for name, direction in (("elbow", upper), ("wrist", lower)):
        length = -np.float32(_BODY[f"left_{name}"][2])
        bones[..., _AT[f"{side}_{name}"]] = length * (chest @ direction[..., None])[..., 0]


def turn(axis: int, angle: Numbers) -> Floats:
    """(...,) angles -> (..., 3, 3) rotations about one of the axes left, back, up."""
    cosine, sine = np.cos(angle), np.sin(angle)
    matrix = np.zeros((*angle.shape, 3, 3), np.float32)
    one, other = (axis + 1) % 3, (axis + 2) % 3
    matrix[..., axis, axis] = 1
    matrix[..., one, one] = matrix[..., other, other] = cosine
    matrix[..., other, one], matrix[..., one, other] = sine, -sine
    return matrix
