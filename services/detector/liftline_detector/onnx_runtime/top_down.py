"""A detector of two networks: one finds people, the other reads each one's keypoints in a crop around them.

People of several frames are read in one batch. Nobody is followed from frame to frame: who is who is the track stage's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.frames import Frame
from liftline.ports import ModelInfo
from liftline.skeletons import Skeleton, remap_joints
from liftline_detector.declaration import Calibration
from liftline_detector.onnx_runtime.boxes import Boxes
from liftline_detector.onnx_runtime.devices import Placement
from liftline_detector.onnx_runtime.network import Network, OnnxDetector, Outputs
from liftline_detector.onnx_runtime.person_finder import LEAST_SCORE, PersonFinder
from liftline_detector.onnx_runtime.pictures import Crop, PixelFormat, cut_all

OUTSIDE_WEIGHT = 0.3
"""Keypoints outside the frame are guesses: they keep their place, but little of their score."""
SEEN_SCORE = 0.2
"""Keypoints with less don't count in a person's score (Xiao et al., "Simple baselines", 2018, rescoring)."""


@dataclass(frozen=True, eq=False)
class Readings:
    """Keypoints of N people: keypoints_px (N,K,2) in their frames, NaN where none is; the model's scores (N,K)."""

    keypoints_px: NDArray[np.float32]
    scores: NDArray[np.float32]


Decode = Callable[[Outputs], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""A network's outputs for one crop -> places (K,2) in parts of it, NaN where nothing is, and scores (K,)."""


class KeypointReader(Protocol):
    """Reads people's keypoints: a network's reader, or a fake in tests."""

    def read(self, frames: Sequence[NDArray[np.uint8]], boxes_px: NDArray[np.float32]) -> Readings:
        """The keypoints of whoever is in each of the boxes (N,4), of the frame (H, W, 3) at the same position."""
        ...


def read_crops(
    network: Network, pixels: PixelFormat, frames: Sequence[NDArray[np.uint8]], boxes_px: NDArray[np.float32],
    side_px: tuple[int, int], decode: Decode, *, udp: bool = False,
) -> Readings:  # fmt: skip
    """What a network reads in crops around boxes (N,4), in batches as large as it takes, from whichever frames.

    `side_px` is the width and height of the network's pictures, `udp` as for `Crop.matrix`.
    """
    crops = [Crop.around(box, side_px) for box in boxes_px]
    outputs: list[Outputs] = []
    for start in range(0, len(crops), network.batch):
        some = slice(start, start + network.batch)
        outputs += network.run(pixels.numbers(cut_all(frames[some], crops[some], side_px, udp=udp)))
    decoded = [decode(one) for one in outputs]
    points_px = [crop.to_frame(shares) for crop, (shares, _) in zip(crops, decoded, strict=True)]
    return Readings(np.stack(points_px), np.stack([scores for _, scores in decoded]))


class TopDownDetector(OnnxDetector):
    """Two networks on their device."""

    def __init__(
        self, finder: PersonFinder, reader: KeypointReader, model: ModelInfo, *, skeleton: Skeleton,
        sources: Sequence[int], calibration: Calibration, score_threshold: float, placement: Placement,
        warnings: Sequence[str] = (),
    ) -> None:  # fmt: skip
        """`sources`: for each joint of `skeleton`, which of the reader's keypoints it is; -1 for none."""
        super().__init__(model, placement, warnings)
        self._finder, self._reader = finder, reader
        self._skeleton, self._sources = skeleton, tuple(sources)
        self._calibration, self._score_threshold = calibration, score_threshold

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each frame whose score reaches the threshold, the best first."""
        if not frames:
            return []
        pictures = [frame.rgb for frame in frames]
        found = self._finder.find(pictures, least_score=min(LEAST_SCORE, self._score_threshold))
        counts = [len(boxes) for boxes in found]
        if not sum(counts):
            return [People.empty(self._skeleton) for _ in frames]
        whose = [picture for picture, count in zip(pictures, counts, strict=True) for _ in range(count)]
        read = self._reader.read(whose, np.concatenate([boxes.boxes_px for boxes in found]))
        ends = np.cumsum(counts)
        parts = [slice(end - count, end) for end, count in zip(ends, counts, strict=True)]
        return [
            self._people(picture, boxes, Readings(read.keypoints_px[part], read.scores[part]))
            for picture, boxes, part in zip(pictures, found, parts, strict=True)
        ]

    def _people(self, rgb: NDArray[np.uint8], boxes: Boxes, read: Readings) -> People:
        height, width = rgb.shape[:2]
        points_px = remap_joints(read.keypoints_px, self._sources, missing=np.nan)
        scores = self._calibration(remap_joints(read.scores, self._sources, missing=0))
        points_px, scores = trusted(points_px, scores, width=width, height=height)
        people = People(
            boxes_px=boxes.boxes_px, scores=rescored(boxes.scores, scores), keypoints_px=points_px,
            keypoint_scores=scores, skeleton=self._skeleton,
        )  # fmt: skip
        sure = np.flatnonzero(people.scores >= self._score_threshold)
        return people.take(sure[np.argsort(-people.scores[sure], kind="stable")])


def trusted(
    points_px: NDArray[np.floating], scores: NDArray[np.floating], *, width: int, height: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Keypoints (N,J,2) and scores (N,J): without a score they are missing, outside the frame it is less."""
    missing = ~(np.isfinite(points_px).all(axis=-1) & (scores > 0))
    outside = ((points_px < 0) | (points_px > (width - 1, height - 1))).any(axis=-1)
    kept = np.where(missing, 0, scores * np.where(outside, OUTSIDE_WEIGHT, 1))
    places = np.where(missing[..., None], np.nan, points_px)
    return np.asarray(places, np.float32), np.asarray(kept, np.float32)


def rescored(found: NDArray[np.floating], keypoint_scores: NDArray[np.floating]) -> NDArray[np.float32]:
    """(N,) people's scores: the finder's (N,) times the mean of their keypoints' (N,J) that are seen at all."""
    seen = keypoint_scores >= SEEN_SCORE
    mean = (keypoint_scores * seen).sum(axis=1) / np.maximum(seen.sum(axis=1), 1)
    return np.asarray((found * mean).clip(0, 1), np.float32)
