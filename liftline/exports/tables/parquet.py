"""Parquet: a row per person, frame and joint (extra `parquet`: pyarrow), a row group per person.

Coordinates are null for joints that were never seen; the file's metadata say units and axes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from liftline.exports._extras import needed
from liftline.files.atomic import atomic_path
from liftline.kinematics.person import Person, people, z_up
from liftline.poses import Poses
from liftline.scene import Scene

_METADATA = {
    "liftline.format": "poses_3d, long form, version 1",
    "liftline.world": "x, y, z in metres: x to the camera's right, y away, z up; origin on the floor under the camera",
    "liftline.camera": "x_cam, y_cam, z_cam in metres: x right, y down, z forward",
    "liftline.score": "0 to 1; 0 where the frame is interpolated or no keypoint tells of the joint",
}


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.parquet` with everyone in it. Raises UsageError where pyarrow isn't installed."""
    arrow, writer_class = needed("parquet"), needed("parquet", "parquet").ParquetWriter
    path, schema = base.with_suffix(".parquet"), _schema(arrow)
    with atomic_path(path) as temporary, writer_class(temporary, schema, compression="zstd") as writer:
        for person in people(poses, scene):
            if len(person):
                table = arrow.table(_columns(poses, person), schema=schema)
                writer.write_table(table, row_group_size=max(1, len(table)))
    return [path]


def _schema(arrow: Any) -> Any:
    name = arrow.dictionary(arrow.int32(), arrow.string())
    places = [(axis + space, arrow.float32()) for space in ("", "_cam") for axis in "xyz"]
    fields = [
        ("video", name), ("person", arrow.int64()), ("frame", arrow.int64()), ("time_s", arrow.float64()),
        ("joint", name), *places, ("score", arrow.float32()), ("observed", arrow.bool_()),
    ]  # fmt: skip
    return arrow.schema(fields, metadata=_METADATA)


def _columns(poses: Poses, person: Person) -> dict[str, Any]:
    frames, joints = len(person), len(person.skeleton)
    rows = poses.rows(person.position)
    in_camera = poses.joints_m[rows] + poses.root_cam_m[rows, None]
    missing = np.tile(~person.seen, frames)
    places = {
        axis + space: np.ma.masked_array(values[..., i].ravel().astype(np.float32), missing)
        for space, values in (("", z_up(person.joints_m)), ("_cam", in_camera))
        for i, axis in enumerate("xyz")
    }
    return {
        "video": [poses.video] * (frames * joints),
        "person": np.full(frames * joints, person.track_id),
        "frame": np.repeat(person.frame_index + 1, joints),
        "time_s": np.repeat(person.times_s, joints),
        "joint": list(person.skeleton.joints) * frames,
        **places,
        "score": person.scores.ravel(),
        "observed": np.repeat(person.observed, joints),
    }
