"""CSV: one line per person, frame and joint (RFC 4180), for spreadsheets and data frames.

Joints that were never seen have empty cells for their place; `score` says how surely a joint was seen in that frame.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.files.atomic import atomic_path
from liftline.kinematics.scores import joint_scores, seen_joints
from liftline.poses import Poses
from liftline.scene import Scene, to_world

COLUMNS = (
    "track_id", "frame", "time_s", "joint", "x_m", "y_m", "z_m", "x_cam_m", "y_cam_m", "z_cam_m", "observed",
    "x_world_m", "y_world_m", "z_world_m", "score",
)  # fmt: skip


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.csv`: x, y, z from the hip and in camera space, then in the world (z up); frames count from 1."""
    path, scores = base.with_suffix(".csv"), joint_scores(poses)
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for position in range(len(poses)):
            seen = seen_joints(scores[poses.rows(position)])
            for row in range(*poses.rows(position).indices(len(poses.frame_index))):
                out.writerows(_lines(poses, scene, position, row, scores[row], seen))
    return [path]


def _lines(
    poses: Poses, scene: Scene, position: int, row: int, scores: NDArray[np.float32], seen: NDArray[np.bool_]
) -> Iterator[list[object]]:
    frame = int(poses.frame_index[row])
    head = (int(poses.track_ids[position]), frame + 1, f"{poses.frame_times_s[frame]:.6f}")
    relative, absolute = poses.joints_m[row], poses.joints_m[row] + poses.root_cam_m[row]
    world = to_world(absolute, scene)
    for joint, name in enumerate(poses.skeleton.joints):
        places = (f"{v:.5f}" if seen[joint] else "" for v in (*relative[joint], *absolute[joint], *world[joint]))
        *seen_from_camera, x, y, z = places
        yield [*head, name, *seen_from_camera, int(poses.observed[row]), x, y, z, f"{scores[joint]:.3f}"]
