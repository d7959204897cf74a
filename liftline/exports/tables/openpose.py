"""OpenPose's JSON, BODY_25, a file per frame in `<stem>_openpose.zip`: what its `--write_json` fills a folder with.

They hold the keypoints in pixels that the poses stand on. Interpolated people aren't in them, and what wasn't seen is
0, 0, 0, as OpenPose has it. Format: github.com/CMU-Perceptual-Computing-Lab/openpose, doc/02_output.md.
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.files.atomic import atomic_path
from liftline.poses import Poses
from liftline.scene import Scene

BODY_25: tuple[str, ...] = (
    "nose", "neck", "right_shoulder", "right_elbow", "right_wrist", "left_shoulder", "left_elbow", "left_wrist",
    "mid_hip", "right_hip", "right_knee", "right_ankle", "left_hip", "left_knee", "left_ankle",
    "right_eye", "left_eye", "right_ear", "left_ear",
    "left_big_toe", "left_small_toe", "left_heel", "right_big_toe", "right_small_toe", "right_heel",
)  # fmt: skip
_MIDDLES = {"neck": ("left_shoulder", "right_shoulder"), "mid_hip": ("left_hip", "right_hip")}
_OTHERS = (
    "face_keypoints_2d", "hand_left_keypoints_2d", "hand_right_keypoints_2d",
    "pose_keypoints_3d", "face_keypoints_3d", "hand_left_keypoints_3d", "hand_right_keypoints_3d",
)  # fmt: skip


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:  # noqa: ARG001 - every exporter has the same form
    """Write `<stem>_openpose.zip`, with a file for every frame of the video."""
    path, body = base.with_name(f"{base.stem}_openpose.zip"), body_25(poses)
    owner = np.repeat(poses.track_ids, np.diff(poses.row_offsets))
    seen = np.flatnonzero(poses.observed)
    seen = seen[np.argsort(poses.frame_index[seen], kind="stable")]
    bounds = np.searchsorted(poses.frame_index[seen], np.arange(len(poses.frame_times_s) + 1))
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for frame in range(len(poses.frame_times_s)):
            rows = seen[bounds[frame] : bounds[frame + 1]]
            people = [_person(int(owner[row]), body[row]) for row in rows]
            # Equal poses give equal files: the date is always the first there is.
            entry = zipfile.ZipInfo(f"{base.stem}_{frame:012d}_keypoints.json")
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, json.dumps({"version": 1.3, "people": people}, separators=(",", ":")))
    return [path]


def body_25(poses: Poses) -> NDArray[np.float64]:
    """(R,25,3) pixels and scores; neck and mid hip are the middles of their sides, as sure as the weaker one."""
    index = poses.keypoint_skeleton.index
    points = np.concatenate([poses.keypoints_px, poses.keypoint_scores[..., None]], axis=-1).astype(np.float64)
    out = np.zeros((len(points), len(BODY_25), 3))
    for i, name in enumerate(BODY_25):
        if name in _MIDDLES:
            pair = points[:, [index[side] for side in _MIDDLES[name]]]
            out[:, i] = np.concatenate([pair[..., :2].mean(axis=1), pair[..., 2:].min(axis=1)], axis=-1)
        elif name in index:
            out[:, i] = points[:, index[name]]
    known = np.isfinite(out).all(axis=-1, keepdims=True) & (out[..., 2:] > 0)
    return np.where(known, out, 0.0)


def _person(track: int, points: NDArray[np.float64]) -> dict[str, Any]:
    numbers = np.column_stack([points[:, :2].round(3), points[:, 2].round(5)]).ravel().tolist()
    return {"person_id": [track], "pose_keypoints_2d": numbers, **{name: [] for name in _OTHERS}}
