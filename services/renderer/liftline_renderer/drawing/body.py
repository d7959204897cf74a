"""The figure that stands for a person: which strokes it has, how thick they are, and how each side is coloured."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17, H36M17, Skeleton
from liftline_renderer.drawing.palette import LEFT, MIDDLE, RIGHT

HEAD, NECK_TOP = len(H36M17), len(H36M17) + 1
"""Indices of the head's centre and the neck's upper end, extra points after Human3.6M-17's joints and before others."""
HEAD_RADIUS_M = 0.108
THIN = 0.5
"""Share of a bone's width that those of feet, hands and face have."""
_FULL_WIDTH = frozenset((*H36M17.joints, *COCO17.joints[COCO17.index["left_shoulder"] :]))
TORSO: tuple[tuple[str, float], ...] = (
    ("left_shoulder", 0.058), ("right_shoulder", 0.058), ("left_hip", 0.075), ("right_hip", 0.075),
    ("hip", 0.085), ("spine", 0.095), ("thorax", 0.070),
)  # fmt: skip
"""Joints and radii (m) that the trunk's hull goes around."""


@dataclass(frozen=True)
class Strokes:
    """Tapered strokes: joint indices start, end (B,); radii_m (B,2); side (B,) LEFT, RIGHT or MIDDLE."""

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    radii_m: NDArray[np.float64]
    side: NDArray[np.intp]


@dataclass(frozen=True)
class Bones:
    """A skeleton's bones as the overlays draw them.

    start, end (B,) joint indices; side (B,) LEFT, RIGHT or MIDDLE; width (B,) share of the full width: feet, hands and
    face are thin. joint_side and joint_width (J,) are those of joints.
    """

    start: NDArray[np.intp]
    end: NDArray[np.intp]
    side: NDArray[np.intp]
    width: NDArray[np.float64]
    joint_side: NDArray[np.intp]
    joint_width: NDArray[np.float64]

    @classmethod
    @lru_cache
    def of(cls, skeleton: Skeleton) -> Bones:
        """Those of a skeleton, in the order of its edges."""
        start, end = np.array(skeleton.edges).T
        side = np.array([_side_of(joint, skeleton) for joint in range(len(skeleton))])
        width = np.array([1.0 if name in _FULL_WIDTH else THIN for name in skeleton.joints])
        first, last = side[start], side[end]
        between = np.where((first == last) | (first == MIDDLE), last, np.where(last == MIDDLE, first, MIDDLE))
        return cls(start, end, between, np.minimum(width[start], width[end]), side, width)


def with_head(joints_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,J,3) -> (P,J+2,3) with `HEAD`, between Human3.6M's neck and head-top joints, and `NECK_TOP` below it."""
    thorax, neck, top = (joints_m[:, joint] for joint in H36M17.indices("thorax", "neck", "head"))
    centre = 0.45 * neck + 0.55 * top
    own, others = joints_m[:, :HEAD], joints_m[:, HEAD:]
    return np.concatenate([own, centre[:, None], (thorax + centre)[:, None] / 2, others], axis=1)


def _side_of(joint: int, skeleton: Skeleton) -> int:
    return LEFT if joint in skeleton.left else RIGHT if joint in skeleton.right else MIDDLE


def _limb(rows: tuple[tuple[str, str, float, float], ...]) -> Strokes:
    index = {**H36M17.index, "head_centre": HEAD, "neck_top": NECK_TOP}
    start, end = [index[a] for a, *_ in rows], [index[b] for _, b, *_ in rows]
    radii, sides = [radii for _, _, *radii in rows], [_side_of(joint, H36M17) for joint in end]
    return Strokes(np.array(start), np.array(end), np.array(radii), np.array(sides))


FIGURE = _limb((
    ("thorax", "neck_top", 0.050, 0.046), ("head_centre", "head_centre", HEAD_RADIUS_M, HEAD_RADIUS_M),
    *(row for side in ("left", "right") for row in (
        (f"{side}_shoulder", f"{side}_elbow", 0.054, 0.042), (f"{side}_elbow", f"{side}_wrist", 0.042, 0.030),
        (f"{side}_wrist", f"{side}_wrist", 0.040, 0.040),
        (f"{side}_hip", f"{side}_knee", 0.080, 0.054), (f"{side}_knee", f"{side}_foot", 0.054, 0.036),
        (f"{side}_foot", f"{side}_foot", 0.046, 0.046),
    )),
))  # fmt: skip
"""The solid figure of the 3D view; a stroke from a joint to itself is a ball."""
NECK_STROKE, HEAD_STROKE = 0, 1
FINE_RADII_M: Mapping[str, float] = MappingProxyType(
    {"foot": 0.036, "heel": 0.034, "big_toe": 0.026, "small_toe": 0.022, "wrist": 0.022}
)
FINGER_RADIUS_M = 0.012


@lru_cache
def figure_of(skeleton: Skeleton) -> Strokes:
    """`FIGURE`, with the feet and hands that a skeleton has beyond Human3.6M-17's joints."""
    further = [(a, b) for a, b in skeleton.edges if max(a, b) >= len(H36M17)]
    if not further:
        return FIGURE
    radii_m = [[FINE_RADII_M.get(_part(skeleton, joint), FINGER_RADIUS_M) for joint in edge] for edge in further]
    after_head = np.where(np.array(further) < HEAD, further, np.array(further) + 2)
    return Strokes(
        np.append(FIGURE.start, after_head[:, 0]),
        np.append(FIGURE.end, after_head[:, 1]),
        np.concatenate([FIGURE.radii_m, radii_m]),
        np.append(FIGURE.side, [_side_of(b, skeleton) for _, b in further]),
    )


def _part(skeleton: Skeleton, joint: int) -> str:
    return skeleton.joints[joint].removeprefix("left_").removeprefix("right_")
