"""From Detectron2's `Instances` of one frame to `People`."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from liftline.detections import People
from liftline.skeletons import COCO17

DRAWN_PEAK = 0.05
"""Detectron2's own drawing leaves out keypoints whose peak is lower."""


class Boxes(Protocol):
    """The field of Detectron2's `Boxes` that is read here, (N,4)."""

    tensor: Tensor


class Instances(Protocol):
    """The fields of Detectron2's `Instances` that are read here.

    pred_boxes (N,4) as x1, y1, x2, y2 and pred_keypoints (N,17,3) as x, y, peak, in pixels of the original frame;
    scores (N,), the highest first.
    """

    pred_boxes: Boxes
    scores: Tensor
    pred_keypoints: Tensor


def to_people(instances: Instances) -> People:
    """Everyone found, in the network's order: the highest score first."""
    keypoints = _array(instances.pred_keypoints).reshape(-1, len(COCO17), 3)
    return People(
        boxes_px=_array(instances.pred_boxes.tensor).reshape(-1, 4),
        scores=_array(instances.scores).clip(0, 1),
        keypoints_px=keypoints[..., :2],
        keypoint_scores=keypoint_scores(keypoints[..., 2]),
    )


def keypoint_scores(peaks: NDArray[np.float32]) -> NDArray[np.float32]:
    """Scores in 0..1 for the peaks of heatmaps: 0.5 where Detectron2 starts to draw a keypoint.

    A peak is the softmax of the heatmap at its highest place, so it tells how concentrated the map is and is low, like
    0.1, for a keypoint that is plainly visible.
    """
    positive = np.maximum(peaks, 0)
    return np.asarray(positive / (positive + np.float32(DRAWN_PEAK)), np.float32)


def _array(tensor: Tensor) -> NDArray[np.float32]:
    return np.asarray(tensor.detach().float().cpu().numpy(), np.float32)
