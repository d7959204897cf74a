"""BlazePose's person detector: where in a view somebody may be.

Each of its 2254 rows holds a box (of the head and shoulders) and four alignment points relative to an anchor:
0 middle of the hips, 1 a point on the circle around the whole body, 2 and 3 the same for the upper body. Overlapping
rows are merged by their scores rather than dropped (weighted non-maximum suppression, as in BlazeFace, Bazarevsky et
al., 2019), which steadies them from frame to frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from liftline_detector.blazepose.geometry import Region, View, crop_view
from liftline_detector.blazepose.litert import Network, sigmoid
from liftline_detector.box_overlap import overlap

INPUT_PX = 224
"""Side of the person detector's square input."""

_STRIDES_AND_ANCHORS = ((8, 2), (16, 2), (32, 6))
"""Stride of each feature map, and anchors per cell; the three layers of stride 32 share one map."""
MIN_SCORE = 0.5
MAX_OVERLAP = 0.3
_OUTPUTS = ((1, 2254, 12), (1, 2254, 1))


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be there: score in 0..1 and the region to look at."""

    score: float
    region: Region


class PersonFinder(Protocol):
    """Finds candidates in a view: `PersonModel`, or a fake in tests."""

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        """Candidates in a view of an (H, W, 3) image, the best first."""
        ...


class PersonModel(PersonFinder):
    """The person detector on LiteRT."""

    def __init__(self, content: bytes, *, threads: int) -> None:
        """Load the model file's bytes. Raises ModelError."""
        self._network = Network(
            content, name="pose_detection.tflite", side_px=INPUT_PX, outputs=_OUTPUTS, threads=threads
        )
        self._anchors = anchor_centres()

    def find(self, rgb: NDArray[np.uint8], view: View) -> list[Candidate]:
        """Candidates in a view of an (H, W, 3) image, the best first."""
        crop, scale, offset = crop_view(rgb, view, side_px=INPUT_PX)
        raw, logits = self._network(crop.astype(np.float32) * np.float32(1 / 127.5) - 1, (0, 1))
        boxes, alignment, scores = decode(raw, logits[:, 0], self._anchors)
        found = [(score, points * scale + offset) for score, points in merge(boxes, alignment, scores)]
        return [Candidate(score, Region.from_alignment(p[0], p[1])) for score, p in found]


def decode(
    raw: NDArray[np.float32], logits: NDArray[np.float32], anchors: NDArray[np.float32], *, min_score: float = MIN_SCORE
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Boxes (N,4) as x1 y1 x2 y2, alignment points (N,4,2), both in 0..1 of the view, and scores (N,) >= min_score."""
    scores = sigmoid(logits)
    keep = scores >= min_score
    values = raw[keep].reshape(-1, 6, 2) / np.float32(INPUT_PX)
    values[:, [0, 2, 3, 4, 5]] += anchors[keep][:, np.newaxis]
    centre, half = values[:, 0], values[:, 1] / np.float32(2)
    return np.concatenate([centre - half, centre + half], axis=1), values[:, 2:], scores[keep]


def merge(
    boxes: NDArray[np.float32], points: NDArray[np.float32], scores: NDArray[np.float32]
) -> list[tuple[float, NDArray[np.float32]]]:
    """Weighted non-maximum suppression: score and alignment points (4,2) per person, the best first."""
    found, left = [], np.argsort(-scores, kind="stable")
    while len(left):
        same = overlap(boxes[left[0]], boxes[left]) > MAX_OVERLAP
        same[0] = True
        group = left[same]
        found.append((float(scores[left[0]]), np.average(points[group], axis=0, weights=scores[group])))
        left = left[~same]
    return found


def anchor_centres() -> NDArray[np.float32]:
    """(2254, 2) anchor centres as x, y in 0..1 of the input, in the order of the model's rows.

    A single-shot detector (Liu et al., SSD, ECCV 2016); layout of MediaPipe's `pose_detection` module (model card
    "BlazePose GHUM 3D", 2021). All anchors are of unit size, so that only their centres matter.
    """
    maps = []
    for stride, per_cell in _STRIDES_AND_ANCHORS:
        cells = INPUT_PX // stride
        at = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(at, at, indexing="ij")
        maps.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(maps)
