"""OpenSim's TRC: marker positions over time, metres, one file per person.

OpenSim's ground has y up: x is to the camera's right, y up from the floor, z towards the camera.
Format: https://opensimconfluence.atlassian.net/wiki/spaces/OpenSim/pages/53088998 (Marker (.trc) Files).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from liftline.exports._paths import person_path
from liftline.files.atomic import atomic_path
from liftline.frames import frame_rate
from liftline.poses import Poses
from liftline.scene import Scene, to_world
from liftline.skeletons import H36M17

_USUAL_HZ = 30
_TO_Y_UP = np.array([1.0, 1.0, -1.0])


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.trc` for the most prominent person, `<stem>#2.trc`, … for the others."""
    paths = []
    for position in range(len(poses)):
        path = person_path(base, position, ".trc")
        with atomic_path(path) as temporary:
            temporary.write_text("\n".join(_lines(poses, position, scene, path.name)) + "\n", "utf-8")
        paths.append(path)
    return paths


def _lines(poses: Poses, position: int, scene: Scene, name: str) -> Iterator[str]:
    rows = poses.rows(position)
    times = poses.frame_times_s[poses.frame_index[rows]]
    rate = f"{frame_rate(times).hz if len(times) > 1 else _USUAL_HZ:.6g}"
    count, joints = len(times), len(H36M17)
    markers = _TO_Y_UP * to_world(poses.joints_m[rows] + poses.root_cam_m[rows, None], scene)[..., [0, 2, 1]]
    yield f"PathFileType\t4\t(X/Y/Z)\t{name}"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    yield f"{rate}\t{rate}\t{count}\t{joints}\tm\t{rate}\t1\t{count}"
    yield "Frame#\tTime\t" + "\t\t\t".join(H36M17.joints) + "\t\t"
    yield "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, joints + 1))
    yield ""
    for frame, time_s, xyz in zip(poses.frame_index[rows].tolist(), times.tolist(), markers, strict=True):
        yield f"{frame + 1}\t{time_s:.6f}\t" + "\t".join(f"{v:.5f}" for v in xyz.ravel())
