"""Keypoints from heatmaps, finer than their pixels: DARK (Zhang et al., 2020) as UDP does it (Huang et al., 2020).

Around the highest value of each blurred map, its logarithm is taken for a parabola, whose top is the keypoint. Networks
are fed, and maps read, with the first and last pixels on the crop's edges.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from liftline_detector.onnx_runtime.network import Network, Outputs
from liftline_detector.onnx_runtime.pictures import IMAGENET, ColourOrder, PixelFormat
from liftline_detector.onnx_runtime.top_down import KeypointReader, Readings, read_crops

SIDE_PX = (192, 256)
BLUR_PX = 11
"""Side of the Gaussian that a map is blurred with."""
_LEAST, _MOST = 1e-3, 50.0
_FLAT = 1e-9


class HeatmapReader(KeypointReader):
    """A network whose first output is heatmaps (N,K,h,w)."""

    def __init__(self, network: Network, order: ColourOrder) -> None:
        """`order`: of the channels that the network takes."""
        self.network, self._pixels = network, PixelFormat(order, *IMAGENET)
        self._side_px = network.side_px(SIDE_PX)
        self._output = next(iter(network.outputs))

    def read(self, frames: Sequence[NDArray[np.uint8]], boxes_px: NDArray[np.float32]) -> Readings:
        """See `KeypointReader`."""
        return read_crops(self.network, self._pixels, frames, boxes_px, self._side_px, self._decode, udp=True)

    def _decode(self, outputs: Outputs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return decode(outputs[self._output])


def decode(maps: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Places (K,2) in parts of the crop, NaN where there is nothing, and scores (K,), from heatmaps (K,h,w)."""
    keypoints, height, width = maps.shape
    highest = maps.reshape(keypoints, -1).argmax(axis=1)
    y, x = np.divmod(highest, width)
    scores = maps.reshape(keypoints, -1).max(axis=1)
    places = np.stack([x, y], axis=1) + _to_the_top(_log_blurred(maps), x, y)
    shares = places / (width - 1, height - 1)
    shares[~(scores > 0)] = np.nan
    return np.asarray(shares, np.float32), np.asarray(np.maximum(np.nan_to_num(scores), 0), np.float32)


def _log_blurred(maps: NDArray[np.floating]) -> NDArray[np.float64]:
    """Logarithms of the maps (K,h,w), blurred, each as high as it was before."""
    size = (BLUR_PX, BLUR_PX)
    blurred = np.stack([
        cv2.GaussianBlur(np.asarray(one, np.float64), size, 0, borderType=cv2.BORDER_CONSTANT) for one in maps
    ])  # fmt: skip
    before, after = (np.abs(values).max(axis=(1, 2), keepdims=True) for values in (maps, blurred))
    return np.asarray(np.log((blurred * before / np.maximum(after, _FLAT)).clip(_LEAST, _MOST)), np.float64)


def _to_the_top(logs: NDArray[np.float64], x: NDArray[np.intp], y: NDArray[np.intp]) -> NDArray[np.float64]:
    """(K,2) from a pixel of each map to the top of the parabola through its neighbours, by no more than a pixel."""
    padded = np.pad(logs, ((0, 0), (1, 1), (1, 1)), mode="edge")
    which = np.arange(len(logs))

    def at(right: int, down: int) -> NDArray[np.float64]:
        return np.asarray(padded[which, y + 1 + down, x + 1 + right], np.float64)

    slope = np.stack([at(1, 0) - at(-1, 0), at(0, 1) - at(0, -1)], axis=1) / 2
    xx, yy = (at(1, 0) - 2 * at(0, 0) + at(-1, 0)), (at(0, 1) - 2 * at(0, 0) + at(0, -1))
    xy = (at(1, 1) - at(1, 0) - at(0, 1) + 2 * at(0, 0) - at(-1, 0) - at(0, -1) + at(-1, -1)) / 2
    bend = xx * yy - xy**2
    safe = np.where(np.abs(bend) > _FLAT, bend, np.inf)
    step = np.stack([yy * slope[:, 0] - xy * slope[:, 1], xx * slope[:, 1] - xy * slope[:, 0]], axis=1)
    return np.asarray((-step / safe[:, None]).clip(-1, 1), np.float64)
