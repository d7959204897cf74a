"""How much boxes have in common: which of several are one person's."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def overlap(box: NDArray[np.float32], boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(N,) intersection over union of one box (4,) with others (N,4)."""
    sides = np.minimum(box[2:], boxes[:, 2:]) - np.maximum(box[:2], boxes[:, :2])
    shared = np.prod(np.clip(sides, 0, None), axis=1)
    total = np.prod(box[2:] - box[:2]) + np.prod(boxes[:, 2:] - boxes[:, :2], axis=1) - shared
    return np.asarray(shared / np.maximum(total, 1e-9), np.float32)
