"""One length for each bone of a person, the same left and right, over the whole track.

A network sees every frame's size anew, so bones breathe. The length that counts is the median over the track, weighted
by how sure the detector was; then the joints are laid again from the hip outwards, each bone in its direction.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.skeletons import pose_skeleton

_LEAST_WEIGHT = 0.01


def constant_bones(joints_m: NDArray[np.floating], weights: NDArray[np.floating]) -> NDArray[np.float32]:
    """Lay the joints again with bones of constant length.

    Args:
        joints_m: (T,J,3) joints of one of `POSE_SKELETONS` relative to the hip.
        weights: (T,) how much each frame counts, at least 0.

    Returns:
        (T,J,3), the hip where it was.
    """
    lengths_m = usual_lengths(bone_lengths(joints_m), weights)
    out = np.asarray(joints_m, np.float64).copy()
    for joint, parent in enumerate(pose_skeleton(joints_m.shape[1]).parents):
        if parent < 0:
            continue
        bone = np.asarray(joints_m[:, joint] - joints_m[:, parent], np.float64)
        actual = np.linalg.norm(bone, axis=1, keepdims=True)
        # A bone without length has no direction; it stays as it is.
        out[:, joint] = out[:, parent] + bone * np.where(actual > 0, lengths_m[joint] / np.maximum(actual, 1e-9), 1.0)
    return out.astype(np.float32)


def bone_lengths(joints_m: NDArray[np.floating]) -> NDArray[np.float64]:
    """(...,J,3) -> (...,J) length of the bone that ends at each joint; 0 for the hip."""
    parents = np.maximum(pose_skeleton(joints_m.shape[-2]).parents, 0)
    return np.asarray(np.linalg.norm(joints_m - joints_m[..., parents, :], axis=-1), np.float64)


def usual_lengths(lengths_m: NDArray[np.float64], weights: NDArray[np.floating]) -> NDArray[np.float64]:
    """(T,J) -> (J,) weighted medians, the same left and right."""
    left_and_right = np.concatenate([lengths_m, lengths_m[:, pose_skeleton(lengths_m.shape[1]).mirrored]])
    order = np.argsort(left_and_right, axis=0, kind="stable")
    share = np.tile(np.maximum(weights, _LEAST_WEIGHT), 2)[order].cumsum(axis=0)
    middle = (share < share[-1] / 2).sum(axis=0)
    joints = np.arange(lengths_m.shape[1])
    return np.asarray(np.take_along_axis(left_and_right, order, axis=0)[middle, joints], np.float64)
