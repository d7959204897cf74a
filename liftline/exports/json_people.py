"""JSON: one object per person, one entry per frame, metres and seconds in the key names.

`never_seen` names a person's joints that no frame shows: their places are guesses. `scores` are the joints', 0 to 1.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liftline.files.atomic import write_json
from liftline.kinematics.scores import joint_scores, seen_joints
from liftline.poses import Poses
from liftline.scene import Scene, to_world, world_axes


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.json` with everyone in it."""
    path, scores = base.with_suffix(".json"), joint_scores(poses)
    write_json(
        path,
        {
            "format": "liftline.poses_3d",
            "schema_version": 1,
            "video": poses.video,
            "width_px": poses.width_px,
            "height_px": poses.height_px,
            "focal_px": poses.focal_px,
            "focal_source": scene.focal_source,
            "space": "camera: x right, y down, z forward",
            "world": {
                "space": "x to the camera's right, y away from it, z up; the origin is on the floor under the camera",
                "rotation_from_camera": world_axes(scene).tolist(),
                "translation_m": [0.0, 0.0, -scene.floor_m],
            },
            "up": list(scene.up),
            "skeleton": {
                "name": poses.skeleton.name,
                "joints": list(poses.skeleton.joints),
                "parents": list(poses.skeleton.parents),
            },
            "people": [_person(poses, scene, position, scores) for position in range(len(poses))],
        },
    )
    return [path]


def _person(poses: Poses, scene: Scene, position: int, scores: NDArray[np.float32]) -> dict[str, Any]:
    at = poses.rows(position)
    seen = seen_joints(scores[at])
    return {
        "track_id": int(poses.track_ids[position]),
        "never_seen": [name for name, was_seen in zip(poses.skeleton.joints, seen, strict=True) if not was_seen],
        "frames": [_frame(poses, scene, row, scores[row]) for row in range(*at.indices(len(poses.frame_index)))],
    }


def _frame(poses: Poses, scene: Scene, row: int, scores: NDArray[np.float32]) -> dict[str, Any]:
    frame, absolute = int(poses.frame_index[row]), poses.joints_m[row] + poses.root_cam_m[row]
    return {
        "frame": frame + 1,
        "time_s": round(float(poses.frame_times_s[frame]), 6),
        "observed": bool(poses.observed[row]),
        "root_cam_m": _rounded(poses.root_cam_m[row]),
        "joints_m": _rounded(poses.joints_m[row]),
        "joints_cam_m": _rounded(absolute),
        "joints_world_m": _rounded(to_world(absolute, scene)),
        "scores": [round(float(score), 3) for score in scores],
    }


def _rounded(values: np.ndarray[Any, Any]) -> list[Any]:
    return [[round(float(v), 5) for v in row] if np.ndim(row) else round(float(row), 5) for row in values]
