"""Frames as Detectron2's networks want them, pixel for pixel as its `DefaultPredictor` makes them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True)
class InputFormat:
    """What a config says of pictures: lengths of the edges in pixels, and the order of colours ("BGR" or "RGB")."""

    shortest_edge_px: int
    longest_edge_px: int
    channels: str


def network_input(rgb: NDArray[np.uint8], form: InputFormat) -> dict[str, Any]:
    """One entry of the list a Detectron2 model takes: "image" (3,h,w) float32, "height" and "width" of the original.

    Pillow's bilinear filter, which looks at all pixels when it scales down, is the one its weights were trained with.
    """
    height, width = rgb.shape[:2]
    picture = np.ascontiguousarray(rgb[:, :, ::-1]) if form.channels == "BGR" else rgb
    if form.shortest_edge_px:
        size = resized(width, height, form)
        picture = np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.BILINEAR))
    image = torch.from_numpy(picture.astype(np.float32).transpose(2, 0, 1))
    return {"image": image, "height": height, "width": width}


def resized(width: int, height: int, form: InputFormat) -> tuple[int, int]:
    """Width and height in pixels with the shortest edge as wanted, unless the longest would pass its limit."""
    scale = form.shortest_edge_px / min(width, height)
    longest = max(width, height) * scale
    if longest > form.longest_edge_px:
        scale *= form.longest_edge_px / longest
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))
