"""CSV: one line per person, frame and joint (RFC 4180), for spreadsheets and data frames."""

from __future__ import annotations

import csv
from pathlib import Path

from liftline.files.atomic import atomic_path
from liftline.poses import Poses
from liftline.scene import Scene, to_world
from liftline.skeletons import H36M17

COLUMNS = (
    "track_id", "frame", "time_s", "joint", "x_m", "y_m", "z_m", "x_cam_m", "y_cam_m", "z_cam_m", "observed",
    "x_world_m", "y_world_m", "z_world_m",
)  # fmt: skip


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.csv`: x, y, z from the hip and in camera space, then in the world (z up); frames count from 1."""
    path = base.with_suffix(".csv")
    with atomic_path(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for position, track in enumerate(poses.track_ids.tolist()):
            for row in range(*poses.rows(position).indices(len(poses.frame_index))):
                frame = int(poses.frame_index[row])
                head = (track, frame + 1, f"{poses.frame_times_s[frame]:.6f}")
                relative, absolute = poses.joints_m[row], poses.joints_m[row] + poses.root_cam_m[row]
                world = to_world(absolute, scene)
                for joint, name in enumerate(H36M17.joints):
                    numbers = [f"{v:.5f}" for v in (*relative[joint], *absolute[joint])]
                    upright = [f"{v:.5f}" for v in world[joint]]
                    out.writerow([*head, name, *numbers, int(poses.observed[row]), *upright])
    return [path]
