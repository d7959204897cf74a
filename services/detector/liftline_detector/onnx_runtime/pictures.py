"""Frames as networks take them: fitted into a picture or cut out around a person, then as numbers.

All of it goes by pixel centres at whole numbers, as MMPose's warps do: what lies at `p` in the frame lies at
`matrix @ (p, 1)` in the picture.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

ColourOrder = Literal["rgb", "bgr"]
PAD_GREY = 114
"""What YOLOX, RTMDet and RTMO are padded with."""
PADDING = 1.25
"""How much larger than a person's box its crop is."""


@dataclass(frozen=True)
class PixelFormat:
    """What a network's numbers are: channels in this order, minus `mean` and divided by `std`, which are by channel."""

    order: ColourOrder
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)

    def numbers(self, pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Pictures (N, height, width, 3) in RGB as (N, 3, height, width) float32."""
        channels = pictures if self.order == "rgb" else pictures[..., ::-1]
        values = (channels.astype(np.float32) - np.array(self.mean, np.float32)) / np.array(self.std, np.float32)
        return np.ascontiguousarray(values.transpose(0, 3, 1, 2), np.float32)


IMAGENET = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
"""Mean and deviation of red, green and blue, on 0..255."""


def letterbox(rgb: NDArray[np.uint8], size_px: tuple[int, int]) -> tuple[NDArray[np.uint8], float]:
    """A frame at the top left of a picture of this width and height, as large as it fits, padded with grey; its scale.

    A pixel `p` of the picture is at `p / scale` in the frame.
    """
    height, width = rgb.shape[:2]
    scale = min(size_px[0] / width, size_px[1] / height)
    fitted = (max(round(width * scale), 1), max(round(height * scale), 1))
    matrix = np.array([[scale, 0, 0], [0, scale, 0]])
    part = cv2.warpAffine(rgb, matrix, fitted, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    picture = np.full((size_px[1], size_px[0], 3), PAD_GREY, np.uint8)
    picture[: fitted[1], : fitted[0]] = part
    return picture, scale


@dataclass(frozen=True)
class Crop:
    """The part of a frame around somebody: its centre, width and height in the frame's pixels."""

    centre_px: tuple[float, float]
    size_px: tuple[float, float]

    @classmethod
    def around(cls, box_px: NDArray[np.floating], picture_px: tuple[int, int]) -> Crop:
        """A quarter larger than a box (4,) x1, y1, x2, y2, its shorter side extended to a picture's width to height."""
        x1, y1, x2, y2 = (float(edge) for edge in box_px)
        width, height = max(x2 - x1, 1.0) * PADDING, max(y2 - y1, 1.0) * PADDING
        aspect = picture_px[0] / picture_px[1]
        width, height = max(width, height * aspect), max(height, width / aspect)
        return cls(((x1 + x2) / 2, (y1 + y2) / 2), (width, height))

    def matrix(self, picture_px: tuple[int, int], *, udp: bool = False) -> NDArray[np.float64]:
        """(2,3) from the frame to a picture of this width and height.

        `udp`: its first and last pixels lie on the crop's edges ("The Devil is in the Details", Huang et al., 2020).
        """
        corner = [self.centre_px[i] - self.size_px[i] / 2 for i in (0, 1)]
        scale = [(picture_px[i] - udp) / self.size_px[i] for i in (0, 1)]
        return np.array([[scale[0], 0, -scale[0] * corner[0]], [0, scale[1], -scale[1] * corner[1]]])

    def cut(self, rgb: NDArray[np.uint8], picture_px: tuple[int, int], *, udp: bool = False) -> NDArray[np.uint8]:
        """The picture (height, width, 3), black where the frame ends."""
        matrix = self.matrix(picture_px, udp=udp)
        return np.asarray(cv2.warpAffine(rgb, matrix, picture_px, flags=cv2.INTER_LINEAR), np.uint8)

    def to_frame(self, shares: NDArray[np.floating]) -> NDArray[np.float32]:
        """Points (..., 2) in parts of the crop, 0 to 1, as pixels of the frame."""
        corner = np.array(self.centre_px) - np.array(self.size_px) / 2
        return np.asarray(corner + shares * np.array(self.size_px), np.float32)


def cut_all(
    frames: Sequence[NDArray[np.uint8]], crops: Sequence[Crop], picture_px: tuple[int, int], *, udp: bool = False
) -> NDArray[np.uint8]:
    """The picture of each crop of the frame at its position, (N, height, width, 3)."""
    return np.stack([crop.cut(rgb, picture_px, udp=udp) for rgb, crop in zip(frames, crops, strict=True)])
