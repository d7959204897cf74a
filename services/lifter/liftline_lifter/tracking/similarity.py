"""How similar two people in an image are: OKS between keypoints, IoU between boxes, and the distance between them.

OKS and its per-keypoint constants: COCO keypoint evaluation (cocodataset.org/#keypoints-eval).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liftline.detections import Detections
from liftline.skeletons import COCO17

OKS_SIGMAS: NDArray[np.float64] = np.array([
    0.026, 0.025, 0.025, 0.035, 0.035, 0.079, 0.079, 0.072, 0.072,
    0.062, 0.062, 0.107, 0.107, 0.087, 0.087, 0.089, 0.089,
])  # fmt: skip
"""(17,) COCO's spread of human annotations per keypoint, in units of the root of the person's area."""

VISIBLE_SCORE = 0.1
"""Keypoints below this score say nothing about where someone is."""

_OKS_FALL = 1 / (2 * np.square(2 * OKS_SIGMAS))
_MIN_COMMON = 3
_TOUCHING, _SAME_BOX = 0.1, 0.8
_ENOUGH_FOR_PLACE = 5
_NEAR_BODIES = 3.0
"""Boxes' middles further apart than this many sizes: surely not the same."""


@dataclass(frozen=True)
class Similarity:
    """Everyone of A (expected) against everyone of B (found), all (A,B).

    oks in 0..1, 0 for who is far away, else NaN where fewer than three keypoints are visible in both; iou of the boxes
    in 0..1; offset_bodies: how far B's is from A's place, in units of A's size.
    """

    oks: NDArray[np.float64]
    iou: NDArray[np.float64]
    offset_bodies: NDArray[np.float64]


@dataclass(frozen=True)
class Shapes:
    """People as tracking sees them: keypoints_px (N,17,2) without NaN, visible (N,17) bool, boxes_px (N,4)."""

    keypoints_px: NDArray[np.float64]
    visible: NDArray[np.bool_]
    boxes_px: NDArray[np.float64]

    @classmethod
    def of(
        cls,
        keypoints_px: NDArray[np.floating],
        scores: NDArray[np.floating],
        boxes_px: NDArray[np.floating],
    ) -> Shapes:
        """From what a detector gives: NaN or low-scored keypoints become invisible."""
        visible = np.isfinite(keypoints_px).all(axis=-1) & (scores >= VISIBLE_SCORE)
        return cls(np.where(visible[..., None], keypoints_px, 0.0), visible, np.asarray(boxes_px, np.float64))

    @classmethod
    def rows(cls, detections: Detections, rows: NDArray[np.intp] | slice) -> Shapes:
        """The shapes of some rows of detections, by COCO's keypoints: OKS has constants for these."""
        points_px, scores = detections.keypoints_px[rows], detections.keypoint_scores[rows]
        return cls.of(points_px[:, : len(COCO17)], scores[:, : len(COCO17)], detections.boxes_px[rows])

    @classmethod
    def nobody(cls) -> Shapes:
        """No people."""
        joints = len(COCO17)
        return cls(np.zeros((0, joints, 2)), np.zeros((0, joints), np.bool_), np.zeros((0, 4)))

    def __len__(self) -> int:
        """Number of people."""
        return len(self.boxes_px)

    def joined(self, others: Shapes) -> Shapes:
        """These people, then the others."""
        return Shapes(
            np.concatenate([self.keypoints_px, others.keypoints_px]),
            np.concatenate([self.visible, others.visible]),
            np.concatenate([self.boxes_px, others.boxes_px]),
        )

    def put(self, index: NDArray[np.intp], others: Shapes) -> None:
        """Replace the people at these positions, in place."""
        self.keypoints_px[index] = others.keypoints_px
        self.visible[index] = others.visible
        self.boxes_px[index] = others.boxes_px

    def take(self, index: NDArray[np.intp] | slice) -> Shapes:
        """The people at these positions."""
        return Shapes(self.keypoints_px[index], self.visible[index], self.boxes_px[index])

    def moved(self, by_px: NDArray[np.float64]) -> Shapes:
        """Everyone shifted by their own (N,2) pixels."""
        return Shapes(self.keypoints_px + by_px[:, None], self.visible, self.boxes_px + np.tile(by_px, 2))

    def mirrored(self) -> Shapes:
        """Everyone with left and right keypoints swapped."""
        order = COCO17.mirrored
        return Shapes(self.keypoints_px[:, order], self.visible[:, order], self.boxes_px)

    @property
    def size_px(self) -> NDArray[np.float64]:
        """(N,) root of the box area, at least one pixel."""
        sides = np.maximum(self.boxes_px[:, 2:] - self.boxes_px[:, :2], 1.0)
        return np.asarray(np.sqrt(sides.prod(axis=1)), np.float64)

    @property
    def centre_px(self) -> NDArray[np.float64]:
        """(N,2) middle of the box."""
        return (self.boxes_px[:, :2] + self.boxes_px[:, 2:]) / 2

    @property
    def middle_px(self) -> NDArray[np.float64]:
        """(N,2) where people are: the mean of the visible keypoints if there are enough, else the middle of the box."""
        count = self.visible.sum(axis=1)[:, None]
        mean = (self.keypoints_px * self.visible[..., None]).sum(axis=1) / np.maximum(count, 1)
        return np.where(count >= _ENOUGH_FOR_PLACE, mean, self.centre_px)


def similarity(expected: Shapes, found: Shapes, *, broaden: NDArray[np.float64] | float = 1.0) -> Similarity:
    """Compare everyone with everyone.

    `broaden` (A,) widens OKS's constants: 1 is COCO's, more forgives movement. Only people near each other are compared
    joint by joint, so that a crowd of hundreds costs what its neighbours cost.
    """
    size = expected.size_px
    between = found.centre_px[None] - expected.centre_px[:, None]
    distance = np.linalg.norm(between, axis=-1) / size[:, None]
    oks = np.zeros(distance.shape)
    one, other = np.nonzero(distance < _NEAR_BODIES)
    common = expected.visible[one] & found.visible[other]
    apart = found.keypoints_px[other] - expected.keypoints_px[one]
    count = common.sum(axis=-1)
    oks[one, other] = _oks(apart, common, count, (broaden * size)[one])
    shift = (apart * common[..., None]).sum(axis=1) / np.maximum(count, 1)[:, None]
    known = count >= _MIN_COMMON
    distance[one[known], other[known]] = np.linalg.norm(shift[known], axis=-1) / size[one[known]]
    return Similarity(oks, box_iou(expected.boxes_px, found.boxes_px), distance)


def paired_oks(one: Shapes, other: Shapes) -> NDArray[np.float64]:
    """(N,) OKS of the n-th person with the n-th, NaN where fewer than three keypoints are visible in both."""
    common = one.visible & other.visible
    return _oks(other.keypoints_px - one.keypoints_px, common, common.sum(axis=-1), one.size_px)


def _oks(
    apart: NDArray[np.float64], common: NDArray[np.bool_], count: NDArray[np.int_], size: NDArray[np.float64]
) -> NDArray[np.float64]:
    """(...) from keypoints' distances (...,J,2), whether they count (...,J), their number and the size (...)."""
    squared = apart[..., 0] ** 2 + apart[..., 1] ** 2
    near = np.exp(-squared * _OKS_FALL / np.square(size)[..., None])
    total = np.einsum("...k,...k->...", near, common) / np.maximum(count, 1)
    return np.where(count >= _MIN_COMMON, total, np.nan)


def box_iou(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """(A,4) and (B,4) boxes as x1, y1, x2, y2 -> (A,B) intersection over union."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    shared = np.maximum(high - low, 0).prod(axis=-1)
    area_a = np.maximum(a[:, 2:] - a[:, :2], 0).prod(axis=-1)
    area_b = np.maximum(b[:, 2:] - b[:, :2], 0).prod(axis=-1)
    union = area_a[:, None] + area_b[None] - shared
    return np.asarray(shared / np.maximum(union, 1e-9), np.float64)


def distinct(shapes: Shapes, scores: NDArray[np.floating], *, duplicate_oks: float) -> NDArray[np.intp]:
    """Positions of the people left when each one found twice in a frame is kept once, the higher score first."""
    iou = box_iou(shapes.boxes_px, shapes.boxes_px)
    np.fill_diagonal(iou, 0)
    if not (iou > _TOUCHING).any():
        return np.arange(len(shapes))
    oks = np.fmax(similarity(shapes, shapes).oks, similarity(shapes, shapes.mirrored()).oks)
    same = np.where(np.isnan(oks), iou > _SAME_BOX, np.fmin(oks, oks.T) > duplicate_oks)
    kept: list[int] = []
    order = np.lexsort([*shapes.boxes_px.T, -scores])  # equal scores: by place, so that the order given doesn't matter
    for person in order.tolist():
        if not same[person, kept].any():
            kept.append(person)
    return np.sort(np.array(kept, np.intp))
