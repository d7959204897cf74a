"""From BlazePose's landmarks to `People`: a box, a score and keypoints per person; and how close two poses are."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.skeletons import (
    BLAZEPOSE33,
    BLAZEPOSE33_TO_COCO17,
    BLAZEPOSE33_TO_HALPE26_HANDS,
    COCO17,
    HALPE26_HANDS,
    remap_joints,
)
from liftline_detector.blazepose.landmarks import Landmarks
from liftline_detector.box_overlap import overlap

_COCO = np.array(BLAZEPOSE33_TO_COCO17)
_LIMBS = np.arange(COCO17.index["left_shoulder"], len(COCO17))
_BONES = np.array([edge for edge in COCO17.edges if min(edge) >= _LIMBS[0]])
_LIMBS_MIRRORED = COCO17.mirrored[_LIMBS]
_EARS = BLAZEPOSE33.indices("left_ear", "right_ear")
_SHOULDERS = BLAZEPOSE33.indices("left_shoulder", "right_shoulder")

OUTSIDE_WEIGHT = 0.1
"""Keypoints outside the image are guesses: they keep their place, but little of their score."""
CROWN = 0.7
"""The top of the head lies beyond the ears by this share of the way from shoulders to ears."""
MARGIN = 0.03
"""Joints lie inside the body: the box is wider than they are by this share of its longer side."""
BODY_WIDTH = 0.08
"""What is closer to a bone than this share of the region is on the body."""
SAME_PLACE = 0.55
"""Boxes that overlap by more than this are one person's, until they have been seen apart."""
MIN_BOX_PRESENCE = 0.3
MIN_INSIDE = 4


def inside(points_px: NDArray[np.float32], *, width: int, height: int) -> NDArray[np.bool_]:
    """(N,) whether points (N,2) are on the image."""
    return np.asarray(np.all((points_px >= 0) & (points_px <= (width, height)), axis=1))


def is_visible(pose: Landmarks, *, width: int, height: int) -> bool:
    """Whether enough of the person is on the image to speak of a detection."""
    return int(inside(pose.points_px[_COCO], width=width, height=height).sum()) >= MIN_INSIDE


def keypoints(pose: Landmarks, *, width: int, height: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Keypoints of HALPE26_HANDS (32,2) in pixels and their scores (32,): visible, present and on the image.

    BlazePose has no head, neck, hip and small toes: NaN, with score 0.
    """
    on_image = inside(pose.points_px, width=width, height=height)
    scores = np.asarray(pose.visibility * pose.presence * np.where(on_image, 1, OUTSIDE_WEIGHT), np.float32)
    points = remap_joints(pose.points_px[np.newaxis], BLAZEPOSE33_TO_HALPE26_HANDS, missing=np.nan)
    return points[0], remap_joints(scores[np.newaxis], BLAZEPOSE33_TO_HALPE26_HANDS, missing=0)[0]


def box(pose: Landmarks, *, width: int, height: int) -> NDArray[np.float32]:
    """(4,) x1, y1, x2, y2 around all present landmarks and the crown of the head, clipped to the image."""
    ears, shoulders = pose.points_px[_EARS].mean(axis=0), pose.points_px[_SHOULDERS].mean(axis=0)
    points = np.vstack([pose.points_px, ears + CROWN * (ears - shoulders)])
    present = np.append(pose.presence >= MIN_BOX_PRESENCE, True)
    low, high = points[present].min(axis=0), points[present].max(axis=0)
    margin = MARGIN * (high - low).max()
    limit = np.array([width, height, width, height], np.float32)
    return np.asarray(np.clip(np.concatenate([low - margin, high + margin]), 0, limit), np.float32)


def to_people(poses: Sequence[Landmarks], *, width: int, height: int) -> People:
    """Everyone in one frame; a person's score is the landmark model's flag."""
    if not poses:
        return People.empty(HALPE26_HANDS)
    points, scores = zip(*(keypoints(p, width=width, height=height) for p in poses), strict=True)
    return People(
        np.stack([box(p, width=width, height=height) for p in poses]),
        np.array([p.flag for p in poses], np.float32),
        np.stack(points),
        np.stack(scores),
        HALPE26_HANDS,
    )


def distance(pose: Landmarks, other: Landmarks) -> float:
    """Mean distance of two poses' limb joints, as a share of the smaller one's region, sides swapped if that's closer.

    Seen from behind or in profile, the model does take left for right.
    """
    return min(_apart(pose, other, _LIMBS), _apart(pose, other, _LIMBS_MIRRORED))


def _apart(pose: Landmarks, other: Landmarks, joints: NDArray[np.intp]) -> float:
    distances = np.linalg.norm(pose.points_px[_COCO[_LIMBS]] - other.points_px[_COCO[joints]], axis=1)
    return float(distances.mean()) / max(min(pose.next_region.size_px, other.next_region.size_px), 1e-6)


def is_on(pose: Landmarks, other: Landmarks) -> bool:
    """Whether all of a pose's limb joints lie on the body of another: then it is no second person."""
    joints, body = pose.points_px[_COCO[_LIMBS]], other.points_px[_COCO]
    start, along = body[_BONES[:, 0]], body[_BONES[:, 1]] - body[_BONES[:, 0]]
    share = ((joints[:, np.newaxis] - start) * along).sum(axis=2) / np.maximum((along**2).sum(axis=1), 1e-6)
    nearest = start + share.clip(0, 1)[:, :, np.newaxis] * along
    distances = np.linalg.norm(joints[:, np.newaxis] - nearest, axis=2).min(axis=1)
    return bool(distances.max() < BODY_WIDTH * other.next_region.size_px)


def same_place(pose: Landmarks, other: Landmarks) -> bool:
    """Whether two poses fill nearly the same box."""
    boxes = np.stack([np.concatenate([p.points_px.min(axis=0), p.points_px.max(axis=0)]) for p in (pose, other)])
    return bool(overlap(boxes[0], boxes[1:])[0] > SAME_PLACE)
