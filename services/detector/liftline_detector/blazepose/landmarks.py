"""BlazePose's landmark model: 33 body landmarks and two alignment points inside one region.

Output rows are x, y, z, visibility, presence of 33 landmarks, two alignment points for the next frame's region and
four unused points; a flag tells whether a person is there at all. Landmarks are refined to the centre of mass of the
model's heatmaps around them. Bazarevsky et al., "BlazePose: On-device Real-time Body Pose Tracking" (2020); constants
of MediaPipe's `pose_landmark` module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import BLAZEPOSE33
from liftline_detector.blazepose.geometry import Region, crop_region
from liftline_detector.blazepose.litert import Network, sigmoid

INPUT_PX, POINTS, LANDMARKS = 256, 39, len(BLAZEPOSE33)
_HIPS, _RIM = LANDMARKS, LANDMARKS + 1
"""Rows of the two alignment points."""
_HEATMAP, _REACH, _MIN_PEAK = 64, 3, 0.5
_LIMB_WIDTH, _GREY = 0.07, (128, 128, 128)
_TORSO = BLAZEPOSE33.indices("left_shoulder", "right_shoulder", "right_hip", "left_hip")
_EARS = BLAZEPOSE33.indices("left_ear", "right_ear")
_MIRRORED = np.append(BLAZEPOSE33.mirrored, np.arange(LANDMARKS, POINTS))
_OUTPUTS = ((1, 195), (1, 1), (1, 256, 256, 1), (1, _HEATMAP, _HEATMAP, POINTS), (1, 117))


@dataclass(frozen=True, eq=False)
class Landmarks:
    """The landmark model's output for one region.

    points_px (33,2) in the image; visibility and presence (33,) in 0..1: not hidden, and inside the region;
    flag in 0..1: a person is there; next_region: where to look in the next frame.
    """

    points_px: NDArray[np.float32]
    visibility: NDArray[np.float32]
    presence: NDArray[np.float32]
    flag: float
    next_region: Region


class LandmarkFinder(Protocol):
    """Finds the landmarks in a region: `LandmarkModel`, or a fake in tests."""

    def find(
        self, rgb: NDArray[np.uint8], region: Region, *, hidden: Sequence[Landmarks] = (), mirrored: bool = False
    ) -> Landmarks:
        """The landmarks of the person in a region of an (H, W, 3) image, with these people painted over.

        `mirrored`: the model is shown the region as in a mirror. The landmarks are the same person's all the same.
        """
        ...


class LandmarkModel(LandmarkFinder):
    """The landmark model on LiteRT."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Load the model file's bytes. Raises ModelError."""
        self._network = Network(
            content, name="pose_landmark_full.tflite", side_px=INPUT_PX, outputs=_OUTPUTS, threads=threads
        )

    def find(
        self, rgb: NDArray[np.uint8], region: Region, *, hidden: Sequence[Landmarks] = (), mirrored: bool = False
    ) -> Landmarks:
        """The landmarks of the person in a region of an (H, W, 3) image, with these people painted over."""
        crop = crop_region(rgb, region, side_px=INPUT_PX)
        for pose in hidden:
            paint_over(crop, pose, region)
        shown = crop[:, ::-1] if mirrored else crop
        raw, flag, heatmaps = self._network(shown.astype(np.float32) * np.float32(1 / 255), (0, 1, 3))
        return read(raw, float(flag[0]), heatmaps, region, mirrored=mirrored)


def read(
    raw: NDArray[np.float32], flag: float, heatmaps: NDArray[np.float32], region: Region, *, mirrored: bool = False
) -> Landmarks:
    """The model's raw outputs, (195,), flag and (64,64,39) heatmap logits, as landmarks in the image."""
    rows = raw.reshape(POINTS, 5)
    points = refine(rows[:, :2] / np.float32(INPUT_PX), heatmaps)
    if mirrored:
        rows = rows[_MIRRORED]
        points = points[_MIRRORED] * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
    to_image = region.to_image
    points_px = np.asarray(points @ to_image[:, :2].T + to_image[:, 2], np.float32)
    return Landmarks(
        points_px[:LANDMARKS],
        sigmoid(rows[:LANDMARKS, 3]),
        sigmoid(rows[:LANDMARKS, 4]),
        flag,
        Region.from_alignment(points_px[_HIPS], points_px[_RIM]),
    )


def confirmed(pose: Landmarks, other: Landmarks, *, within: float) -> Landmarks:
    """A pose whose landmarks count as visible only as far as another look at the same person puts them there too.

    Visibility stays where both agree to `within`, a share of the region's side, and falls with the distance beyond.
    """
    apart = np.linalg.norm(pose.points_px - other.points_px, axis=1) / pose.next_region.size_px
    trust = np.minimum(1, within / np.maximum(apart, 1e-6))
    return replace(pose, visibility=np.asarray(pose.visibility * trust, np.float32))


def averaged(pose: Landmarks, other: Landmarks, *, within: float) -> Landmarks:
    """A confirmed pose whose landmarks that both looks put in one place, to `within`, are the mean of the two."""
    apart = np.linalg.norm(pose.points_px - other.points_px, axis=1) / pose.next_region.size_px
    share = np.where(apart < within, 0.5, 0)[:, np.newaxis]
    points = np.asarray(pose.points_px + share * (other.points_px - pose.points_px), np.float32)
    return replace(confirmed(pose, other, within=within), points_px=points)


def paint_over(crop: NDArray[np.uint8], pose: Landmarks, region: Region) -> None:
    """Cover somebody's body in the crop of a region with grey, so that the model looks for whoever is behind."""
    points = region.to_region(pose.points_px) * INPUT_PX
    width = max(1, round(_LIMB_WIDTH * pose.next_region.size_px / region.size_px * INPUT_PX))
    spots = np.round(points.clip(-INPUT_PX, 2 * INPUT_PX)).astype(np.int32)
    cv2.fillConvexPoly(crop, spots[_TORSO], _GREY)
    for start, end in BLAZEPOSE33.edges:
        cv2.line(crop, spots[start].tolist(), spots[end].tolist(), _GREY, width)
    cv2.circle(crop, spots[_EARS].mean(axis=0).astype(int).tolist(), width, _GREY, cv2.FILLED)


def refine(points: NDArray[np.float32], heatmaps: NDArray[np.float32]) -> NDArray[np.float32]:
    """Points (39,2) in 0..1 of the region, moved to the heatmap's centre of mass where it has a clear peak near them.

    A 7x7 window around the point, as MediaPipe does; points outside the region or without a peak stay.
    """
    reach = np.arange(-_REACH, _REACH + 1)
    cell = np.floor(points * _HEATMAP).astype(int)
    x, y = cell[:, :1] + reach, cell[:, 1:] + reach
    inside_x, inside_y = (x >= 0) & (x < _HEATMAP), (y >= 0) & (y < _HEATMAP)
    which = np.arange(len(points))[:, np.newaxis, np.newaxis]
    window = sigmoid(heatmaps[y.clip(0, _HEATMAP - 1)[:, :, np.newaxis], x.clip(0, _HEATMAP - 1)[:, np.newaxis], which])
    window = window * (inside_y[:, :, np.newaxis] & inside_x[:, np.newaxis])
    total = window.sum(axis=(1, 2))
    centre = np.column_stack([(window.sum(axis=1) * x).sum(axis=1), (window.sum(axis=2) * y).sum(axis=1)])
    inside = np.all((cell >= 0) & (cell < _HEATMAP), axis=1)
    clear = inside & (window.max(axis=(1, 2)) >= _MIN_PEAK)
    moved = centre / np.maximum(total, 1e-9)[:, np.newaxis] / _HEATMAP
    return np.asarray(np.where(clear[:, np.newaxis], moved, points), np.float32)
