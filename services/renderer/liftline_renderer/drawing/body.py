"""The figure that stands for a person: which strokes it has, how thick they are, and how each side is coloured."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import H36M17, Skeleton
from liftline_renderer.drawing.palette import LEFT, MIDDLE, RIGHT

HEAD, NECK_TOP = len(H36M17), len(H36M17) + 1
"""Indices of the head's centre and the neck's upper end, extra points after the skeleton's own joints."""
HEAD_RADIUS_M = 0.108
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


def with_head(joints_m: NDArray[np.float64]) -> NDArray[np.float64]:
    """(P,17,3) -> (P,19,3) with `HEAD`, between Human3.6M's neck and head-top joints, and `NECK_TOP` below it."""
    thorax, neck, top = (joints_m[:, joint] for joint in H36M17.indices("thorax", "neck", "head"))
    centre = 0.45 * neck + 0.55 * top
    return np.concatenate([joints_m, centre[:, None], (thorax + centre)[:, None] / 2], axis=1)


def side_of(joint: int, skeleton: Skeleton = H36M17) -> int:
    """LEFT, RIGHT or MIDDLE of a joint."""
    return LEFT if joint in skeleton.left else RIGHT if joint in skeleton.right else MIDDLE


def _limb(rows: tuple[tuple[str, str, float, float], ...]) -> Strokes:
    index = {**H36M17.index, "head_centre": HEAD, "neck_top": NECK_TOP}
    start, end = [index[a] for a, *_ in rows], [index[b] for _, b, *_ in rows]
    return Strokes(
        np.array(start), np.array(end), np.array([radii for _, _, *radii in rows]), np.array([side_of(j) for j in end])
    )


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

BONES = Strokes(
    np.array([a for a, _ in H36M17.edges]),
    np.array([b for _, b in H36M17.edges]),
    np.zeros((len(H36M17.edges), 2)),
    np.array([side_of(b) for _, b in H36M17.edges]),
)
"""The skeleton's bones, for the overlay."""
