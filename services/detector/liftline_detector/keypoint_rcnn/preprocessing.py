"""Frames as Detectron2's networks want them: on a CPU pixel for pixel as its `DefaultPredictor` makes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn.functional import interpolate


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


def scaled_on_device(
    pictures: Sequence[NDArray[np.uint8]], form: InputFormat, device: torch.device
) -> list[dict[str, Any]]:
    """The same entries for a GPU, where the pictures are scaled: one copy of bytes goes there, from pinned memory.

    Values are whole numbers within 1 of `network_input`'s, whose filter rounds once more, between columns and rows.
    """
    entries: list[dict[str, Any]] = []
    for (height, width), alike in groupby(pictures, key=lambda one: one.shape[:2]):
        images = _scaled(_copied(list(alike), device), form)
        entries += [{"image": image, "height": height, "width": width} for image in images]
    return entries


def _copied(pictures: Sequence[NDArray[np.uint8]], device: torch.device) -> Tensor:
    """(N,H,W,3) uint8 on the device; its memory is asked of PyTorch, which keeps pinned blocks for the next batch."""
    host = torch.empty((len(pictures), *pictures[0].shape), dtype=torch.uint8, pin_memory=device.type == "cuda")
    for place, picture in zip(host, pictures, strict=True):
        place.copy_(torch.from_numpy(np.ascontiguousarray(picture)))
    return host.to(device, non_blocking=True)


def _scaled(pictures: Tensor, form: InputFormat) -> Tensor:
    """(N,H,W,3) uint8 RGB -> (N,3,h,w) float32 in the network's order and size."""
    images = pictures.permute(0, 3, 1, 2).float()
    if form.channels == "BGR":
        images = images.flip(1)
    if not form.shortest_edge_px:
        return images
    width, height = resized(images.shape[3], images.shape[2], form)
    return interpolate(images, (height, width), mode="bilinear", antialias=True).round_().clamp_(0, 255)


def resized(width: int, height: int, form: InputFormat) -> tuple[int, int]:
    """Width and height in pixels with the shortest edge as wanted, unless the longest would pass its limit."""
    scale = form.shortest_edge_px / min(width, height)
    longest = max(width, height) * scale
    if longest > form.longest_edge_px:
        scale *= form.longest_edge_px / longest
    return max(1, int(width * scale + 0.5)), max(1, int(height * scale + 0.5))
