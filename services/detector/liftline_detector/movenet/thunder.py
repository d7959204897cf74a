"""MoveNet Thunder: the 17 COCO keypoints of the person in a square of the picture.

The square is 1.25 times as large as the longer side of the box around the person's keypoints, and turned so that the
line from ankles to shoulders points up. Whoever overlaps the person is painted over, or the model reads them instead.
"MoveNet: Ultra fast and accurate pose detection model" (TensorFlow Hub, 2021); its output is y, x, score per keypoint.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import COCO17
from liftline_detector.blazepose.from_landmarks import OUTSIDE_WEIGHT, inside
from liftline_detector.blazepose.geometry import Region, crop_region
from liftline_detector.blazepose.litert import Network

INPUT_PX = 256
"""Side of the model's square input."""
SQUARE_SCALE = 1.25
SHORT_BODY = 0.35
"""Shoulders and ankles closer than this share of the body's extent tell no direction."""
ROOMY_TORSOS = 1.9
"""Crouching people are read better in a square that would hold them standing (MoveNet's own rule for the next crop)."""
_GREY = (128, 128, 128)
_MOST_CERTAIN = 9
_MOVE_SHARE, _MOVE_GAIN = 0.5, 75.0
_HIPS = COCO17.indices("left_hip", "right_hip")
_SHOULDERS = COCO17.indices("left_shoulder", "right_shoulder")
_ANKLES = COCO17.indices("left_ankle", "right_ankle")
_TORSO = [*_SHOULDERS, *_HIPS]


@dataclass(frozen=True, eq=False)
class Reading:
    """What the model says of the person in a square: keypoints_px (17,2) in the image, its own scores (17,) in 0..1.

    Keypoints outside the image are guesses: they keep their place, but little of their score.
    """

    keypoints_px: NDArray[np.float32]
    scores: NDArray[np.float32]
    square: Region

    @cached_property
    def strength(self) -> float:
        """Mean score of the nine most certain keypoints: a person cut off at the hips has no fewer."""
        return float(np.sort(self.scores)[-_MOST_CERTAIN:].mean())

    def eased(self, before: Reading) -> Reading:
        """Its keypoints held back towards those of an earlier frame where they differ by little: jitter goes.

        As `Region.eased`; what moves by more than a hundredth of the square stays as it is.
        """
        way = self.keypoints_px - before.keypoints_px
        apart = np.linalg.norm(way, axis=1, keepdims=True) / self.square.size_px
        share = np.minimum(1, _MOVE_SHARE + _MOVE_GAIN * apart)
        return replace(self, keypoints_px=np.asarray(before.keypoints_px + share * way, np.float32))

    @cached_property
    def box_px(self) -> NDArray[np.float32]:
        """(4,) x1, y1, x2, y2 around the keypoints."""
        return box_around(self.keypoints_px)


class KeypointReader(Protocol):
    """Reads somebody's keypoints: `ThunderModel`, or a fake in tests."""

    def read(self, rgb: NDArray[np.uint8], square: Region, *, hidden: Sequence[NDArray[np.floating]] = ()) -> Reading:
        """The keypoints of the person in a square of an (H, W, 3) image, with people (N,2) px each painted over."""
        ...


class ThunderModel(KeypointReader):
    """MoveNet Thunder on LiteRT."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Load the model file's bytes. Raises ModelError."""
        outputs = ((1, 1, len(COCO17), 3),)
        self._network = Network(content, name="MoveNet Thunder", side_px=INPUT_PX, outputs=outputs, threads=threads)

    def read(self, rgb: NDArray[np.uint8], square: Region, *, hidden: Sequence[NDArray[np.floating]] = ()) -> Reading:
        """The keypoints of the person in a square of an (H, W, 3) image, with people (N,2) px each painted over."""
        crop = crop_region(rgb, square, side_px=INPUT_PX)
        for points_px in hidden:
            paint_over(crop, points_px, square)
        (rows,) = self._network(crop, (0,))
        return decode(rows[0], square, width=rgb.shape[1], height=rgb.shape[0])


def decode(rows: NDArray[np.float32], square: Region, *, width: int, height: int) -> Reading:
    """The model's output (17,3), y, x and score in parts of the square, as a reading in an image of this size."""
    to_image = square.to_image
    points_px = np.asarray(rows[:, 1::-1] @ to_image[:, :2].T + to_image[:, 2], np.float32)
    on_image = inside(points_px, width=width, height=height)
    scores = rows[:, 2] * np.where(on_image, 1, OUTSIDE_WEIGHT)
    return Reading(points_px, np.asarray(scores, np.float32), square)


def paint_over(crop: NDArray[np.uint8], points_px: NDArray[np.floating], square: Region) -> None:
    """Cover the convex hull of somebody's keypoints in the crop of a square with grey."""
    spots = square.to_region(points_px) * INPUT_PX
    hull = cv2.convexHull(np.round(spots.clip(-4 * INPUT_PX, 5 * INPUT_PX)).astype(np.int32))
    cv2.fillConvexPoly(crop, hull, _GREY)


def square_around(keypoints_px: NDArray[np.floating]) -> Region:
    """The square to read somebody in who has these keypoints (17,2), turned so that the body points up.

    From ankles to shoulders, not from the hips: the torso of a sprinter in the blocks points anywhere.
    """
    along = keypoints_px[_SHOULDERS].mean(axis=0) - keypoints_px[_ANKLES].mean(axis=0)
    if np.hypot(*along) < SHORT_BODY * np.ptp(keypoints_px, axis=0).max():
        return upright_square(keypoints_px)
    return _turned_square(keypoints_px, float(np.arctan2(along[0], -along[1])))


def upright_square(keypoints_px: NDArray[np.floating], *, torsos: float = 0.0) -> Region:
    """The square around keypoints (17,2), not turned; at least so many torsos wide on each side of the hips."""
    square, torso = _turned_square(keypoints_px, 0.0), keypoints_px[_TORSO]
    length = float(np.linalg.norm(torso - keypoints_px[_HIPS].mean(axis=0), axis=1).max())
    return square.scaled(max(1.0, 2 * torsos * length / square.size_px))


def _turned_square(keypoints_px: NDArray[np.floating], angle_rad: float) -> Region:
    cos, sin = np.cos(angle_rad), np.sin(angle_rad)
    turn = np.array([[cos, sin], [-sin, cos]])
    turned = keypoints_px @ turn.T
    low, high = turned.min(axis=0), turned.max(axis=0)
    x, y = ((low + high) / 2) @ turn
    return Region(float(x), float(y), max(float((high - low).max()), 1.0) * SQUARE_SCALE, angle_rad)


def box_around(points_px: NDArray[np.floating]) -> NDArray[np.float32]:
    """(4,) x1, y1, x2, y2 around points (N,2)."""
    return np.asarray(np.concatenate([points_px.min(axis=0), points_px.max(axis=0)]), np.float32)


def covered_share(box_px: NDArray[np.floating], others_px: NDArray[np.floating]) -> NDArray[np.float64]:
    """(N,) which share of a box (4,) each of the others (N,4) covers."""
    sides = np.minimum(box_px[2:], others_px[:, 2:]) - np.maximum(box_px[:2], others_px[:, :2])
    area = max(float(np.prod(box_px[2:] - box_px[:2])), 1e-6)
    return np.asarray(np.prod(np.clip(sides, 0, None), axis=1) / area, np.float64)
