"""npy as VideoPose3D's `--viz-export` writes it: (F,17,3) float32, root-relative, camera space, one file per person.

VideoPose3D has no notion of an absent person; frames without one are NaN here.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from liftline.exports._paths import person_path
from liftline.files.atomic import atomic_path
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.skeletons import H36M17


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:  # noqa: ARG001 - every exporter has the same form
    """Write `<stem>.npy` for the most prominent person, `<stem>#2.npy`, … for the others."""
    paths = []
    for position, track in enumerate(poses.track_ids.tolist()):
        path = person_path(base, position, ".npy")
        with atomic_path(path) as temporary, temporary.open("wb") as file:
            np.lib.format.write_array(file, poses.dense(track)[:, : len(H36M17)], allow_pickle=False)
        paths.append(path)
    return paths
