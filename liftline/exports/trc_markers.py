"""OpenSim's TRC: marker positions over time, metres, y up, one file per person.

Format: https://opensimconfluence.atlassian.net/wiki/spaces/OpenSim/pages/53088998 (Marker (.trc) Files).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from liftline.artifacts import atomic_path
from liftline.exports.paths import person_path
from liftline.poses import Poses
from liftline.scene import Scene
from liftline.skeletons import H36M17


def write(poses: Poses, scene: Scene, base: Path) -> list[Path]:
    """Write `<stem>.trc` for the most prominent person, `<stem>#2.trc`, … for the others."""
    to_world = upright_rotation(np.asarray(scene.up))
    floor = np.array([0.0, scene.floor_m, 0.0])
    paths = []
    for position in range(len(poses)):
        path = person_path(base, position, ".trc")
        with atomic_path(path) as temporary:
            temporary.write_text("\n".join(_lines(poses, position, to_world, floor, path.name)) + "\n", "utf-8")
        paths.append(path)
    return paths


def upright_rotation(up: NDArray[np.floating]) -> NDArray[np.float64]:
    """(3,3) rotation from camera space to x right, y up, z towards the camera."""
    y = np.asarray(up, np.float64)
    towards = np.array([0.0, 0.0, -1.0])
    z = towards - (towards @ y) * y
    if np.linalg.norm(z) < 1e-6:  # the camera looks straight up or down
        z = np.array([0.0, 1.0, 0.0])
    z /= np.linalg.norm(z)
    return np.stack([np.cross(y, z), y, z])


def _lines(
    poses: Poses, position: int, to_world: NDArray[np.float64], floor: NDArray[np.float64], name: str
) -> Iterator[str]:
    rows = poses.rows(position)
    times = poses.frame_times_s[poses.frame_index[rows]]
    step = float(np.median(np.diff(times))) if len(times) > 1 else 1 / 30
    rate, count, joints = f"{1 / step:.6g}", len(times), len(H36M17)
    markers = (poses.joints_m[rows] + poses.root_cam_m[rows, None]) @ to_world.T - floor
    yield f"PathFileType\t4\t(X/Y/Z)\t{name}"
    yield "DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\tOrigNumFrames"
    yield f"{rate}\t{rate}\t{count}\t{joints}\tm\t{rate}\t1\t{count}"
    yield "Frame#\tTime\t" + "\t\t\t".join(H36M17.joints) + "\t\t"
    yield "\t\t" + "\t".join(f"X{i}\tY{i}\tZ{i}" for i in range(1, joints + 1))
    yield ""
    for frame, time_s, xyz in zip(poses.frame_index[rows].tolist(), times.tolist(), markers, strict=True):
        yield f"{frame + 1}\t{time_s:.6f}\t" + "\t".join(f"{v:.5f}" for v in xyz.ravel())
