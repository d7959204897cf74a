"""Anchor points of the BlazePose person detector: where on its input each raw output row sits.

The model is a single-shot detector (Liu et al., SSD, ECCV 2016) over three feature maps; its layout is the one of
MediaPipe's `pose_detection` module (model card "BlazePose GHUM 3D", 2021): strides 8, 16, 32, 32, 32, two anchors per
layer and cell, all of unit size, so that only the centres matter.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

INPUT_PX = 224
"""Side of the person detector's square input."""

_STRIDES_AND_ANCHORS = ((8, 2), (16, 2), (32, 6))
"""Stride of each feature map, and anchors per cell; the three layers of stride 32 share one map."""


def anchor_centres() -> NDArray[np.float32]:
    """(2254, 2) anchor centres as x, y in 0..1 of the input, in the order of the model's rows."""
    maps = []
    for stride, per_cell in _STRIDES_AND_ANCHORS:
        cells = INPUT_PX // stride
        at = (np.arange(cells, dtype=np.float32) + 0.5) / cells
        y, x = np.meshgrid(at, at, indexing="ij")
        maps.append(np.repeat(np.stack([x.ravel(), y.ravel()], axis=1), per_cell, axis=0))
    return np.concatenate(maps)
