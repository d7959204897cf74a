"""RTMO as a detector: frames in batches, everyone above the score threshold out.

Its pictures are fitted at the top left, in BGR from 0 to 255. The network suppresses repeats itself; what it leaves of
them is taken out here.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from liftline.detections import People
from liftline.errors import ModelError
from liftline.frames import Frame
from liftline.ports import ModelInfo
from liftline.skeletons import COCO17
from liftline_detector.declaration import UNMEASURED
from liftline_detector.onnx_runtime.boxes import inside, without_repeats
from liftline_detector.onnx_runtime.loading import model_info, network, weights
from liftline_detector.onnx_runtime.network import Network, OnnxDetector, Outputs
from liftline_detector.onnx_runtime.pictures import PixelFormat, letterbox
from liftline_detector.onnx_runtime.top_down import trusted
from liftline_detector.rtmo.model_files import NAME, SIZES
from liftline_detector.rtmo.options import RtmoOptions

PIXELS = PixelFormat("bgr")
SIDE_PX = (640, 640)
MOST_OVERLAP = 0.45


class RtmoDetector(OnnxDetector):
    """A network with the outputs `dets` (N,M,5) and `keypoints` (N,M,17,3)."""

    def __init__(self, loaded: Network, model: ModelInfo, *, score_threshold: float) -> None:
        """Raises ModelError where the network has other outputs."""
        loaded.wanted("dets", "keypoints")
        count = loaded.outputs["keypoints"][2] if len(loaded.outputs["keypoints"]) == 4 else 0
        if isinstance(count, int) and count != len(COCO17):
            raise ModelError(f"{loaded.name}: doesn't find COCO's {len(COCO17)} keypoints; use another file.")
        super().__init__(model, loaded.placement)
        self._network, self._score_threshold = loaded, score_threshold
        self._side_px = loaded.side_px(SIDE_PX)

    def detect(self, frames: Sequence[Frame]) -> list[People]:
        """Everyone in each frame whose score reaches the threshold, the best first."""
        found: list[People] = []
        for start in range(0, len(frames), self._network.batch):
            some = frames[start : start + self._network.batch]
            fitted = [letterbox(frame.rgb, self._side_px) for frame in some]
            outputs = self._network.run(PIXELS.numbers(np.stack([picture for picture, _ in fitted])))
            parts = zip(some, fitted, outputs, strict=True)
            found += [self._people(frame.rgb, scale, one) for frame, (_, scale), one in parts]
        return found

    def _people(self, rgb: NDArray[np.uint8], scale: float, outputs: Outputs) -> People:
        height, width = rgb.shape[:2]
        dets, keypoints = outputs["dets"], outputs["keypoints"]
        points_px, scores = trusted(
            keypoints[..., :2] / scale, UNMEASURED(keypoints[..., 2]), width=width, height=height
        )  # fmt: skip
        boxes_px, there = inside(dets[:, :4] / scale, width=width, height=height)
        sure = np.flatnonzero(there & (dets[:, 4] >= self._score_threshold))
        sure = sure[without_repeats(boxes_px[sure], dets[sure, 4], most_overlap=MOST_OVERLAP)]
        people = People(boxes_px, np.asarray(dets[:, 4].clip(0, 1), np.float32), points_px, scores)
        return people.take(sure)


def load(options: RtmoOptions) -> RtmoDetector:
    """The network on its device. Raises ModelError: the file missing or altered, another network, no such device."""
    own = weights(SIZES[options.pose_size], options.pose_weights)
    return RtmoDetector(network(own, options), model_info(NAME, (own,)), score_threshold=options.score_threshold)
