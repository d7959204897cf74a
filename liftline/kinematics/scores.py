"""How surely each joint of a 3D pose was seen: from the scores of the keypoints that it stands on."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liftline.poses import Poses

SEEN_SCORE, LEAST_SHARE = 0.3, 0.05
"""A joint that scores as much in less than this share of a person's frames was never seen: detectors score single
frames of a leg under a table, too. Where such a joint is exported, it is the network's guess."""

_FACE = ("nose", "left_eye", "right_eye", "left_ear", "right_ear")
_HIPS, _SHOULDERS = ("left_hip", "right_hip"), ("left_shoulder", "right_shoulder")
_WEAKEST = {"hip": _HIPS, "spine": (*_HIPS, *_SHOULDERS), "thorax": _SHOULDERS}
_OTHER_NAMES = {"left_foot": "left_ankle", "right_foot": "right_ankle"}


def joint_scores(poses: Poses) -> NDArray[np.float32]:
    """(R,J) scores of the joints, 0 to 1.

    A joint of the trunk is seen as surely as the weakest keypoint that it lies between, the head as surely as the best
    of the face. Joints that no keypoint tells of have 0; so has every joint of an interpolated row.
    """
    columns = [_score(name, poses) for name in poses.skeleton.joints]
    scores = np.nan_to_num(np.stack(columns, axis=1)).astype(np.float32)
    return np.where(poses.observed[:, None], scores, np.float32(0))


def seen_joints(scores: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(T,J) scores of one person -> (J,) whether the joint was seen at all. Frames without any score don't count."""
    frames = max(int((scores > 0).any(axis=1).sum()), 1)
    return np.asarray((scores >= SEEN_SCORE).sum(axis=0) >= LEAST_SHARE * frames, np.bool_)


def _score(name: str, poses: Poses) -> NDArray[np.float32]:
    index, scores = poses.keypoint_skeleton.index, poses.keypoint_scores
    if name in ("neck", "head"):
        return np.asarray(scores[:, [index[one] for one in _FACE]].max(axis=1), np.float32)
    if name in _WEAKEST:
        return np.asarray(scores[:, [index[one] for one in _WEAKEST[name]]].min(axis=1), np.float32)
    keypoint = index.get(_OTHER_NAMES.get(name, name))
    return scores[:, keypoint] if keypoint is not None else np.zeros(len(scores), np.float32)
