"""Keypoints from SimCC (Li et al., ECCV 2022): for every keypoint one row of values along x and one along y.

As MMPose decodes them: places are the highest values, in half pixels of the network's picture; the score is the lower
of the two, and zero or less means that there is nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from liftline_detector.onnx_runtime.network import Network, Outputs
from liftline_detector.onnx_runtime.pictures import IMAGENET, ColourOrder, PixelFormat
from liftline_detector.onnx_runtime.top_down import KeypointReader, Readings, read_crops

SPLIT_RATIO = 2.0
"""Places along a row for each pixel of the picture."""
SIDE_PX = (192, 256)


class SimccReader(KeypointReader):
    """A network with the outputs `simcc_x` (N,K,2w) and `simcc_y` (N,K,2h)."""

    def __init__(self, network: Network, order: ColourOrder) -> None:
        """`order`: of the channels that the network takes. Raises ModelError where it has other outputs."""
        network.wanted("simcc_x", "simcc_y")
        self.network, self._pixels = network, PixelFormat(order, *IMAGENET)
        self._side_px = network.side_px(SIDE_PX)

    def read(self, frames: Sequence[NDArray[np.uint8]], boxes_px: NDArray[np.float32]) -> Readings:
        """See `KeypointReader`."""
        return read_crops(self.network, self._pixels, frames, boxes_px, self._side_px, self._decode)

    def _decode(self, outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return decode(outputs["simcc_x"], outputs["simcc_y"], self._side_px)


def decode(
    along_x: NDArray[np.floating], along_y: NDArray[np.floating], side_px: tuple[int, int]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places (K,2) in parts of the picture, NaN where nothing is, and scores (K,), of rows (K,2w) and (K,2h)."""
    places = np.stack([along_x.argmax(axis=1), along_y.argmax(axis=1)], axis=1) / SPLIT_RATIO / side_px
    scores = np.minimum(along_x.max(axis=1), along_y.max(axis=1))
    places[~(scores > 0)] = np.nan
    return np.asarray(places, np.float32), np.asarray(np.maximum(np.nan_to_num(scores), 0), np.float32)
