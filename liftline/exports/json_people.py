"""JSON: one object per person, one entry per frame, metres and seconds in the key names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from liftline.files.atomic import write_json
from liftline.poses import Poses
from liftline.scene import Scene, to_world, world_axes
from liftline.skeletons import H36M17


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.json` with everyone in it."""
    path = base.with_suffix(".json")
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
            "skeleton": {"name": H36M17.name, "joints": list(H36M17.joints), "parents": list(H36M17.parents)},
            "people": [_person(poses, scene, position) for position in range(len(poses))],
        },
    )
    return [path]


def _person(poses: Poses, scene: Scene, position: int) -> dict[str, Any]:
    rows = range(*poses.rows(position).indices(len(poses.frame_index)))
    return {"track_id": int(poses.track_ids[position]), "frames": [_frame(poses, scene, row) for row in rows]}


def _frame(poses: Poses, scene: Scene, row: int) -> dict[str, Any]:
    frame = int(poses.frame_index[row])
    return {
        "frame": frame + 1,
        "time_s": round(float(poses.frame_times_s[frame]), 6),
        "observed": bool(poses.observed[row]),
        "root_cam_m": _rounded(poses.root_cam_m[row]),
        "joints_m": _rounded(poses.joints_m[row]),
        "joints_world_m": _rounded(to_world(poses.joints_m[row] + poses.root_cam_m[row], scene)),
    }


def _rounded(values: np.ndarray[Any, Any]) -> list[Any]:
    return [[round(float(v), 5) for v in row] if np.ndim(row) else round(float(row), 5) for row in values]
